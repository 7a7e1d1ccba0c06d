/**
 * Addresses as one big number each, networks as a first and a last one: written from RFC 4291, 4632 and 5952 to be
 * compared with src/core/address.ts, of which it imports nothing.
 */

export interface Number128 {
  readonly family: 4 | 6
  readonly value: bigint
}

/** The first and the last address of a network. */
export interface Span {
  readonly family: 4 | 6
  readonly first: bigint
  readonly last: bigint
}

const OCTET = /^(?:0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$/
const MAPPED = 0xffffn

function octets(text: string): bigint | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => OCTET.test(part))) return null
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

/** RFC 4291 section 2.2: eight groups, one run of zeros as `::`, the last two as a dotted quad. */
function groups(text: string): bigint | null {
  const dotted = /^(.*:)([0-9.]+\.[0-9.]*)$/.exec(text)
  if (dotted !== null) {
    const low = octets(dotted[2] ?? '')
    if (low === null) return null
    return groups(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const halves = text.split('::').map((half) => (half === '' ? [] : half.split(':')))
  if (halves.length > 2) return null
  const [head = [], tail = []] = halves
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 && missing < 1) return null
  const parts = halves.length === 1 ? head : [...head, ...Array<string>(missing).fill('0'), ...tail]
  if (parts.length !== 8 || !parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return null
  return BigInt(`0x${parts.map((part) => part.padStart(4, '0')).join('')}`)
}

/** A bare address. One that maps an IPv4 address (RFC 4291 section 2.5.5.2) is that. */
export function numberOf(text: string): Number128 | null {
  const four = octets(text)
  if (four !== null) return { family: 4, value: four }
  const six = text.includes(':') ? groups(text) : null
  if (six === null) return null
  return six >> 32n === MAPPED ? { family: 4, value: six & 0xffff_ffffn } : { family: 6, value: six }
}

/** A hop of X-Forwarded-For: an address, with a port behind an IPv4 one or behind brackets; an IPv6 one may have a zone. */
export function hopOf(text: string): Number128 | null {
  // Optional white space is spaces and tabs (RFC 9110 section 5.6.3).
  const hop = text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
  const open = hop.startsWith('[')
  const [inner = '', port] = open ? insideOf(hop) : behindOf(hop)
  if (port !== null && !(/^[0-9]{1,5}$/.test(port) && Number(port) < 65_536)) return null
  const [bare = '', zone] = inner.split(/%(.*)/s)
  if (zone !== undefined && !/^[A-Za-z0-9_.~-]{1,64}$/.test(zone)) return null
  // Brackets and zones are for IPv6 (RFC 3986 section 3.2.2, RFC 4007 section 11).
  if ((open || zone !== undefined) && !bare.includes(':')) return null
  return numberOf(bare)
}

/** What stands in brackets, and the port behind them. */
function insideOf(hop: string): readonly [string, string | null] {
  const end = hop.indexOf(']')
  if (end < 0) return ['', null]
  const behind = hop.slice(end + 1)
  if (behind === '') return [hop.slice(1, end), null]
  return behind.startsWith(':') ? [hop.slice(1, end), behind.slice(1)] : ['', null]
}

/** One colon alone parts an IPv4 address from its port. */
function behindOf(hop: string): readonly [string, string | null] {
  const parts = hop.split(':')
  return parts.length === 2 && !hop.includes('%') ? [parts[0] ?? '', parts[1] ?? ''] : [hop, null]
}

/** `address/bits` without host bits, or an address alone. */
export function spanOf(text: string): Span | null {
  const [host = '', bits, more] = text.split('/')
  const address = numberOf(host)
  if (address === null || more !== undefined) return null
  const written = host.includes(':') ? 128 : 32
  if (bits !== undefined && !/^(?:0|[1-9][0-9]*)$/.test(bits)) return null
  const given = bits === undefined ? written : Number(bits)
  const width = address.family === 4 ? 32 : 128
  // A network of mapped addresses is one of IPv4 as long as it holds no others.
  const kept = given - (written - width)
  if (given > written || kept < 0) return null
  const size = 1n << BigInt(width - kept)
  if (address.value % size !== 0n) return null
  return { family: address.family, first: address.value, last: address.value + size - 1n }
}

export const holds = (spans: readonly Span[], { family, value }: Number128): boolean =>
  spans.some((span) => span.family === family && span.first <= value && value <= span.last)

/** From the right, the first that is not trusted; the leftmost where all are; null behind more than twenty. */
export function clientAmong(chain: string, trusted: readonly Span[]): Number128 | null {
  const hops = chain.split(',').reverse()
  for (const [index, text] of hops.entries()) {
    const hop = index < 20 ? hopOf(text) : null
    if (hop === null) return null
    if (!holds(trusted, hop) || index === hops.length - 1) return hop
  }
  return null
}
