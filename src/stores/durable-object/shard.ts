import type { Arrival } from '../../core/limit.ts'
import type { Told } from '../counting/told.ts'
import type { Buckets } from './buckets.ts'
import { type Leased, Leases } from './leases.ts'
import type { Grant, Heat, Origin, WireCharge } from './wire.ts'

/** Milliseconds between two reports to the tenant's own object. */
const REPORT = 1000

/** What a shard asks of the tenant's own object. */
export interface Tenant {
  grant(charge: WireCharge, want: number): Promise<Grant>
  report(calls: number): Promise<Heat | null>
}

/** A part of a hot tenant: buckets of its own, and units on lease of those that the whole tenant shares. */
export class Shard {
  readonly #buckets: Buckets
  readonly #leases: Leases
  readonly #tenant: Tenant
  readonly #now: () => number
  #calls = 0
  #reported = 0
  #heat: Heat | null = null
  /** The last report. */
  #told: Promise<void> = Promise.resolve()

  /** @param now milliseconds since the epoch */
  constructor(buckets: Buckets, tenant: Tenant, now: () => number) {
    this.#buckets = buckets
    this.#leases = new Leases((charge, want) => tenant.grant(charge, want), now)
    this.#tenant = tenant
    this.#now = now
  }

  /** What the tenant's own object said last; null: it is not hot any more. */
  get heat(): Heat | null {
    return this.#heat
  }

  async charge(charges: readonly WireCharge[], { shared }: Origin): Promise<Omit<Told, 'epoch'>> {
    this.#calls++
    await this.#report()
    const own = charges.filter((_, index) => !shared.includes(index))
    // Who is denied by a bucket that is here takes nothing from those that are not.
    const denied = !this.#buckets.charge(own, true).arrivals.every(({ ok }) => ok)
    const lent = new Map<number, Leased>()
    const asked = await Promise.allSettled(
      shared.map(async (index) => {
        const charge = charges[index] as WireCharge
        lent.set(index, await (denied ? this.#leases.peek(charge) : this.#leases.take(charge)))
      }),
    )
    const failed = asked.find(({ status }) => status === 'rejected')
    const blocked = failed !== undefined || [...lent.values()].some(({ arrival }) => !arrival.ok)
    const settled = this.#buckets.charge(own, blocked || denied)
    if (!settled.all) for (const { arrival, undo } of lent.values()) if (arrival.ok) undo()
    if (failed?.status === 'rejected') throw failed.reason
    let next = 0
    const arrivals = charges.map((_, index) => {
      const { ok, remaining, full, wait } = lent.get(index)?.arrival ?? (settled.arrivals[next++] as Arrival)
      return { ok, remaining, full, wait }
    })
    return { all: settled.all, arrivals }
  }

  /** Now and then; the first time everybody waits to hear whether the tenant is hot at all. */
  async #report(): Promise<void> {
    const now = this.#now()
    if (now < this.#reported || now - this.#reported >= REPORT) {
      this.#reported = now
      const calls = this.#calls
      this.#calls = 0
      this.#told = this.#tenant.report(calls).then(
        (heat) => {
          this.#heat = heat
        },
        () => {},
      )
    }
    if (this.#heat === null) await this.#told
  }
}
