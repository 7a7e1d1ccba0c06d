import { describe, expect, it } from 'vitest'
import type { Store } from '../../../src/stores/contract.ts'
import { charge, draft, eventually, type Make, on, put, type Rig, remove, spendOne, write } from './rig.ts'

/** Two instances on one store. */
export function sharingConformance(make: Make): void {
  const both = (body: (rig: Rig, a: Store, b: Store) => Promise<void>) =>
    on(make, async (rig) => {
      const second = await rig.second?.()
      if (second === undefined) throw new Error('a shared store needs a second instance')
      await body(rig, rig.store, second)
    })

  describe('its instances', () => {
    it('say that they share', () => both(async (_, a) => expect(a.shared).toBe(true))())

    it(
      'admit the burst once between them',
      both(async (_, a, b) => {
        const all = await Promise.all(
          Array.from({ length: 200 }, (_, i) => spendOne(i % 2 === 0 ? a : b, charge('a', 10))),
        )
        expect(all.filter(({ ok }) => ok)).toHaveLength(10)
        expect((await spendOne(b, charge('a', 10, 0))).remaining).toBe(0)
      }),
    )

    it(
      'see at once what the other wrote',
      both(async (_, a, b) => {
        const { epoch, store } = await b.changes('access', -1)
        const glanced = b.glance()
        await write(a, put(draft('a', { aliases: ['d1'], owner: 'ann' })))
        // An instance may look once for all that asks in the same turn.
        await new Promise((resolve) => setImmediate(resolve))
        if (glanced !== null) expect(b.glance()).toBeGreaterThan(glanced)
        expect((await b.find('key', ['d1']))?.id).toBe('a')
        expect(await b.get('key', ['a'])).toMatchObject([{ version: 1 }])
        expect((await b.charge([charge('a')])).epoch).toBeGreaterThan(epoch)
        const told = await b.changes('access', epoch)
        expect(told.entries).toEqual([{ kind: 'key', id: 'a' }])
        expect(told.store).toBe(store)
        expect(await b.apply([put(draft('b', { aliases: ['d1'] }))], null)).toMatchObject({
          why: 'alias_taken',
        })
        await write(b, remove('a'))
        expect(await a.find('key', ['d1'])).toBeNull()
      }),
    )

    it(
      'let exactly one of many writers through who expect the same version',
      both(async (_, a, b) => {
        await write(a, put(draft('a')))
        const all = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            (i % 2 === 0 ? a : b).apply([put(draft('a', { body: `${i}` }), 1)], null),
          ),
        )
        expect(all.filter(({ ok }) => ok)).toHaveLength(1)
        expect(all.filter((applied) => !applied.ok && applied.why === 'changed')).toHaveLength(19)
        expect(await b.get('key', ['a'])).toMatchObject([{ version: 2 }])
      }),
    )

    it(
      'hear messages while they listen, whatever a listener throws',
      both(async (_, a, b) => {
        if (a.messenger === null || b.messenger === null) return
        const heard: string[] = []
        const stop = await b.messenger.subscribe(['one', 'two'], (message) => {
          heard.push(message)
          throw new Error('a listener may fail')
        })
        await a.messenger.publish('one', 'first')
        await a.messenger.publish('other', 'elsewhere')
        await a.messenger.publish('two', '{"ü":"\\"}')
        await eventually(async () => heard.length >= 2)
        await stop()
        await a.messenger.publish('one', 'late')
        await b.messenger.subscribe(['one'], (message) => void heard.push(`again ${message}`))
        await a.messenger.publish('one', 'last')
        await eventually(async () => heard.includes('again last'))
        expect(heard).toEqual(['first', '{"ü":"\\"}', 'again last'])
      }),
    )
  })
}
