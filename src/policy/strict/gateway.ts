import type { Item } from './item.ts'

export const GATEWAY_ITEMS: readonly Item[] = [
  {
    id: 'gateway-shield',
    what: 'A gateway has a shield.',
    why: 'It stands on the Internet by itself. A coarse bound before anything is computed keeps a flood from costing Worker time and calls to the store.',
    how: 'Bind a rate limit and write `shield: { binding: NAME }` (docs/cloudflare.md).',
    look({ gateway, shield }, tell) {
      if (gateway !== undefined && shield === undefined)
        tell(['gateway'], 'meets floods without a bound: bind a rate limit and name it under `shield`')
    },
  },
  {
    id: 'gateway-https',
    what: 'Answers of a gateway keep browsers on https.',
    why: 'A first request in the clear can be read and changed on its way, tokens included.',
    how: 'Keep `Strict-Transport-Security` when you write `gateway.headers`: what you write takes the place of the default.',
    look({ gateway }, tell) {
      if (gateway === undefined) return
      const names = Object.keys(gateway.headers).map((name) => name.toLowerCase())
      if (!names.includes('strict-transport-security'))
        tell(['gateway', 'headers'], 'have lost Strict-Transport-Security: write max-age=31536000')
    },
  },
]
