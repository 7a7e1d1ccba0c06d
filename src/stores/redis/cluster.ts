import { type LATE, within } from '../../schema/within.ts'
import { StoreFault } from '../contract.ts'
import { type Carrier, PATIENCE } from './carrier.ts'
import { Refusal } from './fault.ts'
import { type Answer, Link, type LinkOptions, type Target } from './link.ts'
import { SLOTS, slotOf } from './slot.ts'

/** A slot that is being moved takes one hop, a map that is old another. */
const MAX_HOPS = 3
/** Milliseconds between two looks at the map at least, and that a look waits for one node. */
const MAP_PAUSE = 500
const MAP_PATIENCE = 1_000

const addressOf = ({ host, port }: Target) => `${host}:${port}`

/**
 * The nodes of a Redis Cluster, each behind a link of its own, so that one that is gone delays nobody. Only what a node
 * refused with MOVED or ASK is sent to another: that one has not executed it.
 */
export class Cluster implements Carrier {
  readonly slotOf = slotOf
  readonly #options: LinkOptions
  readonly #seeds: readonly Target[]
  readonly #links = new Map<string, { readonly link: Link; readonly target: Target }>()
  #slots: readonly (string | undefined)[] = []
  #turn = 0
  #looking: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #closed = true

  constructor(options: LinkOptions, seeds: readonly Target[]) {
    this.#options = options
    this.#seeds = seeds
  }

  send(key: string | null, args: readonly string[]): Promise<Answer> {
    if (key !== null) {
      const slot = slotOf(key)
      return this.#sendTo(this.#linkAt(this.#slots[slot]), slot, args, false, 0)
    }
    for (const { link } of this.#links.values()) if (link.ready) return link.send(args)
    this.#lookSoon()
    return Promise.resolve(new StoreFault('unavailable', 'no node of the cluster can be reached'))
  }

  target(): Target {
    const known = [...this.#links.values()]
    const ready = known.filter(({ link }) => link.ready)
    const choice = ready.length > 0 ? ready.map(({ target }) => target) : this.#seeds
    return choice[this.#turn++ % choice.length] as Target
  }

  async open(): Promise<void> {
    this.#closed = false
    const seeds = this.#seeds.map((seed) => this.#linkTo(seed))
    try {
      await Promise.any(seeds.map((link) => link.connected(PATIENCE)))
    } catch (problem) {
      throw problem instanceof AggregateError ? problem.errors[0] : problem
    }
    await this.#look()
    // A node that is gone is no reason not to start.
    await Promise.allSettled([...this.#links.values()].map(({ link }) => link.connected(PATIENCE)))
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const links = [...this.#links.values()]
    this.#links.clear()
    this.#slots = []
    await Promise.all(links.map(({ link }) => link.close(PATIENCE)))
  }

  async #sendTo(
    link: Link | null,
    slot: number,
    args: readonly string[],
    asking: boolean,
    hops: number,
  ): Promise<Answer> {
    if (link === null) {
      this.#lookSoon()
      return new StoreFault('unavailable', 'no node of the cluster serves the slot')
    }
    // In one turn, so that nothing comes between the two.
    if (asking) void link.send(['ASKING'])
    const answer = await link.send(args)
    if (answer instanceof StoreFault) this.#lookSoon()
    if (!(answer instanceof Refusal)) return answer
    if (answer.code === 'CLUSTERDOWN') this.#lookSoon()
    const moved = answer.code === 'MOVED'
    if (!(moved || answer.code === 'ASK') || hops >= MAX_HOPS) return answer
    const target = this.#named(link, answer.rest)
    if (target === null || this.#closed) return answer
    const next = this.#linkTo(target)
    if (moved) {
      this.#slots = this.#slots.with(slot, addressOf(target))
      this.#lookSoon()
    }
    return this.#sendTo(next, slot, args, !moved, hops + 1)
  }

  /** The node in `SLOT HOST:PORT`; an empty host means the one that says so. */
  #named(link: Link, rest: string): Target | null {
    const [, host, port] = /^\d+ (.*):(\d+)/.exec(rest) ?? []
    if (host === undefined || port === undefined) return null
    return { host: host === '' ? this.#hostOf(link) : host, port: Number(port) }
  }

  #hostOf(link: Link): string {
    for (const known of this.#links.values()) if (known.link === link) return known.target.host
    return ''
  }

  #linkAt(address: string | undefined): Link | null {
    return address === undefined ? null : (this.#links.get(address)?.link ?? null)
  }

  #linkTo(target: Target): Link {
    const address = addressOf(target)
    const known = this.#links.get(address)
    if (known !== undefined) return known.link
    const link = new Link(this.#options, () => target)
    this.#links.set(address, { link, target })
    return link
  }

  /** Looks at the map again, soon and not too often. */
  #lookSoon(): void {
    if (this.#closed || this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#look()
    }, MAP_PAUSE)
    this.#timer.unref()
    if (this.#looking === null) void this.#look()
  }

  #look(): Promise<void> {
    this.#looking ??= this.#readMap().finally(() => {
      this.#looking = null
    })
    return this.#looking
  }

  /** Asks one node after another, those first that are connected. */
  async #readMap(): Promise<void> {
    for (const seed of this.#seeds) this.#linkTo(seed)
    for (const { link, target } of [...this.#links.values()].filter(({ link }) => link.ready)) {
      const answer = await within(link.send(['CLUSTER', 'SLOTS']), MAP_PATIENCE)
      const map = mapOf(answer, target.host)
      if (this.#closed) return
      if (map === null) continue
      this.#adopt(map)
      return
    }
  }

  #adopt(map: readonly Range[]): void {
    const slots = new Array<string | undefined>(SLOTS)
    const needed = new Set(this.#seeds.map(addressOf))
    for (const { from, to, target } of map) {
      this.#linkTo(target)
      needed.add(addressOf(target))
      slots.fill(addressOf(target), from, to + 1)
    }
    this.#slots = slots
    for (const [address, { link }] of this.#links) {
      if (needed.has(address)) continue
      this.#links.delete(address)
      void link.close(PATIENCE)
    }
  }
}

interface Range {
  readonly from: number
  readonly to: number
  readonly target: Target
}

/** Reads the reply of CLUSTER SLOTS: ranges, each with its master first. Null when it is none. */
function mapOf(answer: Answer | typeof LATE, asked: string): Range[] | null {
  if (!Array.isArray(answer) || answer.length === 0) return null
  const ranges: Range[] = []
  for (const range of answer) {
    const [from, to, master] = Array.isArray(range) ? range : []
    const [host, port] = Array.isArray(master) ? master : []
    if (typeof from !== 'number' || typeof to !== 'number' || typeof port !== 'number') return null
    if (from < 0 || to >= SLOTS || from > to) return null
    // Null or empty: the node does not know its own address, but we do.
    ranges.push({ from, to, target: { host: typeof host === 'string' && host !== '' ? host : asked, port } })
  }
  return ranges
}
