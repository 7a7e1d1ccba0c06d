import { reachOf } from './addresses.ts'
import type { Item, Tell } from './item.ts'

export const LISTENER_ITEMS: readonly Item[] = [
  {
    id: 'checks-encrypted',
    what: 'Checks in the clear are taken on loopback alone.',
    why: 'A check carries the token or key of the client and the secret of the proxy. On a network in the clear, whoever listens there has both.',
    how: 'Leave `listen.check` on loopback and give proxies elsewhere `listen.tls`. An isolated network that holds nothing but the proxy and Postern is a reason to accept this.',
    look: ({ listen }, tell) =>
      beyondLoopback(
        ['listen', 'check'],
        listen.check,
        'takes checks, and the credentials in them, in the clear: listen on loopback, or with listen.tls',
        tell,
      ),
  },
  {
    id: 'health-private',
    what: 'Health and metrics are not on a public address, nor on all of them.',
    why: 'Metrics tell strangers the names of routes, how many are refused and why, and when the store is down.',
    how: 'Set `listen.health` to loopback or to a private address that your monitoring reaches.',
    look({ listen }, tell) {
      const reach = listen.health === undefined ? 'loopback' : reachOf(listen.health)
      if (reach === 'public' || reach === 'everywhere')
        tell(['listen', 'health'], 'shows metrics to strangers: listen on loopback or a private address')
    },
  },
  {
    id: 'admin-loopback',
    what: 'The admin API listens on loopback.',
    why: 'It speaks plain HTTP, and its tokens rule keys, revocations and bans.',
    how: 'Set `listen.admin` to 127.0.0.1 and reach it through SSH, or put a proxy with TLS on the same host in front.',
    look: ({ listen }, tell) =>
      beyondLoopback(
        ['listen', 'admin'],
        listen.admin,
        'takes admin tokens in the clear: listen on loopback, with TLS in front where others need it',
        tell,
      ),
  },
]

function beyondLoopback(
  path: readonly string[],
  address: string | undefined,
  message: string,
  tell: Tell,
): void {
  if (address !== undefined && reachOf(address) !== 'loopback') tell(path, message)
}
