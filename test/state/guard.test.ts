import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Charge, Charging } from '../../src/core/model.ts'
import { type GuardOptions, guarded } from '../../src/state/guard.ts'
import { type Messenger, type Store, StoreFault } from '../../src/stores/contract.ts'

const CHARGE: Charge = { key: 'a', interval: 1000, burst: 10, cost: 1 }
const CHARGED: Charging = { charged: [{ ok: true, remaining: 9, full: 1, wait: 0 }], epoch: 7 }
const NEVER = new Promise<never>(() => {})

const METHODS = ['apply', 'get', 'find', 'list', 'changes', 'touch', 'history'] as const
/** What a store that takes no writes can still do. */
const READS = ['get', 'find', 'list', 'changes', 'history'] as const
const ARGUMENTS: Readonly<Record<(typeof METHODS)[number], readonly unknown[]>> = {
  apply: [[], 'audit'],
  get: ['key', ['id']],
  find: ['key', ['alias']],
  list: ['key', { after: null, limit: 10, owner: null }],
  changes: ['access', 3],
  touch: [new Map([['id', 1]])],
  history: [10],
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A store that answers as the test says; `calls` tells what reached it. */
function setUp(
  answer: () => unknown,
  options: Partial<GuardOptions> = {},
  messenger: Messenger | null = null,
) {
  const calls: [string, readonly unknown[]][] = []
  const events: string[] = []
  const method =
    (name: string) =>
    (...given: unknown[]) => {
      calls.push([name, given])
      return answer()
    }
  const inner = {
    name: 'scripted',
    shared: true,
    messenger,
    glance: () => 41,
    size: () => 42,
    ...Object.fromEntries(['charge', 'open', 'close', ...METHODS].map((name) => [name, method(name)])),
  } as unknown as Store
  const store = guarded(inner, {
    deadline: 50,
    ticks: () => performance.now(),
    random: () => 1,
    report: (event) => events.push(event),
    ...options,
  })
  const ask = (name: (typeof METHODS)[number]): unknown =>
    (store[name] as (...given: readonly unknown[]) => unknown)(...ARGUMENTS[name])
  return { store, calls, events, ask }
}

/** What a promise has come to by now. */
async function stateOf(promise: unknown): Promise<unknown> {
  return Promise.race([
    Promise.resolve(promise).then(
      (value) => ({ value }),
      (fault: unknown) => ({ fault }),
    ),
    vi.advanceTimersByTimeAsync(0).then(() => 'waits'),
  ])
}

const faultOf = async (promise: unknown): Promise<StoreFault> => {
  const state = await stateOf(promise)
  const fault = (state as { fault?: unknown }).fault
  expect(fault).toBeInstanceOf(StoreFault)
  return fault as StoreFault
}

describe('a guarded store', () => {
  it('hands over what is answered at once, without a promise or a timer', () => {
    const { store, calls, ask } = setUp(() => CHARGED)
    expect(store.charge([CHARGE])).toBe(CHARGED)
    for (const name of ['get', 'find', 'changes'] as const) expect(ask(name)).toBe(CHARGED)
    expect(vi.getTimerCount()).toBe(0)
    expect(calls.map(([name]) => name)).toEqual(['charge', 'get', 'find', 'changes'])
    expect([store.name, store.shared, store.glance(), store.size()]).toEqual(['scripted', true, 41, 42])
  })

  it.each(METHODS)('hands on the arguments of %s and the answer that comes in time', async (name) => {
    const { ask, calls } = setUp(async () => 'the answer')
    expect(await ask(name)).toBe('the answer')
    expect(calls).toEqual([[name, ARGUMENTS[name]]])
  })

  it('answers a charge in time when the store does not, without repeating it', async () => {
    const { store, calls } = setUp(() => NEVER)
    const charging = store.charge([CHARGE, CHARGE])
    await vi.advanceTimersByTimeAsync(49)
    expect(await stateOf(charging)).toBe('waits')
    await vi.advanceTimersByTimeAsync(1)
    const { charged, epoch, cause } = await charging
    expect({ charged, epoch }).toEqual({ charged: [null, null], epoch: null })
    expect(cause).toMatchObject({ name: 'StoreFault', code: 'timeout' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls).toHaveLength(1)
  })

  it.each([
    ...(['get', 'find', 'changes'] as const).map((name) => ({ name, time: 50 })),
    ...(['apply', 'list', 'touch', 'history'] as const).map((name) => ({ name, time: 5000 })),
  ])('gives up $name after $time ms', async ({ name, time }) => {
    const { ask } = setUp(() => NEVER)
    const answer = ask(name)
    ;(answer as Promise<unknown>).catch(() => {})
    await vi.advanceTimersByTimeAsync(time - 1)
    expect(await stateOf(answer)).toBe('waits')
    await vi.advanceTimersByTimeAsync(1)
    expect((await faultOf(answer)).code).toBe('timeout')
  })

  it('gives up a frozen store that is opened or closed, whatever the breaker says', async () => {
    const { store, calls } = setUp(() => NEVER, { patience: 300 })
    for (let i = 0; i < 5; i++) {
      void store.charge([CHARGE])
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(store.figures().state).toBe('open')
    for (const name of ['open', 'close'] as const) {
      const end = store[name]()
      end.catch(() => {})
      await vi.advanceTimersByTimeAsync(300)
      expect((await faultOf(end)).code).toBe('timeout')
    }
    expect(calls.map(([name]) => name).slice(5)).toEqual(['open', 'close'])
  })

  it('gives each of many calls its own time, whatever order they end in', async () => {
    const answers: ((value: Charging) => void)[] = []
    const { store } = setUp(() => new Promise((resolve) => answers.push(resolve)))
    const chargings: Promise<Charging>[] = []
    for (let i = 0; i < 10; i++) {
      chargings.push(Promise.resolve(store.charge([CHARGE])))
      await vi.advanceTimersByTimeAsync(10)
      // Of those that began 0, 10, 20 and 30 ms ago, every third is answered now, out of turn.
      if (i >= 3 && i % 3 === 0) answers[i - 1]?.(CHARGED)
    }
    await vi.advanceTimersByTimeAsync(50)
    const answered = (await Promise.all(chargings)).map(({ cause }) => cause === undefined)
    expect(answered).toEqual([2, 5, 8].reduce((all, at) => all.with(at, true), Array(10).fill(false)))
    expect(vi.getTimerCount()).toBe(0)
    expect(store.figures().timeouts).toBe(7)
  })

  it('sets one timer for a thousand calls, and none when nobody asks', async () => {
    const { store } = setUp(async () => CHARGED)
    const spy = vi.spyOn(globalThis, 'setTimeout')
    await Promise.all(Array.from({ length: 1000 }, () => store.charge([CHARGE])))
    expect(spy).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1000)
    expect(spy).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drops what comes too late, an error as well as an answer, and counts it once', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const late: (() => void)[] = []
    const { store, ask } = setUp(
      () =>
        new Promise((resolve, reject) =>
          late.push(late.length === 0 ? () => resolve(CHARGED) : () => reject(new Error('late'))),
        ),
    )
    const charging = store.charge([CHARGE])
    const found = ask('find') as Promise<unknown>
    found.catch(() => {})
    await vi.advanceTimersByTimeAsync(50)
    for (const end of late) end()
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect((await charging).charged).toEqual([null])
    await expect(found).rejects.toMatchObject({ code: 'timeout' })
    expect(unhandled).not.toHaveBeenCalled()
    expect(store.figures()).toMatchObject({ failures: 2, timeouts: 2 })
  })

  it('does not blame the store when the process itself stood still', async () => {
    let stood = 0
    let answer: (value: Charging) => void = () => {}
    const { store } = setUp(() => new Promise((resolve) => (answer = resolve)), {
      ticks: () => performance.now() + stood,
    })
    const charging = store.charge([CHARGE])
    stood = 500
    await vi.advanceTimersByTimeAsync(50)
    // The timer has fired, half a second late; the answer is read in the same turn.
    answer(CHARGED)
    expect(await charging).toBe(CHARGED)
    const frozen = Promise.resolve(store.charge([CHARGE]))
    stood = 1000
    await vi.advanceTimersByTimeAsync(1)
    expect(await stateOf(frozen)).toBe('waits')
    stood = 1500
    await vi.advanceTimersByTimeAsync(1)
    expect((await frozen).cause).toMatchObject({ code: 'timeout' })
  })

  it('leaves a dead store alone after five calls, answers everybody at once, and finds back by one probe', async () => {
    let alive = false
    const { store, calls, events, ask } = setUp(() => (alive ? Promise.resolve(CHARGED) : NEVER))
    for (let i = 0; i < 5; i++) {
      void store.charge([CHARGE])
      await vi.advanceTimersByTimeAsync(50)
    }
    const refused = store.charge([CHARGE, CHARGE])
    expect(refused).toMatchObject({ charged: [null, null], epoch: null, cause: { code: 'unavailable' } })
    for (const name of ['apply', 'touch'] as const)
      expect((await faultOf(ask(name))).code).toBe('unavailable')
    expect(calls).toHaveLength(5)

    await vi.advanceTimersByTimeAsync(1000)
    alive = true
    const probe = store.charge([CHARGE])
    expect(store.charge([CHARGE])).toMatchObject({ cause: { code: 'unavailable' } })
    expect(await probe).toBe(CHARGED)
    expect(await store.charge([CHARGE])).toBe(CHARGED)
    expect(calls).toHaveLength(7)
    expect(events).toEqual(['store_unavailable', 'store_available'])
    expect(store.figures()).toEqual({ state: 'closed', opened: 1, failures: 5, timeouts: 5 })
  })

  it('takes what was under way together when it paused for one failure, and goes on asking', async () => {
    let paused = false
    const { store, events } = setUp(() => (paused ? NEVER : Promise.resolve(CHARGED)))
    for (let i = 0; i < 100; i++) await store.charge([CHARGE])
    paused = true
    for (let i = 0; i < 64; i++) void store.charge([CHARGE])
    await vi.advanceTimersByTimeAsync(50)
    paused = false
    expect(await store.charge([CHARGE])).toBe(CHARGED)
    expect(store.figures()).toMatchObject({ state: 'closed', timeouts: 64 })
    expect(events).toEqual([])
  })

  it('leaves one alone that does not answer what it is asked for, in the same way', async () => {
    const { calls, events, ask } = setUp(() => Promise.reject(new StoreFault('unavailable', '')))
    for (let i = 0; i < 5; i++) await faultOf(ask('find'))
    for (const name of READS) expect((await faultOf(ask(name))).code).toBe('unavailable')
    expect(calls).toHaveLength(5)
    expect(events).toEqual(['store_unavailable'])
  })

  it('goes on reading from one that takes no writes, or nobody would hear of revocations', async () => {
    const full = { charged: [null], epoch: null, cause: new StoreFault('unavailable', 'full') }
    let answer: unknown = full
    const { store, calls, events, ask } = setUp(() => Promise.resolve(answer))
    for (let i = 0; i < 5; i++) await store.charge([CHARGE])
    expect(store.figures()).toMatchObject({ state: 'open', opened: 1 })
    answer = []
    for (const name of READS) expect(await ask(name)).toBe(answer)
    // That it reads does not say that it writes again.
    expect(store.charge([CHARGE])).toMatchObject({ cause: { code: 'unavailable' } })
    expect(calls).toHaveLength(5 + READS.length)
    expect(events).toEqual(['store_unavailable'])
  })

  it.each([
    [
      'a charge that says it has no answer',
      { charged: [null], epoch: null, cause: new StoreFault('unavailable', '') },
      5,
    ],
    [
      'a charge without an answer for a reason of its own',
      { charged: [null], epoch: null, cause: 'none' },
      5,
    ],
    [
      'a charge of which only some are answered',
      { charged: [null, CHARGED.charged[0]], epoch: 1, cause: 'a node' },
      0,
    ],
    [
      'a charge that finds what it does not understand',
      { charged: [null], epoch: null, cause: new StoreFault('incompatible', '') },
      0,
    ],
  ])('judges %s', async (_, answer, failures) => {
    for (const give of [() => answer, async () => answer]) {
      const { store } = setUp(give)
      for (let i = 0; i < 5; i++) expect(await store.charge([CHARGE])).toBe(answer)
      expect(store.figures()).toMatchObject({ state: failures > 0 ? 'open' : 'closed', failures })
    }
  })

  it('does not take a write that others stood in the way of, or an incompatible entry, for a failure', async () => {
    const blocked = { ok: false, index: 0, why: 'exists' }
    const refusing = setUp(async () => blocked)
    for (let i = 0; i < 30; i++) expect(await refusing.ask('apply')).toBe(blocked)
    const strange = setUp(() => Promise.reject(new StoreFault('incompatible', 'version 9')))
    for (let i = 0; i < 30; i++) expect((await faultOf(strange.ask('get'))).message).toBe('version 9')
    for (const { store } of [refusing, strange])
      expect(store.figures()).toMatchObject({ state: 'closed', failures: 0 })
  })

  it('lets no error of a client out, since it may quote what it was given, and never rejects a charge', async () => {
    const leak = () => new TypeError('ERR in EVALSHA hmac-sha256:v1:c0ffee')
    const ways = [
      () => Promise.reject(leak()),
      () => {
        throw leak()
      },
    ]
    for (const way of ways) {
      const { store, ask } = setUp(way)
      const { charged, cause } = await store.charge([CHARGE])
      expect(charged).toEqual([null])
      for (const fault of [cause as StoreFault, await faultOf(ask('get')), await faultOf(ask('apply'))]) {
        expect(fault).toMatchObject({ code: 'unavailable', message: 'the scripted store failed: TypeError' })
        expect(JSON.stringify(fault, Object.getOwnPropertyNames(fault))).not.toContain('c0ffee')
      }
      expect(store.figures().failures).toBe(3)
    }
  })

  it('guards what is published, and lets a subscription go on for ever', async () => {
    const end = async () => {}
    const messenger: Messenger = { publish: () => NEVER, subscribe: vi.fn(async () => end) }
    const { store } = setUp(() => CHARGED, { patience: 200 }, messenger)
    const publishing = store.messenger?.publish('channel', 'message')
    publishing?.catch(() => {})
    await vi.advanceTimersByTimeAsync(200)
    expect((await faultOf(publishing)).code).toBe('timeout')
    const listener = () => {}
    expect(await store.messenger?.subscribe(['channel'], listener)).toBe(end)
    expect(messenger.subscribe).toHaveBeenCalledWith(['channel'], listener)
    expect(setUp(() => CHARGED).store.messenger).toBeNull()
  })

  it('keeps no process alive', () => {
    vi.useRealTimers()
    const { store } = setUp(() => NEVER)
    const spy = vi.spyOn(globalThis, 'setTimeout')
    void store.charge([CHARGE])
    const [timer] = spy.mock.results.map(({ value }) => value as NodeJS.Timeout)
    spy.mockRestore()
    expect(timer?.hasRef()).toBe(false)
  })
})
