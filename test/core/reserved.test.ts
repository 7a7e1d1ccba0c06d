import { describe, expect, it } from 'vitest'
import { type Address, parseAddress } from '../../src/core/address.ts'
import { isPublic } from '../../src/core/reserved.ts'

const at = (text: string): Address => {
  const address = parseAddress(text)
  if (address === null) throw new Error(`${text} is not an address`)
  return address
}

describe('isPublic', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '64:ff9b::808:808',
    '::ffff:8.8.8.8',
  ])('takes %s for public', (text) => expect(isPublic(at(text))).toBe(true))

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::808:808',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    '2001:db8::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    '4000::1',
  ])('takes %s for an address that is not public', (text) => expect(isPublic(at(text))).toBe(false))

  it('refuses each reserved network from its first address to its last, and nothing beside it', () => {
    // First and last address of what the registries of IANA reserve, and the public ones next to them.
    const networks: readonly [string | null, string, string, string | null][] = [
      [null, '0.0.0.0', '0.255.255.255', '1.0.0.0'],
      ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
      ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
      ['126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
      ['169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
      ['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
      ['191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
      ['192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
      ['192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
      ['192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
      ['198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
      ['198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
      ['203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
      ['223.255.255.255', '224.0.0.0', '255.255.255.255', null],
      [null, '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:200::'],
      ['2001:db7:ffff::', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
      ['2001:ffff::', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2003::'],
      ['3ffe:ffff::', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:1000::'],
      [null, '4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
      [null, '::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2000::'],
    ]
    for (const [before, first, last, after] of networks) {
      for (const text of [first, last]) if (isPublic(at(text))) expect.unreachable(text)
      for (const text of [before, after]) if (text !== null && !isPublic(at(text))) expect.unreachable(text)
    }
  })

  it('takes the prefix of NAT64 for the address within, and no neighbour of it', () => {
    expect(isPublic(at('64:ff9b::ffff:ffff'))).toBe(false)
    expect(isPublic(at('64:ff9b::1:0:8.8.8.8'))).toBe(false)
    expect(isPublic(at('64:ff9a::8.8.8.8'))).toBe(false)
  })
})
