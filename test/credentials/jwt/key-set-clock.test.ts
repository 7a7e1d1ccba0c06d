import { beforeAll, describe, expect, it } from 'vitest'
import { KeySet } from '../../../src/credentials/jwt/key-set.ts'
import { outside, type Pair, pair } from './support.ts'

const MINUTE = 60_000
const COOLDOWN = 30_000

let one: Pair
let two: Pair
beforeAll(async () => {
  ;[one, two] = [await pair('ES256', 'one'), await pair('ES256', 'two')]
})

/** A set whose document is what a test says, fetched at once. */
function world(text: () => string = () => JSON.stringify({ keys: [one.jwk] })) {
  const work: Promise<unknown>[] = []
  const at = Object.assign(outside(), { background: (promise: Promise<unknown>) => void work.push(promise) })
  const calls = { fetches: 0, doubts: 0 }
  const document = {
    fetch: async () => {
      calls.fetches++
      return text()
    },
    doubt: () => void calls.doubts++,
  }
  const set = new KeySet('company', document, ['ES256'], at)
  const find = (kid: string | null = 'one', patience = 400) =>
    set.find('ES256', kid, { now: at.clock, deadline: at.clock + patience })
  const passes = async (milliseconds: number) => {
    at.clock += milliseconds
    await Promise.all(work)
  }
  return { set, at, calls, find, passes, work }
}

describe('a key set by the clock', () => {
  it('is fetched ahead of the first decision, once, and counted', async () => {
    const { set, calls, find, work } = world()
    expect(set.figures()).toEqual({ age: null, fetches: 0, failures: 0 })
    await set.prepare()
    await set.prepare()
    expect(calls).toEqual({ fetches: 1, doubts: 0 })
    expect(work).toHaveLength(1)
    expect(set.figures()).toEqual({ age: 0, fetches: 1, failures: 0 })
    expect(find()).toMatchObject({ is: 'keys', keys: [{ kid: 'one' }] })
    expect(find(null)).toMatchObject({ is: 'keys', keys: [{ kid: 'one' }] })
    expect(set.generation).toBe(1)
  })

  it('is refreshed from eight minutes on, and not a millisecond before', async () => {
    const { set, calls, find, passes } = world()
    await set.prepare()
    await passes(8 * MINUTE - 1)
    expect(find()).toMatchObject({ is: 'keys' })
    expect(calls.fetches).toBe(1)
    await passes(1)
    expect(find()).toMatchObject({ is: 'keys' })
    await passes(0)
    expect([calls.fetches, set.generation, set.figures().age]).toEqual([2, 2, 0])
  })

  it('serves for an hour beyond its age while its issuer fails, to the millisecond', async () => {
    let text = JSON.stringify({ keys: [one.jwk] })
    const { set, find, passes, at } = world(() => text)
    await set.prepare()
    text = '<html>'
    await passes(70 * MINUTE - 1)
    expect(await find()).toMatchObject({ is: 'keys' })
    await passes(1)
    expect(set.touch(at.clock)).toBe(false)
    expect(await find()).toMatchObject({ is: 'unavailable' })
  })

  it('takes a hundred keys and no more', async () => {
    for (const count of [100, 101]) {
      const { set, at, find } = world(() => JSON.stringify({ keys: Array(count).fill(one.jwk) }))
      await set.prepare()
      expect(set.figures().failures).toBe(count - 100)
      expect((await find()).is).toBe(count === 100 ? 'keys' : 'unavailable')
      if (count === 101)
        expect(at.reports[0]?.details['error']).toBe('the key set holds 101 keys, more than 100')
    }
  })

  it.each([
    ['<html>', 'the key set is not a JWK Set'],
    ['{"keys":{}}', 'the key set is not a JWK Set'],
    ['{"keys":[]}', 'none of the 0 keys of the key set can be used'],
    ['{"keys":[{"kty":"oct","k":"x"}]}', 'none of the 1 keys of the key set can be used'],
  ])('tells the operator what is wrong with %s, and that nothing is held', async (text, error) => {
    const { set, at, calls, find } = world(() => text)
    await set.prepare()
    expect(at.reports).toEqual([
      { event: 'key_set_failed', details: { issuer: 'company', error, failures: 1, held: false } },
    ])
    expect(calls.doubts).toBe(1)
    expect(find()).toEqual({ is: 'unavailable', cause: new Error(error) })
  })

  it('tells of each failure and of the recovery, and of nothing where nothing had failed', async () => {
    let text = JSON.stringify({ keys: [one.jwk] })
    const { set, at, find, passes } = world(() => text)
    await set.prepare()
    expect(at.reports).toEqual([])
    text = 'x'
    for (let i = 0; i < 2; i++) {
      await passes(9 * MINUTE)
      await find()
      await passes(0)
    }
    text = JSON.stringify({ keys: [two.jwk] })
    await passes(9 * MINUTE)
    await find()
    await passes(0)
    expect(at.reports.map(({ event, details }) => [event, details['failures'], details['held']])).toEqual([
      ['key_set_failed', 1, true],
      ['key_set_failed', 2, true],
      ['key_set_recovered', 2, undefined],
    ])
    expect(at.reports[2]?.details).toEqual({ issuer: 'company', failures: 2 })
    expect(set.figures()).toMatchObject({ fetches: 4, failures: 2 })
  })

  it('is asked for an unknown key once, then after thirty seconds, and in between once in five minutes', async () => {
    const { set, calls, find, passes } = world()
    await set.prepare()
    const asks = async (kid: string) => {
      const before = calls.fetches
      const found = await find(kid)
      expect(found).toEqual({ is: 'unknown' })
      return calls.fetches - before
    }
    // The burst, and then nothing until the cooldown is over.
    expect(await asks('x')).toBe(1)
    expect([await asks('x'), await asks('y')]).toEqual([0, 0])
    await passes(COOLDOWN - 1)
    expect([await asks('x'), await asks('y')]).toEqual([0, 0])
    await passes(1)
    expect([await asks('x'), await asks('y')]).toEqual([1, 0])
    // Five minutes after the burst there may be another.
    await passes(5 * MINUTE - COOLDOWN - 1)
    expect(await asks('z')).toBe(1)
    expect(await asks('v')).toBe(0)
    await passes(1)
    expect([await asks('v'), await asks('w')]).toEqual([1, 0])
  })

  it('is asked by nobody for a key that it holds for another algorithm, or for none in particular', async () => {
    const { set, calls, at } = world(() => JSON.stringify({ keys: [one.jwk, two.jwk] }))
    await set.prepare()
    for (const kid of ['one', 'two', null])
      expect(set.find('RS256', kid, { now: at.clock, deadline: at.clock + 400 })).toEqual({ is: 'unknown' })
    expect(calls.fetches).toBe(1)
  })

  it('keeps the same objects for keys that stay, and retires those that go', async () => {
    let keys = [one.jwk, two.jwk]
    const { set, find, passes } = world(() => JSON.stringify({ keys }))
    await set.prepare()
    const before = [find('one'), find('two')].map((found) => ('keys' in found ? found.keys[0] : undefined))
    keys = [two.jwk]
    await passes(9 * MINUTE)
    find('two')
    await passes(0)
    const after = find('two')
    expect('keys' in after && after.keys[0]).toBe(before[1])
    expect(before.map((key) => key?.retired)).toEqual([true, false])
  })
})
