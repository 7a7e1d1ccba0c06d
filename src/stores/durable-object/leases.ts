import type { Arrival } from '../../core/limit.ts'
import type { Grant, WireCharge } from './wire.ts'

/** Milliseconds for which units that were granted may be spent. */
const LIFE = 1000
/** Units that are asked for when nobody knows how many will be needed. */
const FIRST = 16
/** Grants that one charge waits for before it asks for itself alone. */
const PATIENCE = 3
/** Buckets that are held at most: a tenant shares eight. */
const MOST = 64

interface Lease {
  units: number
  /** Milliseconds since the epoch until which they may be spent. */
  until: number
  spent: number
  /** What charges at hand lack. */
  wanted: number
  /** What the bucket itself said last. */
  last: Omit<Grant, 'units'>
  /** A cost that was denied, and until when it will be. */
  denied: { readonly cost: number; readonly until: number } | null
  pending: Promise<void> | null
}

/** What became of a charge of a bucket that lives elsewhere. */
export interface Leased {
  readonly arrival: Omit<Arrival, 'next'>
  /** Gives back what was taken. */
  undo(): void
}

/**
 * Units of buckets that a whole tenant shares, lent to one of its shards: charged in the tenant's own object before they
 * are spent here, so that all shards together never admit more. What is not spent within a second is lost.
 */
export class Leases {
  readonly #grant: (charge: WireCharge, want: number) => Promise<Grant>
  readonly #now: () => number
  readonly #leases = new Map<string, Lease>()

  /**
   * @param grant asks the tenant's own object for units: as many as the cost or more, or none
   * @param now milliseconds since the epoch
   */
  constructor(grant: (charge: WireCharge, want: number) => Promise<Grant>, now: () => number) {
    this.#grant = grant
    this.#now = now
  }

  /** What the bucket said last, for a charge that something else stands in the way of; asks where nothing is known. */
  async peek(charge: WireCharge): Promise<Leased> {
    const lease = this.#lease(charge.key)
    if (lease.until === 0 && lease.denied === null) await this.take({ ...charge, cost: 0 })
    const ok = lease.units + lease.last.remaining >= charge.cost
    return taken(ok, charge, lease)
  }

  /** Takes the cost at once where it is at hand, else asks for more. Rejects when nobody answers. */
  async take(charge: WireCharge): Promise<Leased> {
    const lease = this.#lease(charge.key)
    const { cost } = charge
    if (cost < 0) return this.#giveBack(lease, charge)
    for (let tries = 0; tries < PATIENCE; tries++) {
      const now = this.#now()
      if (now >= lease.until) this.#end(lease, charge)
      if (cost > 0 && lease.units >= cost) return this.#spend(lease, charge)
      if (lease.denied !== null && cost >= lease.denied.cost && now < lease.denied.until)
        return taken(false, charge, lease)
      lease.wanted += cost
      lease.pending ??= this.#ask(lease, charge)
      await lease.pending.finally(() => {
        lease.wanted -= cost
      })
      if (cost === 0) return taken(true, charge, lease)
    }
    // Others were faster: near the end of the bucket there is little to lend.
    const { units, ...last } = await this.#grant(charge, cost)
    lease.last = last
    if (units >= cost) return taken(true, charge, lease, () => this.#undo(lease, charge))
    const left = this.#now() < lease.until ? lease.units : 0
    return left >= cost ? this.#spend(lease, charge) : taken(false, charge, lease)
  }

  #spend(lease: Lease, charge: WireCharge): Leased {
    lease.units -= charge.cost
    lease.spent += charge.cost
    return taken(true, charge, lease, () => this.#undo(lease, charge))
  }

  /** It ends in time also when nobody asks any more. */
  #begin(lease: Lease, charge: WireCharge, until: number): void {
    lease.until = until
    setTimeout(() => {
      if (lease.until === until) this.#end(lease, charge)
    }, LIFE)
  }

  #undo(lease: Lease, charge: WireCharge): void {
    lease.units += charge.cost
    // What was asked for by one charge alone is lent to nobody else yet.
    if (this.#now() >= lease.until) this.#begin(lease, charge, this.#now() + LIFE)
  }

  /** Nobody waits for what goes back; should it get lost, so are the units. */
  #end(lease: Lease, charge: WireCharge): void {
    const { units } = lease
    lease.units = 0
    if (units > 0) this.#grant({ ...charge, cost: -units }, 0).catch(() => {})
  }

  async #giveBack(lease: Lease, charge: WireCharge): Promise<Leased> {
    const { units: _, ...last } = await this.#grant(charge, charge.cost)
    lease.last = last
    return taken(true, charge, lease)
  }

  async #ask(lease: Lease, charge: WireCharge): Promise<void> {
    const asked = this.#now()
    const want = charge.cost === 0 ? 0 : Math.max(lease.wanted, 2 * lease.spent, FIRST)
    try {
      const { units, ...last } = await this.#grant(charge, want)
      lease.last = last
      lease.units += units
      lease.spent = 0
      if (units > 0) this.#begin(lease, charge, asked + LIFE)
      if (units === 0 && charge.cost > 0)
        lease.denied = { cost: charge.cost, until: asked + Math.min(LIFE, last.wait / 1000) }
    } finally {
      lease.pending = null
    }
  }

  #lease(key: string): Lease {
    let lease = this.#leases.get(key)
    if (lease === undefined) {
      if (this.#leases.size >= MOST) this.#leases.clear()
      const last = { remaining: 0, full: 0, wait: 0 }
      lease = { units: 0, until: 0, spent: 0, wanted: 0, last, denied: null, pending: null }
      this.#leases.set(key, lease)
    }
    return lease
  }
}

function taken(ok: boolean, { burst }: WireCharge, { units, last }: Lease, undo = () => {}): Leased {
  const remaining = Math.min(burst, last.remaining + units)
  return { arrival: { ok, remaining, full: last.full, wait: ok ? 0 : last.wait }, undo }
}
