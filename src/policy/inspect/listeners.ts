import { parseAddress } from '../../core/address.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'

interface Listener {
  readonly path: readonly string[]
  readonly host: string
  readonly port: number
}

export function inspectListeners({ listen }: Draft, _: Names, report: Report): void {
  const places: [string[], string | undefined][] = [
    [['listen', 'check'], listen.check],
    [['listen', 'health'], listen.health],
    [['listen', 'admin'], listen.admin],
    [['listen', 'tls', 'address'], listen.tls?.address],
  ]
  const listeners: Listener[] = []
  for (const [path, address] of places) {
    if (address === undefined) continue
    const listener = listenerOf(path, address)
    if (listener.port > 65_535) report(path, 'has a port above 65535: write HOST:PORT, as in 127.0.0.1:8081')
    else if (!isHost(listener.host))
      report(path, 'has a host that is no address: write HOST:PORT, as in 127.0.0.1:8081 or [::1]:8081')
    const other = listeners.find((one) => collide(one, listener))
    if (other !== undefined)
      report(path, `is also the address of ${other.path.join('.')}: give every listener its own port`)
    listeners.push(listener)
  }
}

function listenerOf(path: readonly string[], address: string): Listener {
  const colon = address.lastIndexOf(':')
  return { path, host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
}

/** What looks like an address must be one; a name is the resolver's business. */
function isHost(host: string): boolean {
  if (host.startsWith('[')) return parseAddress(host.slice(1, -1))?.family === 6
  return !/^[\d.]+$/.test(host) || parseAddress(host) !== null
}

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '[::]'])

function collide(a: Listener, b: Listener): boolean {
  if (a.port !== b.port || a.port === 0) return false
  return a.host === b.host || EVERYWHERE.has(a.host) || EVERYWHERE.has(b.host)
}
