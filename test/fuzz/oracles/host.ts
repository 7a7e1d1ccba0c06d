/** Which host a request is for, worked out on node:net alone. It imports nothing of Postern on purpose. */
import { isIPv6 } from 'node:net'

/** The one name that everybody reads in a host field; null when somebody may read another one. */
export function hostIn(text: string): string | null {
  const address = /^\[([0-9A-Fa-f:.]+)\](?::(\d+))?$/.exec(text)
  if (address !== null) {
    const [, inner = '', port] = address
    return portOk(port) && isIPv6(inner) ? new URL(`http://[${inner}]`).hostname : null
  }
  const [, name = '', port] = /^([A-Za-z0-9._-]+?)\.?(?::(\d+))?$/.exec(text) ?? []
  const labels = name.split('.')
  if (!portOk(port) || name.length > 253 || labels.some((label) => label === '' || label.length > 63))
    return null
  return name.toLowerCase()
}

const portOk = (port: string | undefined): boolean =>
  port === undefined || (port.length <= 5 && Number(port) > 0 && Number(port) < 65_536)
