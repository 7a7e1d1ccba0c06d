import { describe, expect, it } from 'vitest'
import type { Charge, Charged, Charging, Counters, Principal } from '../../src/core/model.ts'
import type { StoredKey } from '../../src/credentials/contract.ts'
import { noKeys, quietKnowledge } from '../support/ports.ts'
import { type Asked, serviceOf } from '../support/service.ts'

const policy = (limits: string, uses: string, more = '') => `
proxies: { traefik: { peers: [127.0.0.1] } }
store: memory
apiKeys: { prefix: ak }
limits: { ${limits} }
routes:
  open: { match: { path: /open }, credentials: [anonymous], limits: [${uses.replace(', p', '')}] }
  closed: { match: { path: /closed }, credentials: [api-key], limits: [${uses}] }
${more}`

const LOCAL = 'a: { by: client, rate: 12/hour }'
const GOOD: Charged = { ok: true, remaining: 5, full: 0, wait: 0 }

/** A store that answers each charge as a test says, and notes what it was asked. */
function counting(answer: (charge: Charge) => Charged | null, epoch: number | null = 1) {
  const calls: (readonly Charge[])[] = []
  const counters: Counters = {
    charge: async (charges): Promise<Charging> => {
      calls.push(charges)
      return { charged: charges.map(answer), epoch, cause: new Error('no answer') }
    },
    size: () => null,
  }
  return { counters, calls }
}

const OPEN: Asked = { target: '/open' }

describe('a limit whose store does not answer', () => {
  it('R05 is counted by this instance alone, each of several with its part, so that together they admit no more', async () => {
    for (const instances of [1, 3, 5]) {
      const { counters } = counting(() => null)
      const text = policy(LOCAL, 'a').replace(
        'store: memory',
        `store: { memory: {}, instances: ${instances} }`,
      )
      const service = serviceOf(text, { ports: { counters } })
      const answers = []
      for (let i = 0; i < 20; i++) answers.push(await service.ask(OPEN))
      const admitted = answers.filter(({ status }) => status === 200)
      expect(admitted).toHaveLength(Math.floor(12 / instances))
      expect(admitted[0]?.decision.degraded).toEqual(['limits'])
      expect(JSON.parse(admitted[0]?.line ?? '')).toMatchObject({ degraded: ['limits'] })
      expect(answers.at(-1)?.reason).toBe('limit_exceeded')
      // Half an hour gives half of what an hour does, divided by the instances.
      service.pass(1_800_000)
      const later = []
      for (let i = 0; i < 20; i++) later.push(await service.ask(OPEN))
      expect(later.filter(({ status }) => status === 200)).toHaveLength(Math.floor(6 / instances))
    }
  })

  it('R05 denies with 503 where it says so, lets pass where it says so, and never by itself', async () => {
    const { counters } = counting(() => null)
    const denied = serviceOf(policy('a: { by: client, rate: 12/hour, onOutage: deny }', 'a'), {
      ports: { counters },
    })
    expect(await denied.ask(OPEN)).toMatchObject({ status: 503, reason: 'limit_unavailable' })
    const allowed = serviceOf(policy('a: { by: client, rate: 1/hour, onOutage: allow }', 'a'), {
      ports: { counters },
    })
    for (let i = 0; i < 5; i++) {
      const answer = await allowed.ask(OPEN)
      expect(answer.status).toBe(200)
      expect(answer.decision.degraded).toEqual(['limits'])
      // A limit of which nothing is known is not shown as if something were.
      expect(answer.headers.get('ratelimit')).toBeNull()
    }
  })

  it('gives back what the rest of the store did charge when it stands in the way itself', async () => {
    const limits = `${LOCAL}, b: { by: route, rate: 1/hour }, c: { by: client, rate: 9/hour, onOutage: deny }`
    const { counters, calls } = counting(({ key }) => (key.startsWith('a|') ? GOOD : null))
    const service = serviceOf(policy(limits, 'a, b'), { ports: { counters } })
    expect((await service.ask(OPEN)).status).toBe(200)
    expect(calls).toHaveLength(1)
    expect((await service.ask(OPEN)).reason).toBe('limit_exceeded')
    expect(calls.slice(2)).toMatchObject([[{ cost: -1 }]])
    expect(calls[2]?.map(({ key }) => key)).toEqual(calls[0]?.slice(0, 1).map(({ key }) => key))
    const other = serviceOf(policy(limits, 'a, c'), { ports: { counters } })
    expect((await other.ask(OPEN)).reason).toBe('limit_unavailable')
    expect(calls.slice(4)).toMatchObject([[{ cost: -1 }]])
  })

  it('is not counted by this instance when another limit of the store denies anyway', async () => {
    const { counters } = counting(({ key }) =>
      key.startsWith('a|') ? { ...GOOD, ok: false, wait: 50 } : null,
    )
    let asked = 0
    const local = {
      charge: (charges: readonly Charge[]) => {
        asked++
        return { charged: charges.map(() => GOOD) }
      },
    }
    const service = serviceOf(policy(`${LOCAL}, b: { by: route, rate: 1/hour }`, 'a, b'), {
      ports: { counters, local },
    })
    expect(await service.ask(OPEN)).toMatchObject({ status: 429, reason: 'limit_exceeded' })
    expect(asked).toBe(0)
  })
})

const stored = (part: Partial<StoredKey['record']> = {}): StoredKey => ({
  id: 'key_1',
  record: {
    v: 1,
    owner: 'bot',
    tenant: null,
    email: null,
    roles: [],
    permissions: [],
    scopes: [],
    networks: [],
    limits: [],
    notBefore: null,
    expires: null,
    description: null,
    environment: null,
    status: 'active',
    imported: null,
    digests: [],
    created: 0,
    updated: 0,
    ...part,
  },
})

const IMPORTED = `ak_${'0123456789abcdef'.repeat(2)}`
const CLOSED: Asked = { target: '/closed', headers: [['X-API-Key', IMPORTED]] }

/** Keys that have been looked up before. */
const knownKeys = {
  ...noKeys,
  imported: true,
  find: (digest: string) =>
    ({ is: 'known', key: stored({ digests: [{ digest, until: null, start: null }] }) }) as const,
}

/** Keys that have to be asked for: the answer comes only once the store was asked for something else as well. */
function slowKeys(part: Partial<StoredKey['record']> = {}) {
  return {
    ...noKeys,
    imported: true,
    find: async (digest: string, request: { asking(): void }) => {
      request.asking()
      await null
      return {
        is: 'known',
        key: stored({ digests: [{ digest, until: null, start: null }], ...part }),
      } as const
    },
  }
}

describe('a key that has to be looked up', () => {
  it('shares the trip with what its client owes, which is charged once', async () => {
    const { counters, calls } = counting(() => GOOD)
    const service = serviceOf(policy(LOCAL, 'a'), { ports: { counters }, outside: { keys: slowKeys() } })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 200 })
    expect(calls).toMatchObject([[{ cost: 1 }]])
  })

  it('costs its client nothing when a limit of its own is used up: all is charged, or nothing', async () => {
    const limits = `${LOCAL}, p: { by: principal, rate: 1/hour }`
    const { counters, calls } = counting(({ key }) => ({ ...GOOD, ok: !key.startsWith('p|') }))
    const service = serviceOf(policy(limits, 'a, p'), { ports: { counters }, outside: { keys: slowKeys() } })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 429 })
    expect(calls.map((charges) => charges.map(({ key, cost }) => [key[0], cost]))).toEqual([
      [['a', 1]],
      [['p', 1]],
      [['a', -1]],
    ])
  })

  it('gives nothing back to a store that did not charge it', async () => {
    const limits = `${LOCAL}, p: { by: principal, rate: 1/hour }`
    const { counters, calls } = counting(({ key }) => (key.startsWith('p|') ? { ...GOOD, ok: false } : null))
    const service = serviceOf(policy(limits, 'a, p'), { ports: { counters }, outside: { keys: slowKeys() } })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 429 })
    expect(calls.map((charges) => charges.map(({ key, cost }) => [key[0], cost]))).toEqual([
      [['a', 1]],
      [['p', 1]],
    ])
  })

  it('that turns out bad still costs its client, once', async () => {
    const { counters, calls } = counting(() => GOOD)
    const service = serviceOf(policy(LOCAL, 'a'), {
      ports: { counters },
      outside: { keys: slowKeys({ status: 'revoked' }) },
    })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 401, reason: 'key_revoked' })
    expect(calls).toHaveLength(1)
  })
})

describe('a store that tells of changes', () => {
  it('has the request judged again with what changed, without another charge', async () => {
    const { counters, calls } = counting(() => GOOD, 7)
    let known = 6
    const revoked = new Set<string>()
    const knowledge = {
      ...quietKnowledge,
      behind: (epoch: number | null) => epoch !== null && epoch !== known,
      catchUp: async () => {
        known = 7
        revoked.add('bot')
      },
      revoked: (principal: Principal) => revoked.has(principal.id),
    }
    const service = serviceOf(policy(LOCAL, 'a'), {
      ports: { counters, knowledge },
      outside: { keys: knownKeys },
    })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 401, reason: 'credential_revoked' })
    expect(calls).toHaveLength(1)
  })

  it('has it judged again also when the changes became known between judging and charging', async () => {
    let known = 6
    const calls: unknown[] = []
    const counters: Counters = {
      charge: async (charges) => {
        calls.push(charges)
        // A notice comes in while the charge is under way.
        known = 7
        return { charged: charges.map(() => GOOD), epoch: 7 }
      },
      size: () => null,
    }
    const knowledge = {
      ...quietKnowledge,
      get epoch() {
        return known
      },
      behind: (epoch: number | null) => epoch !== null && epoch !== known,
      catchUp: () => {
        throw new Error('nothing is missing')
      },
      revoked: () => known === 7,
    }
    const service = serviceOf(policy(LOCAL, 'a'), {
      ports: { counters, knowledge },
      outside: { keys: knownKeys },
    })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 401, reason: 'credential_revoked' })
    expect(calls).toHaveLength(1)
  })

  it('and has never answered lets nobody in by a credential, and strangers as always', async () => {
    const { counters } = counting(() => null)
    const knowledge = {
      ...quietKnowledge,
      revoked: ({ type }: Principal) => (type === 'anonymous' ? false : null),
    }
    const service = serviceOf(policy(LOCAL, 'a'), {
      ports: { counters, knowledge },
      outside: { keys: knownKeys },
    })
    expect(await service.ask(CLOSED)).toMatchObject({ status: 503, reason: 'revocations_unavailable' })
    expect((await service.ask(OPEN)).status).toBe(200)
  })

  it('is not asked a second time when the first time has taken long: each limit says what then holds', async () => {
    let now = 1_795_219_200_000
    const calls: string[][] = []
    const counters: Counters = {
      charge: async (charges) => {
        calls.push(charges.map(({ key, cost }) => `${key[0]}${cost}`))
        now += 260
        return { charged: charges.map(() => GOOD), epoch: null }
      },
      size: () => null,
    }
    const limits = `${LOCAL}, p: { by: principal, rate: 1/hour, onOutage: deny }`
    const service = serviceOf(policy(limits, 'a, p'), {
      ports: { counters, now: () => now },
      outside: { keys: slowKeys() },
    })
    const answer = await service.ask(CLOSED)
    expect(answer).toMatchObject({ status: 503, reason: 'limit_unavailable' })
    expect(answer.decision.degraded).toEqual(['limits'])
    // What the first trip charged is given back.
    expect(calls).toEqual([['a1'], ['a-1']])
  })

  it('that cannot tell what changed leaves the decision with what is known, and the record says so', async () => {
    const { counters } = counting(() => GOOD, 7)
    const knowledge = {
      ...quietKnowledge,
      behind: (epoch: number | null) => epoch !== null,
      stale: () => true,
    }
    const service = serviceOf(policy(LOCAL, 'a'), { ports: { counters, knowledge } })
    const answer = await service.ask(OPEN)
    expect(answer.status).toBe(200)
    expect(answer.decision.degraded).toEqual(['revocations'])
  })
})
