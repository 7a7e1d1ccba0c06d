/** Addresses, networks and chains of hops beside big numbers, and beside what Node itself makes of them. */

import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Address,
  AddressSet,
  clientOf,
  type Network,
  parseAddress,
  parseHop,
  parseNetwork,
} from '../../src/core/address.ts'
import { clientAmong, holds, hopOf, type Number128, numberOf, type Span, spanOf } from './naive-address.ts'

/** The same number, from Postern's words. */
const numberIn = (address: Address | null): Number128 | null =>
  address === null
    ? null
    : {
        family: address.family,
        value: address.words.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n),
      }

const dotted = (value: number): string =>
  [24, 16, 8, 0].map((shift) => String((value >>> shift) & 255)).join('.')

/** Few numbers, so that networks and addresses meet, and edges, where mistakes are. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0a00_0000, 0x0a00_0001, 0x20010db8),
  fc.nat(0xffff_ffff),
)
const v4 = word.map(dotted)
const group = fc.oneof(
  fc.constantFrom('0', '0000', 'ffff', 'FFFF', '1', '0db8', 'a'),
  fc.nat(0xffff).map((n) => n.toString(16)),
)
const v6 = fc.oneof(
  fc.array(group, { minLength: 8, maxLength: 8 }).map((all) => all.join(':')),
  fc
    .tuple(fc.array(group, { maxLength: 7 }), fc.array(group, { maxLength: 7 }))
    .map(([head, tail]) => `${head.join(':')}::${tail.join(':')}`),
  fc
    .tuple(
      fc.constantFrom(
        '::ffff:',
        '::',
        '::FFFF:',
        '0:0:0:0:0:ffff:',
        '64:ff9b::',
        '1:2:3:4:5:6:',
        '::ffff:0:',
      ),
      v4,
    )
    .map((both) => both.join('')),
  fc.tuple(v4, fc.constantFrom('::ffff:%', '::ffff:0:%')).map(([text, form]) => {
    const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
    return form.replace('%', `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`)
  }),
)
const spelled = fc.oneof(v4, v6)
const CHARACTERS = [...'0123456789abfFxX:.%[]/ ,g-_', '::', '00', '\0', '\u00a0', '１', 'ff', 'eth0']
/** A text that was good until somebody's finger slipped, once or more. */
const slipped = (from: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      from,
      fc.array(fc.tuple(fc.nat(60), fc.nat(1), fc.constantFrom('', ...CHARACTERS)), { maxLength: 3 }),
    )
    .map(([text, slips]) =>
      slips.reduce((now, [at, gone, put]) => {
        const here = at % (now.length + 1)
        return now.slice(0, here) + put + now.slice(here + gone)
      }, text),
    )
const noise = fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 12 }).map((all) => all.join(''))
const address = fc.oneof(spelled, slipped(spelled), noise)
const zone = fc.constantFrom('', '', '', '%eth0', '%25en1', '%', '%a b', `%${'z'.repeat(65)}`)
const port = fc.constantFrom('', '', ':0', ':443', ':65535', ':65536', ':', ':8080 ', ':-1', ':000443', ':１')
const hop = fc.oneof(
  address,
  fc.tuple(spelled, zone).map((both) => both.join('')),
  fc.tuple(fc.constantFrom('', ' ', '\t'), v4, port).map((all) => all.join('')),
  fc.tuple(fc.oneof(v6, v4), zone, port).map(([host, at, behind]) => `[${host}${at}]${behind}`),
  fc.constantFrom('unknown', '_hidden', '"10.0.0.1"', '', 'for=10.0.0.1', 'localhost', '[]', '[', ']:1'),
)
const bits = fc.oneof(
  fc.integer({ min: 0, max: 130 }).map((length) => `/${length}`),
  fc.constantFrom('', '', '/', '/08', '/-1', '/ 8', '/8 ', '/1e1', '/8/8', '/0x8', '/256'),
)
/** Nearly always without host bits, since those are refused. */
const network = fc.oneof(
  fc.tuple(address, bits).map((both) => both.join('')),
  fc.tuple(word, fc.nat(32)).map(([value, length]) => {
    const kept = length === 0 ? 0 : Number((BigInt(value) >> BigInt(32 - length)) << BigInt(32 - length))
    return `${dotted(kept)}/${length}`
  }),
  fc
    .tuple(word, fc.integer({ min: 1, max: 32 }), fc.constantFrom('', '::ffff:'))
    .map(([value, length, prefix]) => {
      const kept = (value >>> (32 - length)) * 2 ** (32 - length)
      return `${prefix}${dotted(kept)}/${prefix === '' ? length : length + 96}`
    }),
  fc
    .tuple(fc.array(group, { minLength: 1, maxLength: 4 }), fc.constantFrom(64, 80, 127))
    .map(([head, length]) => `${head.join(':')}::/${length}`),
)

describe('an address beside a big number', { timeout: 120_000 }, () => {
  it('is read where it is one, as the same number, and nowhere else', () => {
    let read = 0
    const property = fc.property(address, (text) => {
      const found = parseAddress(text)
      if (found !== null) read++
      expect(numberIn(found)).toEqual(numberOf(text))
    })
    fc.assert(property, { numRuns: 10_000 })
    expect(read).toBeGreaterThan(4000)
  })

  it('is read where Node reads one, and nowhere else', () => {
    const property = fc.property(address, (text) => {
      // Node takes a zone, which is no part of a bare address.
      expect(parseAddress(text) !== null).toBe(isIP(text) !== 0 && !text.includes('%'))
    })
    fc.assert(property, { numRuns: 10_000 })
  })

  it('is written as the URL Standard writes it, which is RFC 5952', () => {
    const property = fc.property(v6, (text) => {
      const found = parseAddress(text)
      if (found?.family !== 6) return
      expect(found.text).toBe(new URL(`http://[${text}]/`).hostname.slice(1, -1))
    })
    fc.assert(property, { numRuns: 5000 })
  })

  it('is found in a hop of a chain where one stands, with port, brackets and zone or without', () => {
    let read = 0
    const property = fc.property(hop, (text) => {
      const found = parseHop(text)
      if (found !== null) read++
      expect(numberIn(found)).toEqual(hopOf(text))
    })
    fc.assert(property, { numRuns: 10_000 })
    expect(read).toBeGreaterThan(2500)
  })
})

describe('a network beside two big numbers', { timeout: 120_000 }, () => {
  const read = (text: string): Network | null => {
    const reading = parseNetwork(text)
    return reading.ok ? reading.network : null
  }

  it('is read where its text is right, with the same first address and size', () => {
    let good = 0
    const property = fc.property(network, (text) => {
      const [found, expected] = [read(text), spanOf(text)]
      expect(found === null).toBe(expected === null)
      if (found === null || expected === null) return
      good++
      expect(numberIn(found.address)).toEqual({ family: expected.family, value: expected.first })
      const width = expected.family === 4 ? 32 : 128
      expect(1n << BigInt(width - found.prefix)).toBe(expected.last - expected.first + 1n)
    })
    fc.assert(property, { numRuns: 10_000 })
    expect(good).toBeGreaterThan(2000)
  })

  /** Networks that are good, and addresses on their edges and one step beyond. */
  const scene = fc
    .tuple(fc.array(network, { maxLength: 12 }), fc.array(spelled, { maxLength: 6 }))
    .map(([texts, some]) => {
      const spans = texts.map(spanOf).filter((span): span is Span => span !== null)
      const edges = spans.flatMap(({ family, first, last }) =>
        [first - 1n, first, last, last + 1n]
          .filter((value) => value >= 0n && value < 1n << (family === 4 ? 32n : 128n))
          .map((value) => textOf(family, value)),
      )
      return { texts, spans, addresses: [...some.filter((text) => numberOf(text) !== null), ...edges] }
    })

  it('holds an address exactly where the number lies between, however networks nest', () => {
    let [inside, outside] = [0, 0]
    const property = fc.property(scene, ({ texts, spans, addresses }) => {
      const set = new AddressSet(texts.map(read).filter((found) => found !== null))
      for (const text of addresses) {
        const [found, number] = [parseAddress(text), numberOf(text)]
        if (found === null || number === null) throw new Error(`not an address: ${text}`)
        const expected = holds(spans, number)
        expect(set.has(found), text).toBe(expected)
        if (expected) inside++
        else outside++
      }
    })
    fc.assert(property, { numRuns: 3000 })
    expect(Math.min(inside, outside)).toBeGreaterThan(5000)
  })

  it("holds an address exactly where Node's block list does", () => {
    const property = fc.property(scene, ({ texts, addresses }) => {
      const networks = texts.map(read).filter((found) => found !== null)
      const set = new AddressSet(networks)
      const [four, six] = [new BlockList(), new BlockList()]
      for (const { address: first, prefix } of networks) {
        if (first.family === 4) four.addSubnet(first.text, prefix, 'ipv4')
        else six.addSubnet(first.text, prefix, 'ipv6')
      }
      for (const text of addresses) {
        const found = parseAddress(text)
        if (found === null) throw new Error(`not an address: ${text}`)
        const expected = found.family === 4 ? four.check(found.text, 'ipv4') : six.check(found.text, 'ipv6')
        expect(set.has(found), text).toBe(expected)
      }
    })
    fc.assert(property, { numRuns: 1000 })
  })

  it('finds the client of a chain where a walk from the right finds it', () => {
    const trusted = ['10.0.0.0/8', '::ffff:192.168.0.0/112', '2001:db8::/32', '0.0.0.0/32']
    const set = new AddressSet(trusted.map(read).filter((found) => found !== null))
    const spans = trusted.map(spanOf).filter((span) => span !== null)
    const near = fc.constantFrom(
      '10.0.0.1',
      ' 10.255.255.255',
      '::ffff:10.1.2.3',
      '192.168.7.7:443',
      '[2001:db8::1]:1',
      '0.0.0.0',
    )
    const chain = fc
      .array(fc.oneof({ weight: 6, arbitrary: near }, { weight: 1, arbitrary: hop }), { maxLength: 26 })
      .map((hops) => hops.join(','))
    let found = 0
    const property = fc.property(chain, (text) => {
      const client = clientOf(text, set)
      if (client !== null) found++
      expect(numberIn(client)).toEqual(clientAmong(text, spans))
    })
    fc.assert(property, { numRuns: 10_000 })
    expect(found).toBeGreaterThan(3000)
  })
})

/** A number as an address, in the plainest way. */
function textOf(family: 4 | 6, value: bigint): string {
  if (family === 4) return dotted(Number(value))
  const hex = value.toString(16).padStart(32, '0')
  return (hex.match(/.{4}/g) ?? []).join(':')
}
