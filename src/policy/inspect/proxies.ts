import type { Network } from '../../core/address.ts'
import type { Path } from '../../schema/problem.ts'
import { weakness } from '../../schema/secret.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { coverFamily } from './networks.ts'

/** Shorter than a key that signs: it can only be guessed by asking us. */
const SECRET_BYTES = 16

/** Whether a network holds every address of its family: half of them is as good as all. */
const isEverybody = ({ prefix }: Network): boolean => prefix <= 1

export function inspectProxies({ proxies = {}, trustedHops }: Draft, names: Names, report: Report): void {
  if (names.proxies.size === 0)
    report(['proxies'], 'names no proxy, so no check would be answered: write traefik, caddy or nginx')
  for (const [name, proxy] of Object.entries(proxies)) {
    if (proxy === undefined) continue
    if (proxy.peers === undefined && proxy.secret === undefined) {
      report(['proxies', name], 'demands nothing of the proxy: write peers, secret or both')
    }
    inspectReach(proxy.peers ?? [], ['proxies', name, 'peers'], report, TAKES_ALL)
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
  inspectReach(trustedHops, ['trustedHops'], report, TRUSTS_ALL)
}

const TAKES_ALL = 'takes checks from everybody: name the addresses of the proxy'
const TRUSTS_ALL =
  'trusts everybody, so any client could name its own address: write the ranges of your balancer or CDN'

/** Reports networks that hold everybody, alone or together. */
function inspectReach(networks: readonly Network[], path: Path, report: Report, message: string): void {
  const wide = networks.flatMap((network, index) => (isEverybody(network) ? [index] : []))
  for (const index of wide) report([...path, index], message)
  if (wide.length === 0 && coverFamily(networks)) report(path, message)
}
