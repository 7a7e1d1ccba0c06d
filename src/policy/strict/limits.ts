import type { Item } from './item.ts'

export const LIMIT_ITEMS: readonly Item[] = [
  {
    id: 'limit-outage',
    what: 'No limit is lifted while the store does not answer.',
    why: 'Whoever can keep the store busy, or waits until it fails, is then not limited at all.',
    how: 'Leave `onOutage` at `local`, so that each instance counts its part by itself, or write `deny`.',
    look({ limits }, tell) {
      for (const [name, { onOutage }] of Object.entries(limits))
        if (onOutage === 'allow')
          tell(['limits', name, 'onOutage'], 'lifts the limit while the store is down: write local or deny')
    },
  },
  {
    id: 'limit-ipv6',
    what: 'One IPv6 client is a network of 64 bits or wider.',
    why: 'Everybody who has IPv6 has a /64 at least, and so as many addresses as he likes, each with a limit of its own.',
    how: 'Leave `ipv6` at 64.',
    look({ limits }, tell) {
      for (const [name, { ipv6 }] of Object.entries(limits))
        if (ipv6 > 64) tell(['limits', name, 'ipv6'], 'gives one client many limits: write 64 or less')
    },
  },
]
