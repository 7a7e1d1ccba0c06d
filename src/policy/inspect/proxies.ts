import type { Network } from '../../core/address.ts'
import { weakness } from '../../schema/secret.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import type { Policy } from '../schema.ts'

/** Shorter than a key that signs: it can only be guessed by asking us. */
const SECRET_BYTES = 16

/** Whether a network holds every address of its family: half of them is as good as all. */
const isEverybody = ({ prefix }: Network): boolean => prefix <= 1

export function inspectProxies({ proxies, trustedHops }: Policy, _: Names, report: Report): void {
  if (Object.keys(proxies).length === 0)
    report(['proxies'], 'names no proxy, so no check would be answered: write traefik, caddy or nginx')
  for (const [name, proxy] of Object.entries(proxies)) {
    if (proxy === undefined) continue
    if (proxy.peers === undefined && proxy.secret === undefined) {
      report(['proxies', name], 'demands nothing of the proxy: write peers, secret or both')
    }
    for (const [index, peer] of (proxy.peers ?? []).entries()) {
      if (isEverybody(peer))
        report(
          ['proxies', name, 'peers', index],
          'takes checks from everybody: name the addresses of the proxy',
        )
    }
    const weak = proxy.secret?.value == null ? null : weakness(proxy.secret.value, SECRET_BYTES)
    if (weak !== null)
      report(
        ['proxies', name, 'secret'],
        `${weak}: use at least ${SECRET_BYTES} random bytes, as from openssl rand -hex 32`,
      )
    // What cannot stand in a header line can never be sent.
    if (proxy.secret?.value != null && !/^[\x21-\x7e]+$/.test(proxy.secret.value)) {
      report(
        ['proxies', name, 'secret'],
        'holds a character that no header can carry: use visible ASCII without spaces',
      )
    }
  }
  for (const [index, hop] of trustedHops.entries()) {
    if (isEverybody(hop))
      report(
        ['trustedHops', index],
        'trusts everybody, so any client could name its own address: write the ranges of your balancer or CDN',
      )
  }
}
