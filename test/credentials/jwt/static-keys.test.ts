import { describe, expect, it } from 'vitest'
import { candidates, UNKNOWN } from '../../../src/credentials/jwt/key-source.ts'
import { StaticKeys } from '../../../src/credentials/jwt/static-keys.ts'
import type { VerificationKey } from '../../../src/credentials/jwt/verification-key.ts'

const key = (kid: string | null, ...algorithms: string[]): VerificationKey =>
  ({
    kid,
    identity: `${kid}`,
    imported: new Map(algorithms.map((name) => [name, null])),
    retired: false,
  }) as never
const instants = { now: 0, deadline: 50 }
const source = (...keys: (VerificationKey | null)[]) =>
  new StaticKeys(
    () => 0,
    async () => keys,
  )

describe('keys that stand in the policy', () => {
  const [named, nameless, other] = [key('a', 'RS256'), key(null, 'RS256', 'PS256'), key('b', 'ES256')]

  it('are those of the algorithm whose name does not differ, a name being no condition where one side has none', async () => {
    const keys = source(named, null, nameless, other)
    expect(await keys.find('RS256', 'a', instants)).toEqual({ is: 'keys', keys: [named, nameless] })
    // From now on at once.
    expect(keys.find('RS256', 'a', instants)).toEqual({ is: 'keys', keys: [named, nameless] })
    expect(keys.find('RS256', 'x', instants)).toEqual({ is: 'keys', keys: [nameless] })
    expect(keys.find('RS256', null, instants)).toEqual({ is: 'keys', keys: [named, nameless] })
    expect(keys.find('ES256', 'b', instants)).toEqual({ is: 'keys', keys: [other] })
    expect(keys.find('ES256', 'a', instants)).toEqual({ is: 'unknown' })
    expect(keys.find('EdDSA', null, instants)).toEqual({ is: 'unknown' })
    expect(UNKNOWN).toEqual({ is: 'unknown' })
  })

  it('are imported once, whoever asks', async () => {
    let loads = 0
    const keys = new StaticKeys(
      () => 0,
      async () => {
        loads++
        return [named]
      },
    )
    await Promise.all([keys.prepare(), keys.find('RS256', null, instants), keys.prepare()])
    await keys.prepare()
    expect(loads).toBe(1)
    expect([keys.touch(), keys.figures(), keys.generation]).toEqual([true, null, 0])
  })

  it('are unavailable, and why, when they cannot be imported, when none is usable, or when it takes too long', async () => {
    const broken = new Error('broken')
    const failing = new StaticKeys(
      () => 0,
      () => Promise.reject(broken),
    )
    expect(await failing.find('RS256', null, instants)).toEqual({ is: 'unavailable', cause: broken })
    expect(await source(null).find('RS256', null, instants)).toEqual({
      ...{ is: 'unavailable', cause: new Error('no key of the policy can be used by this runtime') },
    })
    const slow = new StaticKeys(
      () => 60,
      async () => [named],
    )
    expect(await slow.find('RS256', null, instants)).toEqual({
      ...{ is: 'unavailable', cause: new Error('the key was not imported in time') },
    })
    const never = new StaticKeys(
      () => 49,
      () => new Promise(() => {}),
    )
    expect(await never.find('RS256', null, instants)).toMatchObject({ is: 'unavailable' })
  })
})

describe('the keys that may have signed', () => {
  it('are eight at most, the first ones', () => {
    const keys = Array.from({ length: 10 }, (_, i) => key(String(i), 'RS256'))
    expect(candidates(keys, 'RS256', () => true)).toEqual(keys.slice(0, 8))
    expect(candidates(keys, 'RS256', ({ kid }) => Number(kid) > 7)).toEqual(keys.slice(8))
    expect(candidates(keys, 'PS256', () => true)).toEqual([])
  })
})
