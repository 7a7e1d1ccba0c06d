import type { Arrival } from '../../core/limit.ts'
import type { Charge, Charged, Charging } from '../../core/model.ts'
import { StoreFault } from '../contract.ts'

/** What one place where buckets live together said of those that it was given. */
export interface Told {
  /** One for each bucket, in microseconds; where another one stood in the way, as if it were a peek. */
  readonly arrivals: readonly Omit<Arrival, 'next'>[]
  readonly all: boolean
  readonly epoch: number | null
}

/** In the units of the contract. @param undone it passed, but will be given back, or never was charged */
export function chargedOf(
  { ok, remaining, full, wait }: Omit<Arrival, 'next'>,
  { interval, burst, cost }: Charge,
  undone: boolean,
): Charged {
  const left = undone ? Math.min(burst, remaining + cost) : remaining
  const spent = undone ? Math.max(0, full - interval * cost) : full
  return { ok, remaining: Math.max(0, left), full: Math.ceil(spent / 1000), wait: Math.ceil(wait / 1000) }
}

/** The charges that live together, by their places in the whole charge. */
export interface Part {
  readonly places: readonly number[]
}

/** The places of charges (or of whatever else has a home) by the name of that, in the order in which those come up. */
export function partsOf<T, Name>(all: readonly T[], home: (one: T) => Name): Map<Name, number[]> {
  const parts = new Map<Name, number[]>()
  for (const [place, one] of all.entries()) {
    const name = home(one)
    const known = parts.get(name)
    if (known === undefined) parts.set(name, [place])
    else known.push(place)
  }
  return parts
}

/**
 * One answer from those of places that know nothing of each other: where one denies, what passed in the others has to
 * be given back.
 * @param told what each part was answered, in their order
 * @returns the answer, and the indices of the parts to refund
 */
export function joined(
  charges: readonly Charge[],
  parts: readonly Part[],
  told: readonly (Told | StoreFault)[],
): { readonly charging: Charging; readonly refunds: readonly number[] } {
  const denied = told.some((each) => !(each instanceof StoreFault) && !each.all)
  const charged = new Array<Charged | null>(charges.length).fill(null)
  const refunds: number[] = []
  let epoch: number | null = null
  let cause: StoreFault | null = null
  for (const [index, { places }] of parts.entries()) {
    const each = told[index] as Told | StoreFault
    if (each instanceof StoreFault) {
      cause ??= each
      continue
    }
    if (each.epoch !== null && (epoch === null || each.epoch > epoch)) epoch = each.epoch
    const undone = denied && each.all
    for (const [at, place] of places.entries())
      charged[place] = chargedOf(
        each.arrivals[at] as Told['arrivals'][number],
        charges[place] as Charge,
        undone,
      )
    if (undone && places.length > 0) refunds.push(index)
  }
  return { charging: cause === null ? { charged, epoch } : { charged, epoch, cause }, refunds }
}
