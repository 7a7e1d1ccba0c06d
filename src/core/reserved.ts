import { type Address, AddressSet, type Network, parseNetwork } from './address.ts'

/** IPv4 networks that are not part of the public Internet (IANA special-purpose registry, RFC 6890, RFC 6598). */
const RESERVED_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Within 2000::/3, what is not public: Teredo, 6to4 (both carry an IPv4 address of somebody's choice), documentation. */
const RESERVED_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const set = (texts: readonly string[]): AddressSet =>
  new AddressSet(
    texts.map((text): Network => {
      const reading = parseNetwork(text)
      if (!reading.ok) throw new Error(`${text} is not a network`)
      return reading.network
    }),
  )

const reservedV4 = set(RESERVED_V4)
const reservedV6 = set(RESERVED_V6)
const globalV6 = set(['2000::/3'])
const nat64 = set(['64:ff9b::/96'])

/**
 * Whether an address belongs to the public Internet: not loopback, private, link-local, shared (CGNAT), multicast,
 * unspecified or documentation, also not by way of an IPv6 address that embeds such an IPv4 one (mapped, or NAT64 of
 * RFC 6052). For IPv6 only 2000::/3 is public: what is assigned later is refused until somebody looks at it.
 */
export function isPublic(address: Address): boolean {
  if (address.family === 4) return !reservedV4.has(address)
  if (nat64.has(address)) {
    return !reservedV4.has({ family: 4, text: '', words: [address.words[3] ?? 0] })
  }
  return globalV6.has(address) && !reservedV6.has(address)
}
