import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import type { Policy } from '../schema.ts'

export function inspectListeners({ listen }: Policy, _: Names, report: Report): void {
  const places: [string[], string | undefined][] = [
    [['listen', 'check'], listen.check],
    [['listen', 'health'], listen.health],
    [['listen', 'tls', 'address'], listen.tls?.address],
  ]
  const taken = new Map<string, string>()
  for (const [path, address] of places) {
    if (address === undefined) continue
    const port = Number(address.slice(address.lastIndexOf(':') + 1))
    if (port > 65_535) report(path, 'has a port above 65535: write HOST:PORT, as in 127.0.0.1:8081')
    const other = port === 0 ? undefined : taken.get(address)
    if (other !== undefined) report(path, `is also the address of ${other}: give every listener its own`)
    taken.set(address, path.join('.'))
  }
}
