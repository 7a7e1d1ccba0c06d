import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Address,
  AddressSet,
  clientOf,
  type Network,
  networkKey,
  networkOf,
  parseAddress,
  parseHop,
  parseNetwork,
  textOfNetwork,
} from '../../src/core/address.ts'

const network = (text: string): Network => {
  const reading = parseNetwork(text)
  if (!reading.ok) throw new Error(`${text}: ${reading.problem}`)
  return reading.network
}
const set = (...texts: string[]) => new AddressSet(texts.map(network))
const address = (text: string): Address => {
  const parsed = parseAddress(text)
  if (parsed === null) throw new Error(text)
  return parsed
}

/** The oracle: addresses as one big number, networks compared bit by bit. */
const numberOf = ({ words }: Address): bigint => words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n)
function holdsBitwise(networks: readonly Network[], one: Address): boolean {
  return networks.some(({ address: base, prefix }) => {
    if (base.family !== one.family) return false
    const width = base.family === 4 ? 32 : 128
    for (let bit = 0; bit < prefix; bit++) {
      const shift = BigInt(width - 1 - bit)
      if (((numberOf(base) >> shift) & 1n) !== ((numberOf(one) >> shift) & 1n)) return false
    }
    return true
  })
}

const v4 = fc.ipV4().map(address)
const v6 = fc.ipV6().map(address)
// Few distinct high bits, so that networks and addresses meet often.
const near4 = fc
  .tuple(fc.constantFrom(10, 11, 192), fc.nat(3), fc.nat(255), fc.nat(255))
  .map((o) => address(o.join('.')))
const near6 = fc
  .tuple(fc.constantFrom('2001:db8', 'fe80:0'), fc.nat(3), fc.nat(0xffff), fc.nat(0xffff))
  .map(([head, a, b, c]) => address(`${head}:${a.toString(16)}::${b.toString(16)}:${c.toString(16)}`))
const anyAddress = fc.oneof(v4, v6, near4, near6)
const anyNetwork = fc
  .tuple(anyAddress, fc.nat(128))
  .map(([one, prefix]) => networkOf(one, one.family === 4 ? prefix % 33 : prefix))

describe('an address set', () => {
  it('holds exactly what a bitwise comparison of every network says', () => {
    fc.assert(
      fc.property(
        fc.array(anyNetwork, { maxLength: 30 }),
        fc.array(anyAddress, { maxLength: 20 }),
        (networks, list) => {
          const compiled = new AddressSet(networks)
          const edges = networks.map(({ address: edge }) => edge)
          for (const one of [...list, ...edges]) expect(compiled.has(one)).toBe(holdsBitwise(networks, one))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('compares a few times only, however many networks it holds', () => {
    let compared = 0
    const watched = (one: Address): Address => ({
      ...one,
      get words() {
        compared++
        return one.words
      },
    })
    const networks = Array.from({ length: 65_536 }, (_, i) => network(`10.${i >> 8}.${i & 255}.0/28`))
    expect(new AddressSet(networks).has(watched(address('10.77.3.5')))).toBe(true)
    expect(compared).toBeLessThanOrEqual(40)
  })

  it('is empty only when no network of either family is in it', () => {
    expect(set().empty).toBe(true)
    expect(set('10.0.0.0/8').empty).toBe(false)
    expect(set('2001:db8::/32').empty).toBe(false)
  })

  it('holds both ends of each network and neither neighbour, with other networks on all sides', () => {
    const compiled = set('10.0.0.4/30', '10.0.0.12/30', '10.0.0.20/30', '2001:db8::4/126', '2001:db8::c/126')
    const held = (prefix: string, radix: number) =>
      Array.from({ length: 26 }, (_, last) => last).filter((last) =>
        compiled.has(address(prefix + last.toString(radix))),
      )
    expect(held('10.0.0.', 10)).toEqual([4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23])
    expect(held('2001:db8::', 16)).toEqual([4, 5, 6, 7, 12, 13, 14, 15])
  })

  it('does not let an IPv6 network hold IPv4 clients', () => {
    expect(set('::/0').has(address('10.0.0.1'))).toBe(false)
    expect(set('0.0.0.0/0').has(address('::ffff:10.0.0.1'))).toBe(true)
  })
})

describe('parsing an address', () => {
  it('writes every address back as RFC 5952 has it, and reads its own writing as the same address', () => {
    fc.assert(
      fc.property(anyAddress, (one) => {
        expect(address(one.text).words).toEqual(one.words)
        expect(one.text).toBe(one.text.toLowerCase())
      }),
    )
    expect(address('2001:DB8:0:0:1:0:0:1').text).toBe('2001:db8::1:0:0:1')
    expect(address('::').text).toBe('::')
    expect(address('2001:db8:0:1:1:1:1:1').text).toBe('2001:db8:0:1:1:1:1:1')
  })

  it.each(['::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:ffff:10.0.0.1', '::FFFF:0a00:0001'])(
    'I02 takes the mapped %s for 10.0.0.1 (CVE-2026-39409, CVE-2026-47674)',
    (text) => expect(address(text).text).toBe('10.0.0.1'),
  )

  it.each([
    '',
    '010.0.0.1',
    '10.0.0.01',
    '0x0a000001',
    '167772161',
    '10.1',
    '10.0.0.256',
    '10.0.0.1.',
    '10.0.0.1.2',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1.2.3',
    '1.2.3.4::',
    'unknown',
    '_hidden',
    ' 10.0.0.1',
    'fe80::1%eth0',
  ])('refuses %j as a bare address', (text) => expect(parseAddress(text)).toBeNull())

  it.each([
    ['fe80::1%eth0', 'fe80::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[fe80::1%25eth0]:1', 'fe80::1'],
    ['10.0.0.1:80', '10.0.0.1'],
    [' 10.0.0.1 ', '10.0.0.1'],
  ])('I02 reads the hop %j as %s', (text, expected) => expect(parseHop(text)?.text).toBe(expected))

  it.each([
    '10.0.0.1:99999',
    '[10.0.0.1]:80',
    '[2001:db8::1]:',
    '10.0.0.1:',
    'localhost',
    '"10.0.0.1"',
    'for=10.0.0.1',
    '\u00a010.0.0.1',
    '10.0.0.1\v',
    '10.0.0.1%eth0',
    '\ufeff::1',
  ])('refuses the hop %j', (text) => expect(parseHop(text)).toBeNull())
})

/** The oracle: the parsers that Node and its URLs have. */
function canonicalOf(text: string): string | null {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return null
  const written = new URL(`http://[${text}]`).hostname.slice(1, -1)
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(written) ?? []
  if (high === '') return written
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

describe('an address, against the parsers of Node', () => {
  const group = fc.constantFrom('0', '0', '0', '1', '00', '0000', 'ffff', 'FFFF', 'db8', '12345', 'g', '')
  const octet = fc.constantFrom('0', '0', '1', '9', '10', '99', '255', '256', '01', '00', '1000', '')
  const quad = fc.array(octet, { minLength: 3, maxLength: 5 }).map((list) => list.join('.'))
  const half = fc.array(group, { maxLength: 8 }).map((list) => list.join(':'))
  const whole = fc.array(group, { minLength: 7, maxLength: 9 }).map((list) => list.join(':'))
  const halves = fc.tuple(half, half).map((list) => list.join('::'))
  const mixed = fc
    .tuple(fc.oneof(half, halves), quad, fc.constantFrom('', '', ':', ':1', '::'))
    .map(([head, tail, end]) => `${head}:${tail}${end}`)

  it('is read exactly when they read it, and as the same one', () => {
    fc.assert(
      fc.property(fc.oneof(quad, half, whole, halves, mixed, fc.ipV6(), fc.ipV4()), (text) => {
        expect(parseAddress(text)?.text ?? null).toBe(canonicalOf(text))
      }),
      { numRuns: 6000 },
    )
  })

  it.each([
    '10..0.1',
    '.10.0.0.1',
    '10.0.0.',
    '...',
    '0.0.0.0',
    '255.255.255.255',
    '10.0.0.00',
    '0000:0000:0000:0000:0000:ffff:255.255.255.255',
    '00000:0000:0000:0000:0000:ffff:255.255.255.255',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.4',
    '::1.2.3.4:5',
    '1.2.3.4::5',
    '::x1',
    '::1x',
    '0:0:1:0:0:0:1:0',
    '0:0:0:1:0:0:0:1',
    '1:0:0:0:0:0:0:0',
    '1::ffff:1.2.3.4',
    '0:1::ffff:1.2.3.4',
    '::1:ffff:1.2.3.4',
    '::fffe:1.2.3.4',
  ])('%s is what they say it is', (text) => expect(parseAddress(text)?.text ?? null).toBe(canonicalOf(text)))
})

describe('a hop of a chain', () => {
  const port = fc.constantFrom(
    '',
    ':0',
    ':1',
    ':65535',
    ':65536',
    ':99999',
    ':100000',
    ':',
    ':x',
    ':1x',
    ':-1',
  )
  const portHolds = (text: string) =>
    text === '' || (/^:\d{1,5}$/.test(text) && Number(text.slice(1)) <= 65535)
  const zone = fc.constantFrom(
    '',
    '%eth0',
    '%25en-1.~_',
    `%${'z'.repeat(64)}`,
    `%${'z'.repeat(65)}`,
    '%',
    '%a b',
    '%é',
  )
  const zoneHolds = (text: string) => text === '' || /^%[\w.~-]{1,64}$/.test(text)

  it('is an IPv4 address with or without a port', () => {
    fc.assert(
      fc.property(v4, port, ({ text }, end) => {
        expect(parseHop(text + end)?.text ?? null).toBe(portHolds(end) ? text : null)
      }),
    )
  })

  it('is an IPv6 address with or without a zone, and in brackets with or without a port', () => {
    fc.assert(
      fc.property(fc.oneof(v6, near6), zone, port, ({ text, family }, behind, end) => {
        fc.pre(family === 6)
        expect(parseHop(text + behind)?.text ?? null).toBe(zoneHolds(behind) ? text : null)
        const expected = zoneHolds(behind) && portHolds(end) ? text : null
        expect(parseHop(`[${text}${behind}]${end}`)?.text ?? null).toBe(expected)
      }),
    )
  })

  it.each([
    'x[::1]',
    '[::1]x',
    '[::1',
    '::1]',
    'x10.0.0.1',
    '10.0.0.1x',
    '10.0.0.1:80:80',
    'x::1%eth0',
    '::1%eth0%eth1',
    '[]',
    '.1:80',
  ])('is refused with anything else around it: %s', (text) => expect(parseHop(text)).toBeNull())
})

describe('parsing a network', () => {
  it('reads back what it writes, for every address and every length', () => {
    fc.assert(
      fc.property(anyNetwork, (one) => {
        expect(parseNetwork(textOfNetwork(one))).toEqual({ ok: true, network: one })
      }),
    )
  })

  it('refuses a network with a bit behind its length, and names the one without', () => {
    fc.assert(
      fc.property(anyAddress, fc.nat(128), (one, length) => {
        const prefix = one.family === 4 ? length % 33 : length
        const base = networkOf(one, prefix)
        const expected =
          base.address.text === one.text
            ? { ok: true, network: base }
            : { ok: false, problem: 'host-bits', nearest: textOfNetwork(base) }
        expect(parseNetwork(`${one.text}/${prefix}`)).toEqual(expected)
      }),
    )
  })

  it('gives two addresses one key exactly where one network holds both', () => {
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.nat(128), (one, two, length) => {
        fc.pre(one.family === two.family)
        const prefix = one.family === 4 ? length % 33 : length
        const same = networkOf(one, prefix).address.text === networkOf(two, prefix).address.text
        expect(networkKey(one, prefix) === networkKey(two, prefix)).toBe(same)
      }),
      { numRuns: 500 },
    )
  })

  it('takes a bare address for a network of one', () => {
    for (const text of ['10.0.0.1', '2001:db8::1', '::ffff:10.0.0.1'])
      expect(parseNetwork(text)).toEqual({
        ok: true,
        network: networkOf(address(text), text.includes('.') ? 32 : 128),
      })
  })

  it.each([
    ['10.0.0.0/', '10.0.0.0/32'],
    ['10.0.0.0/x8', '10.0.0.0/32'],
    ['10.0.0.0/8x', '10.0.0.0/32'],
    ['10.0.0.0/1000', '10.0.0.0/32'],
    ['2001:db8::/1000', '2001:db8::/128'],
    ['::ffff:10.0.0.0/95', '10.0.0.0/32'],
    ['::ffff:0.0.0.0/0', '0.0.0.0/32'],
  ])('refuses the length of %s', (text, nearest) =>
    expect(parseNetwork(text)).toEqual({ ok: false, problem: 'prefix', nearest }),
  )

  it.each(['0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96', '10.0.0.0/8', '2001:db8::/100'])('takes %s', (text) =>
    expect(parseNetwork(text).ok).toBe(true),
  )

  it.each([
    ['10.0.0.5/8', 'host-bits', '10.0.0.0/8'],
    ['10.0.0.0/33', 'prefix', '10.0.0.0/32'],
    ['10.0.0.0/08', 'prefix', '10.0.0.0/32'],
    ['2001:db8::1/32', 'host-bits', '2001:db8::/32'],
    ['2001:db8::/129', 'prefix', '2001:db8::/128'],
    ['everyone', 'address', null],
    ['', 'address', null],
  ])('I05 refuses %s and says what would be right', (text, problem, nearest) =>
    expect(parseNetwork(text)).toEqual({ ok: false, problem, nearest }),
  )

  it('takes a mapped network for the IPv4 network that it means', () => {
    expect(network('::ffff:10.0.0.0/104')).toEqual(network('10.0.0.0/8'))
  })
})

describe('the client of a chain', () => {
  const hops = set('173.245.48.0/20', '2400:cb00::/32')

  it('I01 is the rightmost address that is no trusted hop, never what stands left of it (CVE-2026-27700)', () => {
    expect(clientOf('10.0.0.1, 203.0.113.9', hops)?.text).toBe('203.0.113.9')
    expect(clientOf('10.0.0.1, 203.0.113.9, 173.245.48.5', hops)?.text).toBe('203.0.113.9')
    expect(clientOf('203.0.113.9', hops)?.text).toBe('203.0.113.9')
  })

  it('is the leftmost when all are trusted', () => {
    expect(clientOf('173.245.48.1, 173.245.48.2', hops)?.text).toBe('173.245.48.1')
  })

  it.each([
    'unknown',
    '173.245.48.5, , 173.245.48.5',
    'x, 173.245.48.5',
    '',
    '10.0.0.1,',
    ',173.245.48.5',
    '203.0.113.9, _obf',
  ])('is unknown when something unreadable comes before it: %j (CVE-2024-47070)', (chain) =>
    expect(clientOf(chain, hops)).toBeNull(),
  )

  it('does not look at what stands left of the client', () => {
    expect(clientOf('garbage, 203.0.113.9', hops)?.text).toBe('203.0.113.9')
  })

  it('is found behind up to nineteen trusted hops, and no further', () => {
    const behind = (count: number) => clientOf(`203.0.113.9${', 173.245.48.5'.repeat(count)}`, hops)?.text
    expect([0, 1, 18, 19, 20, 100].map(behind)).toEqual([
      ...['203.0.113.9', '203.0.113.9', '203.0.113.9', '203.0.113.9'],
      ...[undefined, undefined],
    ])
  })

  it('is unknown behind more than twenty hops', () => {
    const trusted = Array<string>(20).fill('173.245.48.5').join(', ')
    expect(clientOf(`203.0.113.9, ${trusted}`, hops)).toBeNull()
    expect(clientOf(`203.0.113.9, ${trusted.slice(14)}`, hops)?.text).toBe('203.0.113.9')
  })

  it('never depends on what a stranger wrote left of an untrusted address', () => {
    fc.assert(
      fc.property(
        fc.string(),
        v4.filter((one) => !hops.has(one)),
        (forged, client) => {
          expect(clientOf(`${forged},${client.text}`, hops)?.text).toBe(client.text)
        },
      ),
    )
  })
})
