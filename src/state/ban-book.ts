import { type Address, networkKey, networkOf, parseNetwork, textOfNetwork } from '../core/address.ts'
import { Bounded } from '../core/bounded.ts'
import { type Ban, MAX_BANS } from './ban.ts'

/** Bits that make one client: what a subscriber holds is banned as a whole. */
const CLIENT_BITS = { 4: 32, 6: 64 } as const

/** The network that is banned for what a client did, in CIDR notation. */
export const networkOfClient = (client: Address): string =>
  textOfNetwork(networkOf(client, CLIENT_BITS[client.family]))

/** Networks of one length: until when each is banned, in milliseconds since the epoch. */
interface Shelf {
  readonly family: 4 | 6
  readonly prefix: number
  readonly until: Map<number | string, number>
}

/**
 * Bans in force, as every instance holds them: a decision looks up its client once for each length of a network that is
 * banned, however many there are, and a ban that comes or goes moves nothing else.
 */
export class BanBook {
  /** Of single clients: what guesses bring about, and so without number. */
  readonly #clients = new Bounded<number | string, number>(2 * MAX_BANS)
  /** Of wider networks, or of narrower ones than a client: people impose them, by length. */
  readonly #networks: Shelf[] = []

  /** Networks that are held now, whether their ban has ended or not. */
  get size(): number {
    return this.#networks.reduce((sum, { until }) => sum + until.size, this.#clients.size)
  }

  banned(client: Address, now: number): boolean {
    if (this.#clients.size > 0) {
      const until = this.#clients.get(networkKey(client, CLIENT_BITS[client.family]))
      if (until !== undefined && until > now) return true
    }
    for (const { family, prefix, until } of this.#networks) {
      if (family !== client.family) continue
      const end = until.get(networkKey(client, prefix))
      if (end !== undefined && end > now) return true
    }
    return false
  }

  add({ network, until }: Pick<Ban, 'network' | 'until'>): void {
    const place = this.#placeOf(network)
    place?.held.set(place.key, until ?? Number.POSITIVE_INFINITY)
  }

  remove(network: string): void {
    const place = this.#placeOf(network)
    place?.held.delete(place.key)
  }

  replace(all: Iterable<Pick<Ban, 'network' | 'until'>>): void {
    this.#clients.clear()
    this.#networks.length = 0
    for (const one of all) this.add(one)
  }

  /** Where a network is held, or would be; null for what is none. */
  #placeOf(network: string): {
    readonly held: {
      set(key: number | string, until: number): unknown
      delete(key: number | string): boolean
    }
    readonly key: number | string
  } | null {
    const reading = parseNetwork(network)
    if (!reading.ok) return null
    const { address, prefix } = reading.network
    const { family } = address
    const key = networkKey(address, prefix)
    if (prefix === CLIENT_BITS[family]) return { held: this.#clients, key }
    let shelf = this.#networks.find((one) => one.family === family && one.prefix === prefix)
    if (shelf === undefined) {
      shelf = { family, prefix, until: new Map() }
      this.#networks.push(shelf)
    }
    return { held: shelf.until, key }
  }
}
