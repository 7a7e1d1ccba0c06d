import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AddressSet, networkOf, parseAddress, parseNetwork, textOfNetwork } from '../../src/core/address.ts'
import { BanBook } from '../../src/state/ban-book.ts'

const NOW = 1_000_000

const addressOf = (text: string) => {
  const address = parseAddress(text)
  if (address === null) throw new Error(text)
  return address
}

/** Addresses that share networks as often as not. */
const client = fc.oneof(
  fc
    .tuple(fc.constantFrom(10, 192, 255), fc.constantFrom(0, 127, 255), fc.nat(3), fc.nat(255))
    .map((octets) => octets.join('.')),
  fc
    .tuple(fc.constantFrom('2001:db8', 'fe80:0'), fc.nat(2), fc.nat(2), fc.nat(0xffff))
    .map(([net, site, link, host]) => `${net}:${site}:${link}:ffff:0:0:${host.toString(16)}`),
)
const network = fc.tuple(client, fc.nat(128)).map(([text, length]) => {
  const address = addressOf(text)
  return textOfNetwork(networkOf(address, address.family === 4 ? length % 33 : length))
})

describe('the book of bans', () => {
  it('bans whom one of the networks in force holds, whatever came and went before', () => {
    const step = fc.record({
      network,
      gone: fc.boolean(),
      until: fc.constantFrom(null, NOW - 1, NOW, NOW + 1),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(client, { minLength: 1 }), (steps, clients) => {
        const book = new BanBook()
        const naive = new Map<string, number | null>()
        for (const { network, gone, until } of steps) {
          if (gone) {
            book.remove(network)
            naive.delete(network)
          } else {
            book.add({ network, until })
            naive.set(network, until)
          }
        }
        expect(book.size).toBe(naive.size)
        for (const text of clients) {
          const expected = [...naive].some(([held, until]) => {
            const reading = parseNetwork(held)
            return (
              reading.ok &&
              (until === null || until > NOW) &&
              new AddressSet([reading.network]).has(addressOf(text))
            )
          })
          expect(book.banned(addressOf(text), NOW), text).toBe(expected)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('forgets everything that is not in what takes its place', () => {
    const book = new BanBook()
    book.add({ network: '10.0.0.0/8', until: null })
    book.add({ network: '192.0.2.1/32', until: null })
    book.replace([{ network: '2001:db8::/32', until: null }])
    expect(book.size).toBe(1)
    expect(book.banned(addressOf('10.1.2.3'), NOW)).toBe(false)
    expect(book.banned(addressOf('192.0.2.1'), NOW)).toBe(false)
    expect(book.banned(addressOf('2001:db8::7'), NOW)).toBe(true)
  })

  it('holds what is no network for none', () => {
    const book = new BanBook()
    book.add({ network: 'everybody', until: null })
    book.remove('everybody')
    expect(book.size).toBe(0)
  })
})
