import { Bounded } from './bounded.ts'
import type { Charge, Charged } from './model.ts'

/**
 * Buckets that are known to deny, so that a client over its limit costs neither a store nor a signature. Never wrong:
 * others' charges only move the moment at which a bucket admits further away.
 */
export class DenyCache {
  readonly #until: Bounded<string, { readonly at: number; readonly cost: number; readonly full: number }>

  constructor(capacity: number) {
    this.#until = new Bounded(capacity)
  }

  /** Remembers a charge that its bucket refused. @param ticks milliseconds on a clock that never steps */
  note(charge: Charge, charged: Charged, ticks: number): void {
    if (charged.ok) return
    this.#until.set(charge.key, { at: ticks + charged.wait, cost: charge.cost, full: ticks + charged.full })
  }

  /** Whether nothing is remembered: the usual case, which then costs nothing. */
  get empty(): boolean {
    return this.#until.size === 0
  }

  /** What the bucket would still say, null when that has to be asked. A cheaper request may pass earlier. */
  recall(charge: Charge, ticks: number): Charged | null {
    const known = this.#until.get(charge.key)
    if (known === undefined || known.cost > charge.cost || known.at <= ticks) return null
    return { ok: false, remaining: 0, wait: known.at - ticks, full: known.full - ticks }
  }
}
