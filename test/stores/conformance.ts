import { describe } from 'vitest'
import { limiterDifferential } from '../differential/limiter.ts'
import { chargesConformance } from './conformance/charges.ts'
import { entriesConformance } from './conformance/entries.ts'
import { failingConformance } from './conformance/failing.ts'
import { feedsConformance } from './conformance/feeds.ts'
import type { Make, Traits } from './conformance/rig.ts'
import { sharingConformance } from './conformance/sharing.ts'

export type { Make, Rig, Traits } from './conformance/rig.ts'

/**
 * What every store guarantees, written against src/stores/contract.ts alone. A new store calls this with how to make
 * a fresh one and what may be done to it; what its nature does not allow to be tested stands in the traits.
 * @param make called for each test; cheap, for there are dozens
 */
export function storeConformance(name: string, make: Make, traits: Traits): void {
  describe(`the ${name} store`, () => {
    chargesConformance(make, traits)
    limiterDifferential(make, traits)
    entriesConformance(make, traits)
    feedsConformance(make, traits)
    if (traits.shared) sharingConformance(make)
    failingConformance(make, traits)
  })
}
