import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import { KeyBook } from '../../src/state/key-book.ts'
import { Knowledge } from '../../src/state/knowledge.ts'
import type { Revocation } from '../../src/state/revocation.ts'
import { type Entry, type EntryDraft, type Feed, type Store, StoreFault } from '../../src/stores/contract.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { entryOf, keyEntry, revocationEntry } from '../support/entries.ts'
import { requestOf } from '../support/ports.ts'
import { principalOf } from '../support/principal.ts'

const NOW = 1_795_219_200_000
const CLIENT = parseAddress('203.0.113.9')
if (CLIENT === null) throw new Error('not an address')

let clock = NOW
let seed = 1
const outside = { now: () => clock, micros: () => (clock - NOW) * 1000, random32: () => seed++ }

/** A store that others share, that can fall silent, and that counts what it is asked. */
function sharedStore(base: MemoryStore = new MemoryStore(outside)) {
  const state = { silent: false, calls: 0, base }
  const store = new Proxy({} as Store, {
    get: (_, name: keyof MemoryStore) => {
      if (name === 'shared') return true
      if (name === 'glance') return () => null
      const value = state.base[name]
      if (typeof value !== 'function') return value
      return async (...given: never[]) => {
        state.calls++
        if (state.silent) throw new StoreFault('unavailable', 'silent')
        return (value as (...given: never[]) => unknown).apply(state.base, given)
      }
    },
  })
  return { store, state }
}

function knowing(store: Store) {
  const reports: [string, Readonly<Record<string, unknown>>][] = []
  const announced: Feed[] = []
  const used: string[] = []
  const knowledge = new Knowledge(store, {
    lasting: true,
    background: () => {},
    maxStale: 60_000,
    now: () => clock,
    ticks: () => clock - NOW,
    report: (event, details) => void reports.push([event, details]),
    announce: (feed) => void announced.push(feed),
    used: (id) => void used.push(id),
  })
  return { knowledge, reports, announced, used }
}

const put = (store: Pick<Store, 'apply'>, ...drafts: EntryDraft[]) =>
  store.apply(
    drafts.map((one) => ({ put: one, expected: 'any' as const })),
    null,
  )

const revoking = (part: Partial<Revocation> = {}, expires: number | null = null): EntryDraft =>
  revocationEntry({ before: 100, ...part }, expires)

const ann = (part: { id?: string | null; session?: string | null; issued?: number | null } = {}) =>
  principalOf({ credential: { id: 'jti-1', session: 's-1', issued: 100, ...part } })

beforeEach(() => {
  clock = NOW
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => vi.useRealTimers())

/** Lets the promises under way settle. */
const settle = async () => {
  for (let i = 0; i < 50; i++) await null
}

/** Time goes by, and what is due happens. */
async function pass(milliseconds: number): Promise<void> {
  for (let gone = 0; gone < milliseconds; gone += 1000) {
    clock += 1000
    vi.advanceTimersByTime(1000)
    await settle()
  }
}

describe('revocation', () => {
  it.each([
    ['a subject, for what was issued up to then', {}, {}, true],
    ['a subject, in the very second', { before: 100 }, { issued: 100 }, true],
    ['a subject, for what was issued since', { before: 100 }, { issued: 101 }, false],
    ['a subject, for a credential that does not say when it was issued', {}, { issued: null }, true],
    ['another subject', { value: 'bob' }, {}, false],
    ['a subject of another issuer', { issuer: 'https://b.example' }, {}, false],
    ['a session', { what: 'session', value: 's-1' }, {}, true],
    ['a session, for a token of another one', { what: 'session', value: 's-1' }, { session: 's-2' }, false],
    ['a session, for a token of none', { what: 'session', value: 's-1' }, { session: null }, false],
    ['an issuer', { what: 'issuer', value: null }, {}, true],
    ['an issuer, for what was issued since', { what: 'issuer', value: null }, { issued: 101 }, false],
    ['a token by its id', { what: 'token', value: 'jti-1', before: null }, { issued: 999 }, true],
    ['a token, for another one', { what: 'token', value: 'jti-1', before: null }, { id: 'jti-2' }, false],
    ['a token, for one without an id', { what: 'token', value: 'jti-1', before: null }, { id: null }, false],
  ] as const)('of %s', async (_, revoked, credential, expected) => {
    const store = new MemoryStore(outside)
    const { knowledge } = knowing(store)
    await knowledge.start()
    expect(knowledge.revoked(ann(credential))).toBe(false)
    await put(store, revoking(revoked))
    expect(knowledge.behind(null)).toBe(true)
    await knowledge.catchUp(200)
    expect(knowledge.behind(null)).toBe(false)
    expect(knowledge.revoked(ann(credential))).toBe(expected)
    knowledge.stop()
  })

  it('that was lifted holds no longer, and one that has expired is forgotten', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    const one = revoking()
    await put(store, one, revoking({ what: 'issuer', value: null }, clock + 20_000))
    await knowledge.catchUp(200)
    expect(knowledge.figures().revocations).toBe(2)
    await state.base.apply([{ remove: { kind: 'revocation', id: one.id }, expected: 'any' }], null)
    await pass(24_000)
    expect(knowledge.figures().revocations).toBe(0)
    expect(knowledge.revoked(ann())).toBe(false)
    knowledge.stop()
  })

  it('is known within ten seconds although no notice comes and no decision asks the store', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    for (let shift = 0; shift < 5; shift++) {
      await pass(shift * 1000)
      const [before] = [clock]
      await put(state.base, revoking({ value: 'ann', before: 100 + shift }))
      const token = ann({ issued: 100 + shift })
      while (!knowledge.revoked(token)) {
        await pass(1000)
        expect(clock - before).toBeLessThanOrEqual(10_000)
      }
    }
    knowledge.stop()
  })

  it('is known to the decision that the store tells of it, whatever was lost in between', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, revoking())
    const { epoch } = await store.charge([])
    expect(knowledge.behind(epoch)).toBe(true)
    await knowledge.catchUp(200)
    expect(knowledge.revoked(ann())).toBe(true)
    knowledge.stop()
  })

  it('goes on to hold when the store falls silent, and says how old the knowledge is', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await put(store, revoking())
    await knowledge.start()
    expect(knowledge.stale()).toBe(false)
    state.silent = true
    await pass(30_000)
    expect(knowledge.revoked(ann())).toBe(true)
    expect(knowledge.stale()).toBe(true)
    expect(knowledge.figures().age).toBe(30_000)
    state.silent = false
    await pass(4_000)
    expect(knowledge.stale()).toBe(false)
    knowledge.stop()
  })

  it('survives a store that was emptied, and is written back into it', async () => {
    const { store, state } = sharedStore()
    const { knowledge, reports } = knowing(store)
    await put(store, revoking(), revoking({ what: 'issuer', value: null }, clock + 8_000))
    await knowledge.start()
    // Emptied: as good as another store, with nothing in it.
    clock += 60
    state.base = new MemoryStore(outside)
    await pass(12_000)
    expect(reports.map(([event]) => event)).toEqual(['store_emptied'])
    expect(knowledge.revoked(ann())).toBe(true)
    const written = await state.base.list('revocation', { after: null, limit: 10, owner: null })
    expect(written.map(({ id }) => id)).toEqual([revoking().id])
    const newcomer = knowing(store)
    await newcomer.knowledge.start()
    expect(newcomer.knowledge.revoked(ann())).toBe(true)
    newcomer.knowledge.stop()
    knowledge.stop()
  })

  it('asks once however many decisions find out at the same time, and once more for those that came meanwhile', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, revoking())
    state.calls = 0
    await Promise.all(Array.from({ length: 500 }, () => knowledge.catchUp(200)))
    expect(knowledge.revoked(ann())).toBe(true)
    expect(state.calls).toBeLessThanOrEqual(4)
    knowledge.stop()
  })

  it('is not waited for by a decision when the list takes long, and the record says that it may be missing', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, revoking())
    const { promise: ready, resolve: answer } = Promise.withResolvers<void>()
    const { base } = state
    state.base = new Proxy(base, {
      get: (_, name: keyof MemoryStore) => {
        const value = base[name]
        if (typeof value !== 'function') return value
        const call = (value as (...given: unknown[]) => unknown).bind(base)
        return name === 'get' ? async (...given: unknown[]) => ready.then(() => call(...given)) : call
      },
    })
    vi.useFakeTimers()
    const caught = knowledge.catchUp(200)
    for (let gone = 0; gone < 200; gone += 50) {
      expect(knowledge.stale()).toBe(false)
      clock += 50
      await vi.advanceTimersByTimeAsync(50)
    }
    await caught
    expect([knowledge.stale(), knowledge.revoked(ann())]).toEqual([true, false])
    answer()
    await settle()
    expect([knowledge.stale(), knowledge.revoked(ann())]).toEqual([false, true])
    knowledge.stop()
  })

  it('is something that nobody can tell as long as the store was never heard of, but of strangers', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await put(store, revoking())
    state.silent = true
    await knowledge.start()
    expect(knowledge.revoked(ann())).toBeNull()
    expect(knowledge.revoked(principalOf({ type: 'anonymous', issuer: 'anonymous' }))).toBe(false)
    state.silent = false
    await pass(4_000)
    expect(knowledge.revoked(ann())).toBe(true)
    knowledge.stop()
  })

  it('of thousands at once is read in parts, each of which the store can answer in its time', async () => {
    const { store, state } = sharedStore()
    const sizes: number[] = []
    const counting = new Proxy(store, {
      get: (of, name: keyof Store) =>
        name === 'get'
          ? (...given: Parameters<Store['get']>) => {
              sizes.push(given[1].length)
              return of.get(...given)
            }
          : of[name],
    })
    const { knowledge } = knowing(counting)
    await knowledge.start()
    for (let i = 0; i < 2500; i++) await put(state.base, revoking({ value: `user-${i}` }))
    await knowledge.hear('access')
    expect(knowledge.figures().revocations).toBe(2500)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000)
    knowledge.stop()
  })

  it('in a body that nobody can read withdraws nothing and breaks nothing', async () => {
    const store = new MemoryStore(outside)
    const { knowledge } = knowing(store)
    await put(store, entryOf('revocation', 'x', { v: 2 }), { ...entryOf('revocation', 'y', 0), body: '{' })
    await knowledge.start()
    expect(knowledge.figures().revocations).toBe(0)
    knowledge.stop()
  })
})

describe('the keys of the store', () => {
  const known = async (knowledge: Knowledge, digest: string) => {
    const found = await knowledge.keys.find(digest, requestOf())
    return found.is === 'known' ? (found.key?.id ?? null) : found.is
  }

  it('are asked for once, and again when they have changed', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, keyEntry('k1', 'd1'))
    await knowledge.catchUp(200)
    state.calls = 0
    for (let i = 0; i < 10; i++) expect(await known(knowledge, 'd1')).toBe('k1')
    expect(state.calls).toBe(1)
    await put(state.base, keyEntry('k1', 'd1', { status: 'revoked' }))
    await knowledge.catchUp(200)
    const found = await knowledge.keys.find('d1', requestOf())
    expect(found).toMatchObject({ is: 'known', key: { record: { status: 'revoked' } } })
    knowledge.stop()
  })

  it('are one question, however many checks come with one at the same time', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, keyEntry('k1', 'd1'))
    state.calls = 0
    await Promise.all(Array.from({ length: 1000 }, () => known(knowledge, 'd1')))
    expect(state.calls).toBe(1)
    knowledge.stop()
  })

  it('that do not exist are not asked for again at once, but a new one is known when the store tells of it', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    state.calls = 0
    for (let i = 0; i < 10; i++) expect(await known(knowledge, 'd1')).toBeNull()
    expect(state.calls).toBe(1)
    await put(state.base, keyEntry('k1', 'd1'))
    await knowledge.catchUp(200)
    expect(await known(knowledge, 'd1')).toBe('k1')
    knowledge.stop()
  })

  it('K05 are good for a bounded time when the store falls silent, then nobody can say', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, keyEntry('k1', 'd1'))
    await knowledge.catchUp(200)
    expect(await known(knowledge, 'd1')).toBe('k1')
    state.silent = true
    await pass(9_000)
    expect(await known(knowledge, 'd1')).toBe('k1')
    await pass(11_000)
    const lacking: string[] = []
    const request = requestOf({ degraded: (what) => void lacking.push(what) })
    expect(await knowledge.keys.find('d1', request)).toMatchObject({ is: 'known', key: { id: 'k1' } })
    expect(lacking).toEqual(['keys'])
    await pass(45_000)
    expect(await known(knowledge, 'd1')).toBe('unavailable')
    expect(await known(knowledge, 'd2')).toBe('unavailable')
    state.silent = false
    await pass(4_000)
    expect(await known(knowledge, 'd1')).toBe('k1')
    expect(await known(knowledge, 'd2')).toBeNull()
    knowledge.stop()
  })

  it('that were read just before a change are not remembered', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(state.base, keyEntry('k1', 'd1'))
    await knowledge.catchUp(200)
    const early = knowledge.keys.find('d1', requestOf())
    await put(state.base, keyEntry('k1', 'd1', { status: 'revoked' }))
    knowledge.keys.drop('k1')
    expect(await early).toMatchObject({ is: 'known' })
    expect(await knowledge.keys.find('d1', requestOf())).toMatchObject({
      key: { record: { status: 'revoked' } },
    })
    knowledge.stop()
  })

  it('whose record is of another form can be neither accepted nor rejected', async () => {
    const store = new MemoryStore(outside)
    const { knowledge } = knowing(store)
    await knowledge.start()
    await put(store, entryOf('key', 'k1', { v: 2 }, { aliases: ['d1'] }))
    expect(await known(knowledge, 'd1')).toBe('unavailable')
    knowledge.stop()
  })
})

const PENALTY = { use: { limit: {} as never, cost: 1 }, never: null, first: 600_000, longest: 3_600_000 }

describe('a key that is in use all the time', () => {
  it('is dropped when it is revoked, however many other keys were met since', async () => {
    const entries = new Map<string, Entry>()
    const enter = (id: string, digest: string, part = {}) =>
      entries.set(digest, { ...keyEntry(id, digest, part), version: 1, used: null })
    const book = new KeyBook(
      { find: (_, [digest = '']) => entries.get(digest) ?? null },
      { fresh: () => true, age: () => 0 },
      { maxStale: 0, ticks: () => 0, used: () => {}, background: () => {} },
    )
    enter('k', 'd')
    for (let i = 0; i < 120_000; i++) {
      if (i % 1000 === 0) expect(book.find('d', requestOf())).toMatchObject({ key: { id: 'k' } })
      enter(`k${i}`, `d${i}`)
      book.find(`d${i}`, requestOf())
      entries.delete(`d${i}`)
    }
    enter('k', 'd', { status: 'revoked' })
    book.drop('k')
    expect(book.find('d', requestOf())).toMatchObject({ key: { record: { status: 'revoked' } } })
  })
})

describe('a look-up that is under way while its key is revoked', () => {
  it('is no answer for those who ask once the change is known', async () => {
    const { store, state } = sharedStore()
    const { base } = state
    await put(base, keyEntry('k1', 'd1'))
    const old = await base.find('key', ['d1'])
    let answer: (entry: typeof old) => void = () => {}
    const slow = new Proxy(store, {
      get: (of, name: keyof Store) =>
        name === 'find' ? () => new Promise((resolve) => (answer = resolve)) : of[name],
    })
    const { knowledge } = knowing(slow)
    await knowledge.start()
    const early = knowledge.keys.find('d1', requestOf())
    const answerEarly = answer
    await put(base, keyEntry('k1', 'd1', { status: 'revoked' }))
    await knowledge.hear('access')
    const late = knowledge.keys.find('d1', requestOf())
    answer(await base.find('key', ['d1']))
    answerEarly(old)
    expect(await early).toMatchObject({ key: { record: { status: 'active' } } })
    expect(await late).toMatchObject({ key: { record: { status: 'revoked' } } })
    expect(await knowledge.keys.find('d1', requestOf())).toMatchObject({
      key: { record: { status: 'revoked' } },
    })
    knowledge.stop()
  })
})

describe('a ban', () => {
  const banning = (network: string): EntryDraft =>
    entryOf('ban', network, {
      ...{ v: 1, network, until: clock + 60_000, level: 0 },
      ...{ reason: null, by: 'ops', created: clock },
    })

  it('holds beside those that an emptied store lost, also when it was imposed before anybody saw that it is empty', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await put(store, banning('198.51.100.0/24'))
    await knowledge.start()
    state.base = new MemoryStore(outside)
    await put(store, banning('203.0.113.0/24'))
    await knowledge.changed('bans')
    expect(knowledge.banned(CLIENT, clock)).toBe(true)
    expect(knowledge.banned(parseAddress('198.51.100.7') ?? CLIENT, clock)).toBe(true)
    knowledge.stop()
  })

  it('holds at once here, in the store soon after, and grows with each repetition up to the longest', async () => {
    const { store, state } = sharedStore()
    const { knowledge, reports, announced } = knowing(store)
    const other = knowing(store)
    await knowledge.start()
    await other.knowledge.start()
    const lengths: number[] = []
    for (let round = 0; round < 4; round++) {
      expect(knowledge.banned(CLIENT, clock)).toBe(false)
      knowledge.guessed(CLIENT, PENALTY)
      knowledge.guessed(CLIENT, PENALTY)
      expect(knowledge.banned(CLIENT, clock)).toBe(true)
      await settle()
      await other.knowledge.hear('bans')
      const began = clock
      expect(other.knowledge.banned(CLIENT, clock)).toBe(true)
      const [held] = await state.base.get('ban', ['203.0.113.9/32'])
      const { until } = JSON.parse(held?.body ?? '{}') as { until: number }
      lengths.push(until - began)
      clock = until
      expect(other.knowledge.banned(CLIENT, clock)).toBe(false)
    }
    expect(lengths).toEqual([600_000, 1_200_000, 2_400_000, 3_600_000])
    expect(announced).toEqual(['bans', 'bans', 'bans', 'bans'])
    expect(reports.map(([event, { level }]) => [event, level])).toEqual(
      [0, 1, 2, 3].map((n) => ['client_banned', n]),
    )
    // After a pause as long as the longest ban it is a first one again.
    clock += 3_600_000
    knowledge.guessed(CLIENT, PENALTY)
    await settle()
    expect(reports.at(-1)?.[1]).toMatchObject({ level: 0 })
    knowledge.stop()
    other.knowledge.stop()
  })

  it('that a person imposed is not replaced by an instance that has not heard of it', async () => {
    const { store, state } = sharedStore()
    const { knowledge, reports } = knowing(store)
    await knowledge.start()
    const network = '203.0.113.9/32'
    const forever = { v: 1, network, until: null, level: 0, reason: null, by: 'ops', created: 0 }
    await put(state.base, entryOf('ban', network, forever))
    knowledge.guessed(CLIENT, PENALTY)
    await settle()
    const [held] = await state.base.get('ban', [network])
    expect(JSON.parse(held?.body ?? '{}')).toEqual(forever)
    clock += 100 * PENALTY.longest
    expect(knowledge.banned(CLIENT, clock)).toBe(true)
    expect(reports).toEqual([])
    knowledge.stop()
  })

  it('that many instances impose at once is one ban, and grows by one step', async () => {
    const { store, state } = sharedStore()
    const all = Array.from({ length: 10 }, () => knowing(store))
    for (const { knowledge } of all) knowledge.guessed(CLIENT, PENALTY)
    await settle()
    all[0]?.knowledge.guessed(CLIENT, PENALTY)
    const late = knowing(store)
    late.knowledge.guessed(CLIENT, PENALTY)
    await settle()
    const [held] = await state.base.get('ban', ['203.0.113.9/32'])
    expect([held?.version, JSON.parse(held?.body ?? '{}').level]).toEqual([1, 0])
    expect([...all, late].flatMap(({ reports }) => reports)).toHaveLength(1)
  })

  it('holds here although the store does not take it', async () => {
    const { store, state } = sharedStore()
    const { knowledge, reports } = knowing(store)
    await knowledge.start()
    state.silent = true
    knowledge.guessed(CLIENT, PENALTY)
    await settle()
    expect(knowledge.banned(CLIENT, clock)).toBe(true)
    expect(reports).toMatchObject([['client_banned', { client: '203.0.113.9', stored: false }]])
    knowledge.stop()
  })

  it('of a person holds for the network that it names, until it is lifted', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = knowing(store)
    await knowledge.start()
    const ban = (network: string) =>
      entryOf('ban', network, { v: 1, network, until: null, level: 0, reason: null, by: 'ops', created: 0 })
    await put(state.base, ban('203.0.113.0/24'), ban('2001:db8::/64'), ban('198.51.100.7/32'))
    await knowledge.hear('bans')
    const banned = (text: string) => {
      const address = parseAddress(text)
      return address !== null && knowledge.banned(address, clock)
    }
    expect(['203.0.113.9', '2001:db8::77', '198.51.100.7'].map(banned)).toEqual([true, true, true])
    expect(['203.0.114.9', '2001:db8:0:1::77', '198.51.100.8'].map(banned)).toEqual([false, false, false])
    await state.base.apply([{ remove: { kind: 'ban', id: '203.0.113.0/24' }, expected: 'any' }], null)
    await pass(4_000)
    expect(['203.0.113.9', '2001:db8::77'].map(banned)).toEqual([false, true])
    knowledge.stop()
  })
})

describe('where timers do not outlast requests', () => {
  const keeping = (store: Store) => {
    const background: Promise<unknown>[] = []
    const knowledge = new Knowledge(store, {
      lasting: false,
      background: (work) => void background.push(work),
      maxStale: 60_000,
      now: () => clock,
      ticks: () => clock - NOW,
      report: () => {},
      announce: () => {},
      used: () => {},
    })
    return { knowledge, background }
  }

  it('the first request looks, and waits for what it finds', async () => {
    const { store, state } = sharedStore()
    await put(state.base, revoking())
    const { knowledge } = keeping(store)
    await knowledge.start()
    const other = keeping(store)
    expect(other.knowledge.revoked(principalOf())).toBe(null)
    await other.knowledge.keepUp()
    expect(other.knowledge.revoked(principalOf())).not.toBe(null)
  })

  it('later ones look every few seconds, wait for nothing while what is known is fresh, and no longer look in vain', async () => {
    const { store, state } = sharedStore()
    const { knowledge, background } = keeping(store)
    await knowledge.keepUp()
    const calls = state.calls
    expect(knowledge.keepUp()).toBe(null)
    expect(state.calls).toBe(calls)
    clock += 4_500
    expect(knowledge.keepUp()).toBe(null)
    expect(state.calls).toBeGreaterThan(calls)
    await Promise.all(background)
    clock += 10_500
    state.silent = true
    expect(knowledge.keepUp()).not.toBe(null)
    expect(knowledge.keepUp()).toBe(null)
    await Promise.all(background)
    expect(knowledge.stale()).toBe(true)
    clock += 501
    expect(knowledge.keepUp()).not.toBe(null)
    await Promise.all(background)
  })

  it('a ban made elsewhere is learned within seconds, however often charges confirm that nothing else changed', async () => {
    const { store, state } = sharedStore()
    const { knowledge, background } = keeping(store)
    await knowledge.keepUp()
    const { base } = state
    await put(
      base,
      entryOf('ban', '203.0.113.9/32', {
        ...{ v: 1, network: '203.0.113.9/32', until: null, level: 0, reason: null, by: 'ops', created: 0 },
      }),
    )
    for (let gone = 0; gone < 5_000; gone += 100) {
      clock += 100
      void knowledge.keepUp()
      expect(knowledge.behind(base.glance())).toBe(false)
      await Promise.all(background.splice(0))
    }
    expect(knowledge.banned(CLIENT, clock)).toBe(true)
  })

  it('a look whose request was ended by the runtime is no reason to wait for ever', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = keeping(store)
    await knowledge.keepUp()
    const { base } = state
    state.base = new Proxy(base, {
      get: (_, name: keyof MemoryStore) => {
        const value = base[name]
        if (name === 'changes') return () => new Promise(() => {})
        return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(base) : value
      },
    })
    clock += 5_000
    void knowledge.keepUp()
    await put(base, revoking())
    state.base = base
    clock += 31_000
    await knowledge.keepUp()
    expect(knowledge.epoch).toBe(base.glance())
  })

  it('what was asked so long ago that it was given up takes nothing back of what was learned since', async () => {
    const { store, state } = sharedStore()
    const { knowledge } = keeping(store)
    const { base } = state
    await put(base, revoking({ value: 'first' }))
    let answer: () => void = () => {}
    const held = new Promise<void>((resolve) => (answer = resolve))
    state.base = new Proxy(base, {
      get: (_, name: keyof MemoryStore) => {
        const value = base[name]
        if (name === 'list')
          return async (...given: Parameters<MemoryStore['list']>) => {
            const page = await base.list(...given)
            await held
            return page
          }
        return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(base) : value
      },
    })
    void knowledge.keepUp()
    await settle()
    state.base = base
    await put(base, revoking())
    clock += 31_000
    await knowledge.keepUp()
    expect(knowledge.revoked(ann())).toBe(true)
    answer()
    await settle()
    expect([knowledge.epoch, knowledge.revoked(ann())]).toEqual([base.glance(), true])
  })
})
