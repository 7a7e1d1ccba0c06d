import type { Network } from '../../core/address.ts'
import { PROXIES } from '../../proxies/index.ts'
import type { Path } from '../../schema/problem.ts'
import { suggestion } from '../../schema/problem.ts'
import { weakness } from '../../schema/secret.ts'
import type { Runtime } from '../../stores/contract.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { coverFamily } from './networks.ts'

/** Shorter than a key that signs: it can only be guessed by asking us. */
const SECRET_BYTES = 16

/** Whether a network holds every address of its family: half of them is as good as all. */
const isEverybody = ({ prefix }: Network): boolean => prefix <= 1

export function inspectProxies(
  { proxies = {}, gateway, listen, trustedHops }: Draft,
  names: Names,
  report: Report,
  runtime: Runtime | null,
): void {
  // On Workers others may ask through a service binding, which no policy has to name.
  if (names.proxies.size === 0 && runtime !== 'workers' && (runtime === 'node' || gateway === undefined))
    report(
      ['proxies'],
      `names no proxy, so no check would be answered: ${suggestion('', Object.keys(PROXIES))}`,
    )
  for (const [name, proxy] of Object.entries(proxies)) {
    if (proxy === undefined) continue
    const { peers, certificates } = proxy
    if (peers === undefined && proxy.secret === undefined && certificates === undefined) {
      report(['proxies', name], 'demands nothing of the proxy: write peers, secret or certificates')
    } else if (runtime === 'workers' && proxy.secret === undefined && certificates === undefined) {
      report(
        ['proxies', name],
        'demands nothing that a Worker can see, which is told no peer: write secret or certificates',
      )
    }
    if (runtime === 'node' && certificates !== undefined && listen.tls === undefined)
      report(
        ['proxies', name, 'certificates'],
        'can be presented nowhere, so no check would be taken: configure listen.tls, which asks for them',
      )
    inspectReach(peers ?? [], ['proxies', name, 'peers'], report, TAKES_ALL)
    const fault = proxy.secret?.value == null ? null : faultOfProxySecret(proxy.secret.value)
    if (fault !== null) report(['proxies', name, 'secret'], fault)
    if (proxy.place !== undefined && proxy.place.country === undefined && proxy.place.asn === undefined)
      report(['proxies', name, 'place'], 'names no header: write country, asn or both')
  }
  inspectReach(trustedHops, ['trustedHops'], report, TRUSTS_ALL)
}

/** Why a text cannot be what travels in X-Postern-Secret, never with the text; null when it can. */
export function faultOfProxySecret(value: string): string | null {
  const weak = weakness(value, SECRET_BYTES)
  if (weak !== null) return `${weak}: use at least ${SECRET_BYTES} random bytes, as from openssl rand -hex 32`
  // What cannot stand in a header line can never be sent.
  return /^[\x21-\x7e]+$/.test(value)
    ? null
    : 'holds a character that no header can carry: use visible ASCII without spaces'
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
