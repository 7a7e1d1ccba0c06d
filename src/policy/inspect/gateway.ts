import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { faultOfProxySecret } from './proxies.ts'

/** What the gateway may not do: serve an origin that anybody else could ask as well. */
export function inspectGateway({ gateway, routes = {} }: Draft, _: Names, report: Report): void {
  for (const [name, { connections }] of Object.entries(routes)) {
    if (connections === undefined) continue
    const path = ['routes', name, 'connections']
    if (connections.client === undefined && connections.principal === undefined)
      report(path, 'bounds nothing: write client, principal or both')
    if (gateway === undefined)
      report(
        path,
        'is counted where connections are seen to close, which is in the gateway: configure `gateway`, or use the bound of your proxy',
      )
  }
  if (gateway === undefined) return
  const { secret, binding, headers } = gateway
  if (secret === undefined && binding === undefined)
    report(
      ['gateway'],
      'proves nothing to the origin, so that it would have to serve everybody: write secret, binding or both',
    )
  const fault = secret?.value == null ? null : faultOfProxySecret(secret.value)
  if (fault !== null) report(['gateway', 'secret'], fault)
  const seen = new Set<string>()
  for (const header of Object.keys(headers)) {
    if (seen.has(header.toLowerCase())) report(['gateway', 'headers', header], 'stands there twice: keep one')
    seen.add(header.toLowerCase())
  }
}
