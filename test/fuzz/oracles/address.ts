/** Who the client of a forwarded request is, worked out on node:net alone. It imports nothing of Postern on purpose. */
import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** The canonical text of one hop of X-Forwarded-For, null when it is none: `a`, `a:port`, `[v6]`, `[v6]:port`, `v6%zone`. */
export function hopOf(text: string): string | null {
  const hop = text.replace(/^[ \t]+|[ \t]+$/g, '')
  const bracketed = /^\[([^\]%]+)(?:%[^\]]+)?\](?::(\d{1,5}))?$/.exec(hop)
  if (bracketed !== null) return portOk(bracketed[2]) ? v6(bracketed[1] ?? '') : null
  const dotted = /^([\d.]+)(?::(\d{1,5}))?$/.exec(hop)
  if (dotted !== null) return portOk(dotted[2]) && isIPv4(dotted[1] ?? '') ? (dotted[1] ?? null) : null
  return v6(hop.replace(/%.+$/, ''))
}

const portOk = (port: string | undefined): boolean => port === undefined || Number(port) <= 65_535

/** RFC 5952, as URL parsers write it, and IPv4 where it is mapped. */
function v6(text: string): string | null {
  if (!isIPv6(text) || text.includes('%')) return null
  const written = new URL(`http://[${text}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written)
  if (mapped === null) return written
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** Networks as Node's own block list keeps them. */
export function networksOf(...cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', prefix = ''] = cidr.split('/')
    list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6')
  }
  return (address) => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** The rightmost hop that is not trusted, the leftmost when all are; null when an unreadable one comes first. */
export function clientOf(lines: readonly string[], trusted: (address: string) => boolean): string | null {
  const hops = lines.join(',').split(',').reverse()
  for (const [at, text] of hops.entries()) {
    const hop = hopOf(text)
    if (hop === null) return null
    if (at === hops.length - 1 || !trusted(hop)) return hop
  }
  return null
}
