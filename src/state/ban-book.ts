import {
  type Address,
  AddressSet,
  networkOf,
  parseAddress,
  parseNetwork,
  textOfNetwork,
} from '../core/address.ts'
import { Bounded } from '../core/bounded.ts'
import { type Ban, MAX_BANS } from './ban.ts'

/** Bits that make one client: what a subscriber holds is banned as a whole. */
const CLIENT_BITS = { 4: 32, 6: 64 } as const

/** The network that is banned for what a client did, in CIDR notation. */
export const networkOfClient = (client: Address): string =>
  textOfNetwork(networkOf(client, CLIENT_BITS[client.family]))

/** Bans in force, as every instance holds them: one look at a table for a decision. */
export class BanBook {
  /** Of single clients, by network: until when, in milliseconds since the epoch. */
  readonly #clients = new Bounded<string, number>(2 * MAX_BANS)
  /** Of wider networks, or of narrower ones than a client: people impose them, and few. */
  readonly #networks = new Map<string, { readonly until: number; readonly set: AddressSet }>()
  #set: AddressSet | null = null

  /** Networks that are held now, whether their ban has ended or not. */
  get size(): number {
    return this.#clients.size + this.#networks.size
  }

  banned(client: Address, now: number): boolean {
    if (this.#clients.size > 0) {
      const until = this.#clients.get(networkOfClient(client))
      if (until !== undefined && until > now) return true
    }
    return this.#set?.has(client) === true && this.#stillBanned(client, now)
  }

  add({ network, until }: Pick<Ban, 'network' | 'until'>): void {
    this.#put(network, until)
    if (this.#networks.has(network)) this.#build()
  }

  remove(network: string): void {
    this.#clients.delete(network)
    if (this.#networks.delete(network)) this.#build()
  }

  replace(all: Iterable<Pick<Ban, 'network' | 'until'>>): void {
    this.#clients.clear()
    this.#networks.clear()
    for (const { network, until } of all) this.#put(network, until)
    this.#build()
  }

  #put(network: string, until: number | null): void {
    const end = until ?? Number.POSITIVE_INFINITY
    if (isClient(network)) this.#clients.set(network, end)
    else this.#networks.set(network, { until: end, set: setOf([network]) })
  }

  #stillBanned(client: Address, now: number): boolean {
    for (const { until, set } of this.#networks.values()) if (until > now && set.has(client)) return true
    return false
  }

  #build(): void {
    this.#set = this.#networks.size === 0 ? null : setOf([...this.#networks.keys()])
  }
}

function setOf(networks: readonly string[]): AddressSet {
  return new AddressSet(
    networks.flatMap((text) => {
      const reading = parseNetwork(text)
      return reading.ok ? [reading.network] : []
    }),
  )
}

function isClient(network: string): boolean {
  const [text = '', prefix] = network.split('/')
  const address = parseAddress(text)
  return address !== null && Number(prefix) === CLIENT_BITS[address.family]
}
