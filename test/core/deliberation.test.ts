import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import type { Admission } from '../../src/core/authorise.ts'
import { Deliberation, PATIENCE } from '../../src/core/deliberation.ts'
import { DenyCache } from '../../src/core/deny-cache.ts'
import type { Engine, Penalty, Route } from '../../src/core/engine.ts'
import type { Limit } from '../../src/core/limit.ts'
import type { Charge, Charged, Charging, Degradation } from '../../src/core/model.ts'
import { portsOf, quietKnowledge, requestOf } from '../support/ports.ts'
import { principalOf } from '../support/principal.ts'

const NOW = 1_000_000
const limit = (name: string, by: Limit['by'], onOutage: Limit['onOutage'] = 'local'): Limit => ({
  ...{ name, by, count: 9, window: 9, burst: 9, interval: 1, ipv6: 64, onOutage },
})
const client = { limit: limit('client', ['client']), cost: 1 }
const own = { limit: limit('own', ['principal']), cost: 1 }
const good: Charged = { ok: true, remaining: 5, full: 1, wait: 0 }
const bad: Charged = { ok: false, remaining: 0, full: 9, wait: 5 }
const admitted: Admission = { principal: principalOf(), identity: {}, further: [own] }

interface World {
  /** What the store says to a bucket, by the name of its limit. */
  readonly says?: (name: string) => Charged | null
  readonly epoch?: number | null
  readonly knowledge?: object
  readonly penalty?: Penalty | null
  readonly from?: string
  /** Limits of the client. */
  readonly clients?: readonly (typeof client)[]
}

function world({
  says = () => good,
  epoch = 1,
  knowledge = {},
  penalty = null,
  from = '203.0.113.9',
  clients = [client],
}: World = {}) {
  const asked: string[][] = []
  const clock = { now: NOW }
  const engine = { denials: new DenyCache(8), penalty, instances: 1 } as unknown as Engine
  const ports = portsOf({
    now: () => clock.now,
    ticks: () => 0,
    knowledge: { ...quietKnowledge, ...knowledge },
    counters: {
      charge: (charges: readonly Charge[]): Charging => {
        asked.push(charges.map(({ key, cost }) => `${cost < 0 ? '-' : ''}${key.split('|')[0]}`))
        return { charged: charges.map(({ key }) => says(key.split('|')[0] ?? '')), epoch, cause: 'slow' }
      },
      size: () => null,
    },
    local: { charge: (charges) => ({ charged: charges.map(() => good) }) },
  })
  const request = {
    method: 'GET',
    scheme: 'https',
    host: 'a',
    path: '/',
    client: parseAddress(from),
  } as never
  const deliberation = new Deliberation(requestOf().headers, request, NOW, engine, ports)
  deliberation.select({ name: 'app', clientLimits: clients } as unknown as Route)
  deliberation.judged(1)
  return { deliberation, asked, clock }
}

describe('what a client owes', () => {
  it('is charged with everything else in one trip, where nobody asks the store before', async () => {
    const { deliberation, asked } = world()
    expect(await deliberation.settle(admitted)).toMatchObject({ verdict: 'allow', degraded: [] })
    expect(asked).toEqual([['client', 'own']])
  })

  it('shares the first trip of all that are made, and is charged in no other', async () => {
    const { deliberation, asked } = world()
    for (let i = 0; i < 3; i++) deliberation.asking()
    expect(await deliberation.settle(admitted)).toMatchObject({ verdict: 'allow' })
    expect(asked).toEqual([['client'], ['own']])
  })

  it('is not charged again by whoever asks once all is paid', async () => {
    const { deliberation, asked } = world({
      epoch: 2,
      knowledge: { behind: (epoch: number | null) => epoch === 2 },
    })
    let judged = 0
    const again = () => {
      judged++
      deliberation.asking()
      return admitted
    }
    expect(await deliberation.settle(admitted, again)).toMatchObject({ verdict: 'allow' })
    expect(judged).toBe(1)
    expect(asked).toEqual([['client', 'own']])
  })

  it('is all that somebody pays who is refused', async () => {
    for (const early of [false, true]) {
      const { deliberation, asked } = world()
      if (early) deliberation.asking()
      const decision = await deliberation.settle({ reason: 'role_missing', principal: principalOf() })
      expect(decision).toMatchObject({ verdict: 'deny', reason: 'role_missing', principal: principalOf() })
      expect(asked).toEqual([['client']])
    }
  })

  it('is given back when a limit of the principal stands in the way, unless this instance counted it', async () => {
    const { deliberation, asked } = world({ says: (name) => (name === 'own' ? bad : good) })
    deliberation.asking()
    expect(await deliberation.settle(admitted)).toMatchObject({ reason: 'limit_exceeded', degraded: [] })
    expect(asked).toEqual([['client'], ['own'], ['-client']])
    const alone = world({ says: (name) => (name === 'own' ? bad : null) })
    alone.deliberation.asking()
    expect(await alone.deliberation.settle(admitted)).toMatchObject({
      reason: 'limit_exceeded',
      degraded: ['limits'],
    })
    expect(alone.asked).toEqual([['client'], ['own']])
  })

  it('ends it when it cannot be paid: nothing more is charged', async () => {
    const { deliberation, asked } = world({ says: () => bad })
    deliberation.asking()
    expect(await deliberation.settle(admitted)).toMatchObject({
      reason: 'limit_exceeded',
      principal: principalOf(),
      identity: null,
    })
    expect(asked).toEqual([['client']])
  })
})

describe('the time of a decision', () => {
  it('ends after its patience, for all who wait', () => {
    expect(world().deliberation.deadline).toBe(NOW + PATIENCE)
  })

  it('lets the store be asked a second time as long as a hundred milliseconds are left', async () => {
    for (const [spent, trips] of [
      [0, 2],
      [PATIENCE - 100, 2],
      [PATIENCE - 99, 1],
      [PATIENCE + 1000, 1],
    ] as const) {
      const { deliberation, asked, clock } = world()
      deliberation.asking()
      clock.now = NOW + spent
      const decision = await deliberation.settle(admitted)
      expect(asked).toHaveLength(trips)
      expect(decision.degraded).toEqual(trips === 1 ? ['limits'] : [])
    }
  })

  it('is told as the reason where a limit says that nobody may pass then', async () => {
    const { deliberation, clock } = world()
    deliberation.asking()
    clock.now = NOW + PATIENCE
    const closed = { ...admitted, further: [{ limit: limit('own', ['principal'], 'deny'), cost: 1 }] }
    const decision = await deliberation.settle(closed)
    expect(decision).toMatchObject({
      reason: 'limit_unavailable',
      cause: expect.stringMatching(/no time was left/),
    })
  })

  it('is what is left for catching up, never more than there is and never less than nothing', async () => {
    for (const [spent, left] of [
      [0, PATIENCE],
      [-5000, PATIENCE],
      [300, PATIENCE - 300],
      [5000, 0],
    ] as const) {
      const waits: number[] = []
      const { deliberation, clock } = world({
        epoch: 2,
        knowledge: {
          behind: (epoch: number | null) => epoch === 2,
          catchUp: (most: number) => void waits.push(most),
        },
      })
      clock.now = NOW + spent
      await deliberation.settle(admitted, () => admitted)
      expect(waits).toEqual([left])
    }
  })
})

describe('a decision that rests on less than it should', () => {
  it('says on what, each once and in order', async () => {
    const { deliberation } = world({ says: () => null, knowledge: { stale: () => true } })
    for (const what of ['keys', 'revocations', 'keys'] as Degradation[]) deliberation.degraded(what)
    expect((await deliberation.settle(admitted)).degraded).toEqual(['keys', 'limits', 'revocations'])
  })

  it('says nothing where all was well', async () => {
    expect((await world().deliberation.settle(admitted)).degraded).toEqual([])
  })
})

describe('what has changed since a request was judged', () => {
  it('has it judged again, with what that finds, and nothing else does', async () => {
    const refused = { reason: 'credential_revoked', principal: principalOf() } as const
    for (const [epoch, known, anew] of [
      [1, 1, false],
      [2, 1, true],
      [null, 1, false],
      [1, 2, true],
    ] as const) {
      const { deliberation } = world({
        epoch,
        knowledge: { epoch: known, behind: (told: number | null) => (told ?? 0) > known },
      })
      const decision = await deliberation.settle(admitted, () => refused)
      expect(decision.reason).toBe(anew ? 'credential_revoked' : null)
    }
  })
})

describe('who guesses', () => {
  const penalty: Penalty = {
    use: { limit: limit('guesses', ['client']), cost: 1 },
    never: null,
    first: 1,
    longest: 9,
  }
  const wrong = { reason: 'credential_invalid' } as const
  const told = async (part: World, found: Parameters<Deliberation['settle']>[0] = wrong, early = false) => {
    let guessed = 0
    const { deliberation, asked } = world({ penalty, knowledge: { guessed: () => guessed++ }, ...part })
    if (early) deliberation.asking()
    const { reason, quotas } = await deliberation.settle(found)
    return { reason, guessed, asked, quotas: quotas.map((quota) => quota.limit.name) }
  }
  const out = (...names: string[]) => ({ says: (name: string) => (names.includes(name) ? bad : good) })

  it('is a step nearer to a ban, in the same trip where one can be shared', async () => {
    expect(await told({})).toEqual({
      reason: 'credential_invalid',
      guessed: 0,
      asked: [['client', 'guesses']],
      quotas: ['client'],
    })
    expect((await told({}, wrong, true)).asked).toEqual([['client'], ['guesses']])
  })

  it('is banned when there are no guesses left, and still told what was wrong with the credential', async () => {
    for (const early of [false, true])
      expect(await told(out('guesses'), wrong, early)).toMatchObject({
        reason: 'credential_invalid',
        guessed: 1,
        quotas: ['client'],
      })
  })

  it('is told first that its own limit is used up', async () => {
    expect(await told(out('client', 'guesses'))).toMatchObject({ reason: 'limit_exceeded', guessed: 1 })
    expect(await told(out('client'))).toMatchObject({ reason: 'limit_exceeded', guessed: 0 })
    expect(await told(out('client'), wrong, true)).toMatchObject({
      reason: 'limit_exceeded',
      guessed: 0,
      asked: [['client']],
    })
  })

  it('is told that its limits are used up also where another one is not', async () => {
    const clients = [client, { limit: limit('second', ['client']), cost: 1 }]
    expect(await told({ ...out('second', 'guesses'), clients })).toMatchObject({
      reason: 'limit_exceeded',
      guessed: 1,
    })
  })

  it('is nobody whose credential was good once, who cannot be told apart, or who is never banned', async () => {
    expect((await told({}, { reason: 'credential_expired' })).asked).toEqual([['client']])
    expect((await told({ from: 'unknown' })).asked).toEqual([['client']])
    const never = { has: () => true } as never
    expect((await told({ penalty: { ...penalty, never } })).asked).toEqual([['client']])
    const others = { has: () => false } as never
    expect((await told({ penalty: { ...penalty, never: others } })).asked).toEqual([['client', 'guesses']])
    expect((await told({ penalty: null })).asked).toEqual([['client']])
  })
})
