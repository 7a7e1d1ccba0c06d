/**
 * IP addresses and sets of networks, compared as numbers and never as text
 * (text comparison let `::ffff:10.0.0.1` pass for another host: CVE-2026-39409, CVE-2026-47674).
 */

import { trimmed } from './white-space.ts'

/** An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (RFC 4291 section 2.5.5.2) are IPv4 addresses here. */
export interface Address {
  readonly family: 4 | 6
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly text: string
  /** One 32-bit word for IPv4, four for IPv6, most significant first. */
  readonly words: readonly number[]
}

/** An address and a prefix length, no host bits set. */
export interface Network {
  readonly address: Address
  readonly prefix: number
}

/** Parses a dotted quad: four decimal numbers without leading zeros, hexadecimal or octal. */
function parseV4(text: string): number | null {
  let word = 0
  let octet = -1
  let octets = 0
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x2e
    if (code === 0x2e) {
      if (octet < 0) return null
      word = word * 256 + octet
      octets++
      octet = -1
      continue
    }
    if (code < 0x30 || code > 0x39) return null
    if (octet === 0) return null
    octet = octet < 0 ? code - 0x30 : octet * 10 + code - 0x30
    if (octet > 255) return null
  }
  return octets === 4 ? word : null
}

/** Parses the hexadecimal groups of an IPv6 text, one optional `::`, an optional dotted quad at the end. */
function parseV6(text: string): number[] | null {
  if (text.length > 45) return null
  const halves = text.split('::')
  if (halves.length > 2) return null
  const groups: number[][] = []
  for (const [index, half] of halves.entries()) {
    const list: number[] = []
    if (half !== '') {
      const parts = half.split(':')
      for (const [position, part] of parts.entries()) {
        const last = index === halves.length - 1 && position === parts.length - 1
        if (last && part.includes('.')) {
          const word = parseV4(part)
          if (word === null) return null
          list.push(word >>> 16, word % 0x1_0000)
        } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) list.push(Number.parseInt(part, 16))
        else return null
      }
    }
    groups.push(list)
  }
  const [head = [], tail] = groups
  const known = head.length + (tail?.length ?? 0)
  if (tail === undefined ? known !== 8 : known > 7) return null
  const all = tail === undefined ? head : [...head, ...Array<number>(8 - known).fill(0), ...tail]
  const words: number[] = []
  for (let i = 0; i < 8; i += 2) words.push((all[i] ?? 0) * 0x1_0000 + (all[i + 1] ?? 0))
  return words
}

const textOfV4 = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`. */
function textOfV6(words: readonly number[]): string {
  const groups = words.flatMap((word) => [word >>> 16, word % 0x1_0000])
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (groups[i + length] === 0) length++
    if (length > bestLength) {
      best = i
      bestLength = length
    }
  }
  const hex = (list: readonly number[]) => list.map((group) => group.toString(16)).join(':')
  if (best < 0) return hex(groups)
  return `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`
}

function addressOf(words: readonly number[]): Address {
  const [a = 0, b = 0, c = 0, d = 0] = words
  if (words.length === 1) return { family: 4, text: textOfV4(a), words }
  if (a === 0 && b === 0 && c === 0xffff) return { family: 4, text: textOfV4(d), words: [d] }
  return { family: 6, text: textOfV6(words), words }
}

/** Parses a bare address; null for anything else, a zone or a port included. */
export function parseAddress(text: string): Address | null {
  if (text.includes(':')) {
    const words = parseV6(text)
    return words === null ? null : addressOf(words)
  }
  const word = parseV4(text)
  return word === null ? null : { family: 4, text, words: [word] }
}

/**
 * Parses one hop of a forwarding header: an address, `address:port`, `[v6]`, `[v6]:port`, with an optional zone,
 * which is dropped. `unknown`, obfuscated names (RFC 7239 section 6) and every odd numeral are null.
 */
export function parseHop(text: string): Address | null {
  const token = trimmed(text)
  // Nearly every hop is a bare dotted quad.
  const word = parseV4(token)
  if (word !== null) return { family: 4, text: token, words: [word] }
  const bracketed = /^\[([0-9a-fA-F:.]+)(?:%[\w.~-]{1,64})?\](?::(\d{1,5}))?$/.exec(token)
  if (bracketed !== null) {
    const [, inner = '', port] = bracketed
    return inner.includes(':') && portFits(port) ? parseAddress(inner) : null
  }
  const dotted = /^(\d[\d.]*)(?::(\d{1,5}))?$/.exec(token)
  if (dotted !== null) return portFits(dotted[2]) ? parseAddress(dotted[1] ?? '') : null
  // Zones are of IPv6 alone (RFC 4007 section 11).
  const zoned = /^([0-9a-fA-F.]*:[0-9a-fA-F:.]*)%[\w.~-]{1,64}$/.exec(token)
  return parseAddress(zoned?.[1] ?? token)
}

const portFits = (port: string | undefined): boolean => port === undefined || Number(port) <= 65535

/** How many values the word at `index` may have within a network of `prefix` bits. */
const sizeOf = (prefix: number, index: number): number =>
  2 ** (32 - Math.min(32, Math.max(0, prefix - index * 32)))

/** Zero all but the first `prefix` bits. */
function masked(words: readonly number[], prefix: number): number[] {
  return words.map((word, index) => {
    const size = sizeOf(prefix, index)
    return Math.floor(word / size) * size
  })
}

/** What two addresses of one family share exactly when the same network of `prefix` bits holds them. */
export function networkKey({ words }: Address, prefix: number): number | string {
  const [word = 0] = words
  if (words.length === 1) return word - (word % 2 ** (32 - prefix))
  return masked(words, prefix).join()
}

/** The network of `prefix` bits that holds `address`. */
export function networkOf(address: Address, prefix: number): Network {
  const words = masked(address.words, prefix)
  const text = address.family === 4 ? textOfV4(words[0] ?? 0) : textOfV6(words)
  return { address: { family: address.family, text, words }, prefix }
}

/** What is wrong with a CIDR text: not an address, not a prefix length, or host bits that the mask would hide. */
export type NetworkReading =
  | { readonly ok: true; readonly network: Network }
  | {
      readonly ok: false
      readonly problem: 'address' | 'prefix' | 'host-bits'
      readonly nearest: string | null
    }

/** Parses `address/prefix`, or a bare address as a network of one. A mapped IPv4 network becomes an IPv4 one. */
export function parseNetwork(text: string): NetworkReading {
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const parsed = host.includes(':') ? parseV6(host) : wordsOfV4(host)
  if (parsed === null) return { ok: false, problem: 'address', nearest: null }
  const widest = parsed.length * 32
  const length = slash < 0 ? String(widest) : text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > widest) {
    return { ok: false, problem: 'prefix', nearest: `${host}/${widest}` }
  }
  const address = addressOf(parsed)
  const mapped = parsed.length === 4 && address.family === 4
  const prefix = mapped ? Number(length) - 96 : Number(length)
  if (prefix < 0) return { ok: false, problem: 'prefix', nearest: `${address.text}/32` }
  const network = networkOf(address, prefix)
  if (network.address.words.some((word, index) => word !== address.words[index])) {
    return { ok: false, problem: 'host-bits', nearest: `${network.address.text}/${prefix}` }
  }
  return { ok: true, network }
}

function wordsOfV4(text: string): number[] | null {
  const word = parseV4(text)
  return word === null ? null : [word]
}

export const textOfNetwork = (network: Network): string => `${network.address.text}/${network.prefix}`

/** Compares two addresses of one family as numbers. */
function compareWords(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

interface Range {
  readonly first: readonly number[]
  readonly last: readonly number[]
}

function rangeOf({ address, prefix }: Network): Range {
  const last = address.words.map((word, index) => word + sizeOf(prefix, index) - 1)
  return { first: address.words, last }
}

/** Sorted ranges without overlap, as plain numbers side by side: a hundred thousand of them stay near each other. */
class Ranges {
  readonly count: number
  /** 32-bit words of an address. */
  readonly #width: number
  readonly #firsts: Uint32Array
  readonly #lasts: Uint32Array

  constructor(width: number, ranges: readonly Range[]) {
    this.count = ranges.length
    this.#width = width
    this.#firsts = new Uint32Array(ranges.length * width)
    this.#lasts = new Uint32Array(ranges.length * width)
    for (const [index, { first, last }] of ranges.entries()) {
      this.#firsts.set(first, index * width)
      this.#lasts.set(last, index * width)
    }
  }

  /** Halves what is left until the last range that begins no later is found. */
  has(words: readonly number[]): boolean {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(words, this.#firsts, middle) < 0) high = middle
      else low = middle + 1
    }
    return low > 0 && this.#compare(words, this.#lasts, low - 1) <= 0
  }

  #compare(words: readonly number[], bounds: Uint32Array, index: number): number {
    const start = index * this.#width
    for (let at = 0; at < this.#width; at++) {
      const difference = (words[at] as number) - (bounds[start + at] as number)
      if (difference !== 0) return difference
    }
    return 0
  }
}

/** A set of networks, searched by halving, so its size hardly matters. */
export class AddressSet {
  readonly #ranges: { readonly 4: Ranges; readonly 6: Ranges }

  constructor(networks: Iterable<Network>) {
    const lists: Record<4 | 6, Range[]> = { 4: [], 6: [] }
    for (const network of networks) lists[network.address.family].push(rangeOf(network))
    this.#ranges = { 4: new Ranges(1, merged(lists[4])), 6: new Ranges(4, merged(lists[6])) }
  }

  has(address: Address): boolean {
    return this.#ranges[address.family].has(address.words)
  }

  get empty(): boolean {
    return this.#ranges[4].count === 0 && this.#ranges[6].count === 0
  }
}

/** CIDR ranges either nest or are apart, so sorting by start and dropping the nested leaves disjoint ones. */
function merged(ranges: Range[]): Range[] {
  ranges.sort((a, b) => compareWords(a.first, b.first) || compareWords(b.last, a.last))
  const kept: Range[] = []
  for (const range of ranges) {
    const previous = kept.at(-1)
    if (previous === undefined || compareWords(range.first, previous.last) > 0) kept.push(range)
  }
  return kept
}

/** Beyond this many hops a chain is somebody's attempt to make us work. */
const MAX_HOPS = 20

/**
 * The client among the forwarded addresses: the rightmost one that is not a trusted hop, or the leftmost when all
 * are. Null when something unreadable, or too long a chain, comes before it is found: then nobody's word counts
 * (CVE-2024-47070; the leftmost value is the client's own claim: CVE-2026-27700).
 *
 * @param forwardedFor all X-Forwarded-For lines in order, joined by commas; the peer itself is the proxy and not in it
 */
export function clientOf(forwardedFor: string, trustedHops: AddressSet): Address | null {
  let end = forwardedFor.length
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const comma = forwardedFor.lastIndexOf(',', end - 1)
    const address = parseHop(forwardedFor.slice(comma + 1, end))
    if (address === null) return null
    if (comma < 0 || !trustedHops.has(address)) return address
    end = comma
  }
  return null
}
