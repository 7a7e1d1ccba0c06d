import { describe, expect, it } from 'vitest'
import type { Soon } from '../../../src/core/soon.ts'
import { type Store, StoreFault } from '../../../src/stores/contract.ts'
import { charge, draft, eventually, type Make, on, put, spendOne, type Traits, when, write } from './rig.ts'

/** Every call but `charge`, `glance` and `size`. */
const CALLS: Readonly<Record<string, (store: Store) => Soon<unknown>>> = {
  apply: (store) => store.apply([put(draft('late'), 'any')], 'late'),
  get: (store) => store.get('key', ['a']),
  find: (store) => store.find('key', ['a']),
  list: (store) => store.list('key', { after: null, limit: 1, owner: null }),
  changes: (store) => store.changes('access', -1),
  touch: (store) => store.touch(new Map([['a', 1]])),
  history: (store) => store.history(1),
}

/** What became of a call that may throw at once or reject later. */
const outcome = async (call: () => Soon<unknown>): Promise<unknown> => {
  try {
    return { answered: await call() }
  } catch (error) {
    return error
  }
}

/** A store that cannot answer says so, in time, and comes back. */
export function failingConformance(make: Make, traits: Traits): void {
  describe('when it cannot answer', () => {
    it(
      'refuses everything once it is closed, and may be closed twice',
      on(make, async ({ store }) => {
        await write(store, put(draft('a')))
        await store.close()
        await store.close()
        for (const [name, call] of Object.entries(CALLS))
          expect(await outcome(() => call(store)), name).toBeInstanceOf(StoreFault)
        if (traits.countsOn) return
        const { charged, epoch, cause } = await store.charge([charge('a'), charge('b')])
        expect(charged).toEqual([null, null])
        expect(epoch).toBeNull()
        expect(cause).toBeInstanceOf(StoreFault)
      }),
    )

    when(
      traits.stall,
      'says so in time, charges at most once, and goes on by itself',
      on(make, async ({ store, stall }) => {
        await write(store, put(draft('a')))
        await spendOne(store, charge('a', 100))
        const release = (await stall?.()) ?? (async () => {})
        const began = performance.now()
        const [charging, applied] = await Promise.all([
          store.charge([charge('a', 100)]),
          outcome(() => store.apply([put(draft('b'))], null)),
        ])
        expect(performance.now() - began).toBeLessThan(traits.patience)
        expect(charging.charged).toEqual([null])
        expect(charging.cause).toBeInstanceOf(StoreFault)
        expect(applied).toBeInstanceOf(StoreFault)
        await release()
        await eventually(
          async () => (await store.charge([charge('probe', 1, 0)])).charged[0] !== null,
          15_000,
        )
        const { remaining } = await spendOne(store, charge('a', 100, 0))
        expect(remaining).toBeGreaterThanOrEqual(98)
        expect(remaining).toBeLessThanOrEqual(99)
        await write(store, put(draft('c')))
        expect((await store.get('key', ['c']))[0]?.version).toBe(1)
      }),
    )
  })
}
