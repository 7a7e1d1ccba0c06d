import { describe, expect, it } from 'vitest'
import type { Changes, Feed, Store } from '../../../src/stores/contract.ts'
import { charge, draft, elapse, type Make, on, put, remove, type Traits, when, write } from './rig.ts'

/** What changed, each once, in the order of the last change. */
function ids({ entries }: Changes): string[] | null {
  if (entries === null) return null
  const seen = new Map<string, true>()
  for (const { kind, id } of entries) {
    seen.delete(`${kind} ${id}`)
    seen.set(`${kind} ${id}`, true)
  }
  return [...seen.keys()]
}

const epochOf = async (store: Store, feed: Feed): Promise<number> => (await store.changes(feed, -1)).epoch

/** Epochs and feeds: how instances learn what others changed. */
export function feedsConformance(make: Make, traits: Traits): void {
  describe('its epoch', () => {
    it(
      'comes with each charge, and grows with each change of keys, revocations and meta',
      on(make, async ({ store }) => {
        let last = (await store.charge([charge('a')])).epoch
        expect(last).toBe(await epochOf(store, 'access'))
        expect(Number.isSafeInteger(last)).toBe(true)
        for (const kind of ['key', 'revocation', 'meta'] as const)
          for (const change of [
            put(draft('a', { kind })),
            put(draft('a', { kind, body: '2' }), 1),
            remove('a', kind),
          ]) {
            await write(store, change)
            const { epoch } = await store.charge([charge('a', 10, 0)])
            expect(epoch).toBeGreaterThan(last ?? Number.NaN)
            last = epoch
          }
        expect((await store.charge([charge('a', 1, 5)])).epoch).toBe(last)
      }),
    )

    it(
      'does not grow with bans, idempotency, charges, uses or writes that were refused',
      on(make, async ({ store }) => {
        await write(store, put(draft('a')))
        const epoch = await epochOf(store, 'access')
        const bans = await epochOf(store, 'bans')
        await write(store, put(draft('i', { kind: 'idempotency' })))
        await store.apply([put(draft('a'))], 'refused')
        await store.apply([], 'nothing')
        await store.touch(new Map([['a', 1]]))
        expect(await epochOf(store, 'bans')).toBe(bans)
        await write(store, put(draft('10.0.0.0/8', { kind: 'ban' })))
        expect((await store.charge([charge('a')])).epoch).toBe(epoch)
        expect(await epochOf(store, 'access')).toBe(epoch)
        expect(await epochOf(store, 'bans')).toBeGreaterThan(bans)
      }),
    )

    it(
      'is told by a glance exactly, or not at all',
      on(make, async ({ store }) => {
        for (let i = 0; i < 3; i++) {
          const glanced = store.glance()
          if (glanced !== null) expect(glanced).toBe(await epochOf(store, 'access'))
          await write(store, put(draft('a'), 'any'))
        }
      }),
    )

    when(
      traits.empty,
      'never comes back, not even in a store that was emptied',
      on(make, async (rig) => {
        const { store } = rig
        for (let i = 0; i < 20; i++) await write(store, put(draft('a'), 'any'))
        await write(store, put(draft('b', { kind: 'ban' })))
        const access = await store.changes('access', -1)
        const bans = await store.changes('bans', -1)
        await elapse(rig, traits.clock.entries, 50)
        await rig.empty?.()
        const fresh = await store.changes('access', access.epoch)
        expect(fresh.entries).toBeNull()
        expect(fresh.store).not.toBe(access.store)
        expect(fresh.epoch).toBeGreaterThan(access.epoch)
        expect((await store.charge([charge('a')])).epoch).toBe(fresh.epoch)
        const freshBans = await store.changes('bans', bans.epoch)
        expect(freshBans.entries).toBeNull()
        expect(freshBans.epoch).toBeGreaterThan(bans.epoch)
        expect(await store.get('key', ['a'])).toEqual([null])
        await write(store, put(draft('c')))
        const later = await store.changes('access', fresh.epoch)
        expect(ids(later)).toEqual(['key c'])
        expect(later.store).toBe(fresh.store)
      }),
    )
  })

  describe('its feeds', () => {
    it(
      'tell what changed since, oldest first',
      on(make, async ({ store }) => {
        const start = await store.changes('access', -1)
        expect(start.entries).toBeNull()
        expect((await store.changes('access', start.epoch)).entries).toEqual([])
        await write(store, put(draft('a')), put(draft('b')))
        await write(store, put(draft('c', { kind: 'revocation' })))
        const middle = await store.changes('access', start.epoch)
        expect(ids(middle)).toEqual(['key a', 'key b', 'revocation c'])
        await write(store, put(draft('a'), 1), put(draft('m', { kind: 'meta' })))
        await write(store, remove('b'))
        const end = await store.changes('access', middle.epoch)
        expect(ids(end)).toEqual(['key a', 'meta m', 'key b'])
        expect(end.store).toBe(start.store)
        expect((await store.changes('access', end.epoch)).entries).toEqual([])
        expect(ids(await store.changes('access', start.epoch))).toEqual([
          'revocation c',
          'key a',
          'meta m',
          'key b',
        ])
      }),
    )

    it(
      'keep bans to themselves, and tell nobody of idempotency',
      on(make, async ({ store }) => {
        const access = await epochOf(store, 'access')
        const bans = await epochOf(store, 'bans')
        await write(
          store,
          put(draft('n', { kind: 'ban' })),
          put(draft('k')),
          put(draft('i', { kind: 'idempotency' })),
        )
        expect(ids(await store.changes('bans', bans))).toEqual(['ban n'])
        expect(ids(await store.changes('access', access))).toEqual(['key k'])
        expect(await store.list('ban', { after: null, limit: 10, owner: null })).toHaveLength(1)
      }),
    )

    it(
      'say null for an epoch that they never had',
      on(make, async ({ store }) => {
        await write(store, put(draft('a')))
        const epoch = await epochOf(store, 'access')
        for (const since of [-1, 0, 1, epoch + 1000])
          expect((await store.changes('access', since)).entries).toBeNull()
      }),
    )

    it(
      'tell all of eleven thousand changes, or say that it is too long ago',
      on(make, async ({ store }) => {
        const start = await epochOf(store, 'access')
        let nearly = 0
        for (let at = 0; at < 11_000; at += 1000) {
          if (at === 9000) nearly = await epochOf(store, 'access')
          const many = Array.from({ length: 1000 }, (_, i) =>
            put(draft(`r${at + i}`, { kind: 'revocation' })),
          )
          await write(store, ...many)
        }
        const all = ids(await store.changes('access', start))
        if (all !== null) expect(all).toHaveLength(11_000)
        expect(ids(await store.changes('access', nearly))).toHaveLength(2000)
      }),
    )
  })
}
