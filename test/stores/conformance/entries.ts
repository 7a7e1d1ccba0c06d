import { describe, expect, it } from 'vitest'
import type { Change, Entry } from '../../../src/stores/contract.ts'
import {
  draft,
  elapse,
  eventually,
  HOSTILE,
  inOrder,
  type Make,
  on,
  put,
  type Rig,
  remove,
  type Traits,
  write,
} from './rig.ts'

const one = async ({ store }: Rig, id: string): Promise<Entry | null> =>
  (await store.get('key', [id]))[0] ?? null

/** Entries: documents by id and alias, in batches that happen or do not. */
export function entriesConformance(make: Make, traits: Traits): void {
  describe('its entries', () => {
    it(
      'come back as they were given',
      on(make, async (rig) => {
        const given = draft('a', {
          body: '{"v":1,"roles":["user"]}',
          owner: 'build-bot',
          aliases: ['d1', 'd2'],
          expires: 253_402_300_799_999,
        })
        expect(await write(rig.store, put(given))).toEqual([1])
        const entry = { ...given, version: 1, used: null }
        expect(await rig.store.get('key', ['a'])).toEqual([entry])
        expect(await rig.store.find('key', ['d2'])).toEqual(entry)
        expect(await rig.store.list('key', { after: null, limit: 10, owner: null })).toEqual([entry])
      }),
    )

    it(
      'are null where there is none, in the order that was asked',
      on(make, async ({ store }) => {
        await write(store, put(draft('a')), put(draft('b')))
        const found = await store.get('key', ['b', 'nobody', 'a', 'b'])
        expect(found.map((entry) => entry?.id ?? null)).toEqual(['b', null, 'a', 'b'])
        expect(await store.get('key', [])).toEqual([])
        expect(await store.find('key', [])).toBeNull()
        expect(await store.find('key', ['nobody'])).toBeNull()
        expect(await store.find('key', ['a'])).toBeNull()
        expect(await store.list('ban', { after: null, limit: 10, owner: null })).toEqual([])
      }),
    )

    it(
      'are guarded by what the writer expects',
      on(make, async ({ store }) => {
        const tries = (...changes: readonly Change[]) => store.apply(changes, null)
        const stops = (why: string, index = 0) => ({ ok: false, index, why })
        expect(await tries(put(draft('a'), 1))).toEqual(stops('missing'))
        expect(await tries(remove('a'))).toEqual(stops('missing'))
        expect(await tries(remove('a', 'key', 1))).toEqual(stops('missing'))
        expect(await write(store, put(draft('a')))).toEqual([1])
        expect(await tries(put(draft('a')))).toEqual(stops('exists'))
        expect(await write(store, put(draft('a'), 1))).toEqual([2])
        expect(await tries(put(draft('a'), 1))).toEqual(stops('changed'))
        expect(await tries(remove('a', 'key', 1))).toEqual(stops('changed'))
        expect(await write(store, put(draft('a'), 'any'), put(draft('b'), 'any'))).toEqual([3, 1])
        expect((await store.apply([remove('a', 'key', 3)], null)).ok).toBe(true)
        expect(await tries(put(draft('a'), 3))).toEqual(stops('missing'))
        expect(await write(store, put(draft('a')))).toEqual([1])
      }),
    )

    it(
      'belong to their kind: ids and aliases of another kind do not stand in the way',
      on(make, async ({ store }) => {
        for (const kind of ['key', 'revocation', 'ban', 'idempotency', 'meta'] as const)
          expect(await write(store, put(draft('same', { kind, body: kind, aliases: ['alias'] })))).toEqual([
            1,
          ])
        expect((await store.find('ban', ['alias']))?.body).toBe('ban')
        await write(store, remove('same', 'ban'))
        expect(await store.find('ban', ['alias'])).toBeNull()
        expect((await store.find('key', ['alias']))?.body).toBe('key')
        expect(await store.list('meta', { after: null, limit: 10, owner: null })).toHaveLength(1)
      }),
    )

    it(
      'have aliases that are theirs alone, go with them and come free with them',
      on(make, async ({ store }) => {
        await write(store, put(draft('a', { aliases: ['d1'] })), put(draft('b', { aliases: ['d2'] })))
        const takes = await store.apply([put(draft('c')), put(draft('b', { aliases: ['d1'] }), 1)], null)
        expect(takes).toEqual({ ok: false, index: 1, why: 'alias_taken' })
        // Rotation: two at once, then the old one goes.
        await write(store, put(draft('a', { aliases: ['d1', 'd3'] }), 1))
        for (const alias of ['d1', 'd3']) expect((await store.find('key', [alias]))?.id).toBe('a')
        await write(store, put(draft('a', { aliases: ['d3'] }), 2))
        expect(await store.find('key', ['d1'])).toBeNull()
        expect((await store.find('key', ['d3']))?.aliases).toEqual(['d3'])
        await write(store, put(draft('c', { aliases: ['d1'] })))
        await write(store, remove('a'))
        expect(await store.find('key', ['d3'])).toBeNull()
        await write(store, put(draft('d', { aliases: ['d3'] })))
        expect((await store.find('key', ['nobody', 'd3', 'd1']))?.id).toBe('d')
      }),
    )

    it(
      'see what came before in the same batch',
      on(make, async ({ store }) => {
        await write(store, put(draft('a', { aliases: ['d1'] })))
        const moved = [remove('a'), put(draft('b', { aliases: ['d1'] })), put(draft('b'), 1)]
        expect((await store.apply(moved, null)).ok).toBe(true)
        expect((await store.get('key', ['a', 'b'])).map((entry) => entry?.version ?? null)).toEqual([null, 2])
        const twice = await store.apply([put(draft('c')), put(draft('c'))], null)
        expect(twice).toEqual({ ok: false, index: 1, why: 'exists' })
        const early = [put(draft('d', { aliases: ['d9'] })), put(draft('e', { aliases: ['d9'] }))]
        expect(await store.apply(early, null)).toEqual({ ok: false, index: 1, why: 'alias_taken' })
        expect(await store.get('key', ['c', 'd'])).toEqual([null, null])
        expect(await store.apply([], null)).toEqual({ ok: true, versions: [] })
      }),
    )

    it(
      'are written all or not at all, a thousand at once',
      on(make, async ({ store }) => {
        await write(store, put(draft('taken', { aliases: ['held'] })))
        const many = Array.from({ length: 999 }, (_, i) => put(draft(`k${i}`, { aliases: [`d${i}`] })))
        const last = put(draft('last', { aliases: ['held'] }))
        expect(await store.apply([...many, last], 'no')).toEqual({
          ok: false,
          index: 999,
          why: 'alias_taken',
        })
        expect(await store.get('key', ['k0', 'k998', 'last'])).toEqual([null, null, null])
        expect(await store.find('key', ['d500'])).toBeNull()
        expect(await store.history(10)).toEqual([])
        expect(await write(store, ...many)).toEqual(many.map(() => 1))
        expect((await store.find('key', ['d500']))?.id).toBe('k500')
      }),
    )

    it(
      'are listed by code point, in pages over thousands',
      on(make, async ({ store }) => {
        const ids = Array.from({ length: 2500 }, (_, i) => `k-${(i * 7919) % 2500}`)
        for (let at = 0; at < ids.length; at += 500)
          await write(store, ...ids.slice(at, at + 500).map((id) => put(draft(id))))
        const found: string[] = []
        for (let after: string | null = null; ; after = found.at(-1) ?? null) {
          const page = await store.list('key', { after, limit: 1000, owner: null })
          found.push(...page.map(({ id }) => id))
          if (page.length < 1000) break
        }
        expect(found).toEqual(inOrder(ids))
        const few = await store.list('key', { after: 'k-1', limit: 2, owner: null })
        expect(few.map(({ id }) => id)).toEqual(['k-10', 'k-100'])
        // A place in the list needs no entry: the one that stood there may be gone.
        await write(store, remove('k-1'))
        const again = await store.list('key', { after: 'k-1', limit: 1, owner: null })
        expect(again.map(({ id }) => id)).toEqual(['k-10'])
        expect(await store.list('key', { after: 'z', limit: 10, owner: null })).toEqual([])
      }),
    )

    it(
      'are found by their owner, who may change',
      on(make, async ({ store }) => {
        const owned = (id: string, owner: string | null) => put(draft(id, { owner }), 'any')
        await write(store, owned('c', 'ann'), owned('a', 'ann'), owned('b', 'bob'), owned('d', null))
        const of = async (owner: string, after: string | null = null, limit = 10) =>
          (await store.list('key', { after, limit, owner })).map(({ id }) => id)
        expect(await of('ann')).toEqual(['a', 'c'])
        expect(await of('ann', null, 1)).toEqual(['a'])
        expect(await of('ann', 'a')).toEqual(['c'])
        expect(await of('an')).toEqual([])
        await write(store, owned('a', 'bob'), owned('c', null), remove('b'))
        expect(await of('ann')).toEqual([])
        expect(await of('bob')).toEqual(['a'])
      }),
    )

    it(
      'go when their time is up, and leave id and aliases free',
      on(make, async (rig) => {
        const { store } = rig
        const expires = rig.now() + (traits.clock.entries ? 60_000 : 400)
        await write(store, put(draft('a', { aliases: ['d1'], owner: 'ann', expires })), put(draft('b')))
        await store.touch(new Map([['a', 7]]))
        expect((await one(rig, 'a'))?.used).toBe(7)
        await elapse(rig, traits.clock.entries, expires - rig.now())
        await eventually(async () => (await one(rig, 'a')) === null)
        expect(await store.find('key', ['d1'])).toBeNull()
        expect(await store.list('key', { after: null, limit: 10, owner: 'ann' })).toEqual([])
        expect((await store.list('key', { after: null, limit: 1, owner: null })).map(({ id }) => id)).toEqual(
          ['b'],
        )
        expect(await store.apply([put(draft('a'), 1)], null)).toMatchObject({ why: 'missing' })
        expect(await store.apply([remove('a')], null)).toMatchObject({ why: 'missing' })
        await write(store, put(draft('c', { aliases: ['d1'] })))
        expect(await write(store, put(draft('a')))).toEqual([1])
        expect((await one(rig, 'a'))?.used).toBeNull()
        expect((await store.find('key', ['d1']))?.id).toBe('c')
      }),
    )

    it(
      'leave everything free also when many are over at once',
      on(make, async (rig) => {
        const { store } = rig
        const expires = rig.now() + (traits.clock.entries ? 60_000 : 400)
        const over = Array.from({ length: 500 }, (_, i) => draft(`o${i}`, { aliases: [`d${i}`], expires }))
        await write(store, ...over.map((entry) => put(entry)))
        await elapse(rig, traits.clock.entries, expires - rig.now())
        await eventually(async () => (await one(rig, 'o499')) === null)
        for (const n of [499, 0, 250]) {
          expect(await write(store, put(draft(`new ${n}`, { aliases: [`d${n}`] })))).toEqual([1])
          expect((await store.find('key', [`d${n}`]))?.id).toBe(`new ${n}`)
          expect(await write(store, put(draft(`o${n}`)))).toEqual([1])
          expect((await store.find('key', [`d${n}`]))?.id).toBe(`new ${n}`)
        }
      }),
    )

    it(
      'may be given a later end before the old one comes',
      on(make, async (rig) => {
        const { store } = rig
        const soon = rig.now() + (traits.clock.entries ? 60_000 : 300)
        await write(store, put(draft('a', { aliases: ['d1'], expires: soon })))
        await write(store, put(draft('a', { aliases: ['d1'], expires: null }), 1))
        await elapse(rig, traits.clock.entries, soon - rig.now() + 50)
        expect((await one(rig, 'a'))?.version).toBe(2)
        expect((await store.find('key', ['d1']))?.id).toBe('a')
      }),
    )

    it(
      'that are over from the start are never seen',
      on(make, async (rig) => {
        await write(rig.store, put(draft('a', { aliases: ['d1'], expires: rig.now() - 1000 })))
        expect(await one(rig, 'a')).toBeNull()
        expect(await rig.store.find('key', ['d1'])).toBeNull()
        expect(await write(rig.store, put(draft('a')))).toEqual([1])
      }),
    )

    it(
      'keep bodies byte for byte',
      on(make, async (rig) => {
        const bodies = [
          '',
          '{}',
          ' { "a" :\n\t1.0 , "a":2 }\r\n',
          '{"quote":"\\"\'`","slash":"\\\\ \\/","null":"\\u0000"}',
          '{"text":"ключ 鍵 🔑 e\u0301 \u2028 \ufeff"}',
          '12345678901234567890.0',
          `"${'€'.repeat(21_845)}"`,
          'x'.repeat(65_536),
        ]
        await write(rig.store, ...bodies.map((body, i) => put(draft(`k${i}`, { body }))))
        const found = await rig.store.get(
          'key',
          bodies.map((_, i) => `k${i}`),
        )
        expect(found.map((entry) => entry?.body)).toEqual(bodies)
      }),
    )

    it(
      'may have any name, owner and alias',
      on(make, async ({ store }) => {
        const entries = HOSTILE.map((text) => draft(text, { owner: text, aliases: [text] }))
        await write(store, ...entries.map((entry) => put(entry)))
        for (const [index, text] of HOSTILE.entries()) {
          expect((await store.get('key', [text]))[0]).toMatchObject(entries[index] ?? {})
          expect((await store.find('key', [text]))?.id).toBe(text)
          const owned = await store.list('key', { after: null, limit: 10, owner: text })
          expect(owned.map(({ id }) => id)).toEqual([text])
        }
        await store.touch(new Map(HOSTILE.map((text) => [text, 9])))
        const all = await store.list('key', { after: null, limit: 1000, owner: null })
        expect(all.map(({ id }) => id)).toEqual(inOrder(HOSTILE))
        expect(all.every(({ used }) => used === 9)).toBe(true)
        for (const text of HOSTILE) {
          const after = await store.list('key', { after: text, limit: 1, owner: null })
          expect(after.map(({ id }) => id)).toEqual(
            inOrder(HOSTILE).slice(inOrder(HOSTILE).indexOf(text) + 1)[0] === undefined
              ? []
              : [inOrder(HOSTILE)[inOrder(HOSTILE).indexOf(text) + 1]],
          )
        }
        await write(store, ...HOSTILE.map((text) => remove(text)))
        expect(await store.list('key', { after: null, limit: 10, owner: null })).toEqual([])
      }),
    )

    it(
      'remember the latest use, which is no write',
      on(make, async (rig) => {
        const { store } = rig
        await write(store, put(draft('a')), put(draft('b')))
        const { epoch } = await store.changes('access', -1)
        await store.touch(new Map([['a', 29_000_000]]))
        await store.touch(
          new Map([
            ['a', 28_000_000],
            ['nobody', 29_000_000],
          ]),
        )
        await store.touch(new Map())
        expect(await store.get('key', ['a', 'b', 'nobody'])).toMatchObject([
          { used: 29_000_000, version: 1 },
          { used: null, version: 1 },
          null,
        ])
        expect((await store.changes('access', -1)).epoch).toBe(epoch)
        await write(store, put(draft('a', { body: '2' }), 1))
        expect(await one(rig, 'a')).toMatchObject({ used: 29_000_000, version: 2 })
        await write(store, put(draft('nobody')))
        expect((await one(rig, 'nobody'))?.used).toBeNull()
        await write(store, remove('a'))
        await write(store, put(draft('a')))
        expect((await one(rig, 'a'))?.used).toBeNull()
        await store.touch(new Map(Array.from({ length: 5000 }, (_, i) => [`many ${i}`, i])))
      }),
    )

    it(
      'leave a line for the audit with each write that happened',
      on(make, async ({ store }) => {
        expect(await store.history(10)).toEqual([])
        const line = (i: number) => `{"who":"ann","text":"Ж\\n${i}"}`
        for (let i = 0; i < 5; i++) await store.apply([put(draft(`k${i}`))], line(i))
        await store.apply([put(draft('k0'))], 'refused')
        await store.apply([put(draft('silent'))], null)
        await store.apply([], 'alone')
        expect(await store.history(3)).toEqual(['alone', line(4), line(3)])
        expect(await store.history(1000)).toHaveLength(6)
      }),
    )
  })
}
