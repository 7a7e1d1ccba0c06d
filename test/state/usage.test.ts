import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Usage } from '../../src/state/usage.ts'

const MINUTE = 60_000

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A store that keeps the latest minute of each key, as the contract says; `answer` may fail or wait. */
function setUp(capacity?: number) {
  const known = new Map<string, number>()
  const sizes: number[] = []
  const outside = { answer: async () => {} }
  const store = {
    touch: async (uses: ReadonlyMap<string, number>) => {
      sizes.push(uses.size)
      await outside.answer()
      for (const [id, minute] of uses) known.set(id, Math.max(known.get(id) ?? 0, minute))
    },
  }
  return { usage: new Usage(store, capacity === undefined ? {} : { capacity }), store, known, sizes, outside }
}

const gone = async () => {
  throw new Error('gone')
}

describe('the last use of keys', () => {
  it('reaches the store within a minute, to the minute, in one call for all of them', async () => {
    const { usage, known, sizes } = setUp()
    for (let second = 0; second < 59; second++) {
      for (const id of ['a', 'b', 'c']) usage.note(id, 10 * MINUTE + second * 1000)
      await vi.advanceTimersByTimeAsync(1000)
    }
    usage.note('a', 11 * MINUTE)
    expect(sizes).toEqual([])
    await vi.advanceTimersByTimeAsync(1000)
    expect(sizes).toEqual([3])
    expect(Object.fromEntries(known)).toEqual({ a: 11, b: 10, c: 10 })
    await vi.advanceTimersByTimeAsync(10 * MINUTE)
    expect(sizes).toEqual([3])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never goes back with a clock that does', async () => {
    const { usage, known } = setUp()
    usage.note('a', 100 * MINUTE)
    usage.note('a', 40 * MINUTE)
    await usage.flush()
    expect(known.get('a')).toBe(100)
  })

  it('is told early when a batch is full, and no batch is ever larger', async () => {
    const { usage, known, sizes } = setUp(100)
    for (let i = 0; i < 1000; i++) {
      usage.note(`key-${i}`, MINUTE)
      await vi.advanceTimersByTimeAsync(0)
    }
    await usage.stop()
    expect(sizes).toEqual(Array(10).fill(100))
    expect(known.size).toBe(1000)
    expect(usage.figures()).toEqual({ waiting: 0, flushes: 10, failures: 0, forgotten: 0 })
  })

  it('costs no more than two batches while the store is slow, and is forgotten beyond', async () => {
    const { usage, sizes, outside, known } = setUp(100)
    let release: () => void = () => {}
    outside.answer = () => new Promise((resolve) => (release = resolve))
    for (let i = 0; i < 1000; i++) usage.note(`key-${i}`, MINUTE)
    expect(sizes).toEqual([100])
    expect(usage.figures()).toMatchObject({ waiting: 100, forgotten: 800 })
    outside.answer = async () => {}
    release()
    await usage.stop()
    expect(known.size).toBe(200)
  })

  it('waits for the next flush when the store did not take it, beside what has come since', async () => {
    const { usage, known, outside } = setUp()
    outside.answer = gone
    usage.note('a', MINUTE)
    usage.note('b', MINUTE)
    await vi.advanceTimersByTimeAsync(MINUTE)
    usage.note('b', 2 * MINUTE)
    usage.note('c', 2 * MINUTE)
    outside.answer = async () => {}
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(Object.fromEntries(known)).toEqual({ a: 1, b: 2, c: 2 })
    expect(usage.figures()).toEqual({ waiting: 0, flushes: 1, failures: 1, forgotten: 0 })
  })

  it.each([
    [60, 70],
    [70, 60],
  ])(
    'keeps within its bound what was not taken (%d) and what came meanwhile (%d), with the later minute',
    async (before, since) => {
      const { usage, known, outside } = setUp(100)
      let fail: (error: Error) => void = () => {}
      outside.answer = () => new Promise((_, reject) => (fail = reject))
      for (let i = 0; i < before; i++) usage.note(`key-${i}`, MINUTE)
      const flush = usage.flush()
      for (let i = 0; i < since; i++) usage.note(`key-${i + 50}`, 2 * MINUTE)
      fail(new Error('gone'))
      await flush
      const different = 50 + since
      expect(usage.figures()).toMatchObject({ waiting: 100, forgotten: different - 100 })
      outside.answer = async () => {}
      await usage.flush()
      expect(known.size).toBe(100)
      for (let i = 50; i < before; i++) expect(known.get(`key-${i}`)).toBe(2)
    },
  )

  it('does not hammer a dead store, however many keys are used', async () => {
    const { usage, sizes, outside } = setUp(100)
    outside.answer = gone
    for (let minute = 0; minute < 10; minute++) {
      for (let i = 0; i < 1000; i++) {
        usage.note(`key-${minute}-${i}`, minute * MINUTE)
        if (i % 100 === 0) await vi.advanceTimersByTimeAsync(1)
      }
      await vi.advanceTimersByTimeAsync(MINUTE)
    }
    // One that was early, and one each minute.
    expect(sizes.length).toBeLessThanOrEqual(12)
    expect(Math.max(...sizes)).toBe(100)
    expect(usage.figures().waiting).toBe(100)
  })

  it('is told again a minute after it was not taken, though no key is used, and early again once one was', async () => {
    const { usage, known, outside, sizes } = setUp(100)
    outside.answer = gone
    usage.note('a', MINUTE)
    await vi.advanceTimersByTimeAsync(MINUTE)
    outside.answer = async () => {}
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(known.get('a')).toBe(1)
    for (let i = 0; i <= 100; i++) usage.note(`key-${i}`, MINUTE)
    expect(sizes).toEqual([1, 1, 100])
  })

  it('is told when the process stops, after what is under way, and noted no more', async () => {
    const { usage, known, outside, sizes } = setUp()
    let fail: (error: Error) => void = () => {}
    outside.answer = () => new Promise((_, reject) => (fail = reject))
    usage.note('a', MINUTE)
    void usage.flush()
    usage.note('b', MINUTE)
    const stopping = usage.stop()
    outside.answer = async () => {}
    fail(new Error('gone'))
    await stopping
    expect(Object.fromEntries(known)).toEqual({ a: 1, b: 1 })
    usage.note('c', MINUTE)
    await usage.stop()
    expect(sizes).toEqual([1, 2])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('throws nothing, not even when the store throws at once or is gone for good', async () => {
    const thrower = new Usage({
      touch: () => {
        throw new Error('at once')
      },
    })
    thrower.note('a', MINUTE)
    await thrower.flush()
    await thrower.stop()
    expect(thrower.figures()).toEqual({ waiting: 1, flushes: 0, failures: 2, forgotten: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('loses no use and grows beyond no bound, whatever the store does', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ id: fc.nat(14), minute: fc.nat(50) }) },
      fc.constantFrom('flush' as const, 'works' as const, 'fails' as const, 'pass' as const),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        async (list, capacity) => {
          const { usage, known, sizes, outside } = setUp(capacity)
          const expected = new Map<string, number>()
          for (const one of list) {
            if (one === 'flush') await usage.flush()
            else if (one === 'works') outside.answer = async () => {}
            else if (one === 'fails') outside.answer = gone
            else if (one === 'pass') await vi.advanceTimersByTimeAsync(MINUTE)
            else {
              usage.note(`${one.id}`, one.minute * MINUTE)
              expected.set(`${one.id}`, Math.max(expected.get(`${one.id}`) ?? 0, one.minute))
            }
            expect(usage.figures().waiting).toBeLessThanOrEqual(capacity)
          }
          outside.answer = async () => {}
          await usage.stop()
          expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(capacity)
          if (usage.figures().forgotten === 0) expect(known).toEqual(expected)
          for (const [id, minute] of known) expect(minute).toBeLessThanOrEqual(expected.get(id) ?? -1)
        },
      ),
    )
  })

  it('keeps no process alive', () => {
    vi.useRealTimers()
    const spy = vi.spyOn(globalThis, 'setTimeout')
    setUp().usage.note('a', MINUTE)
    const [timer] = spy.mock.results.map(({ value }) => value as NodeJS.Timeout)
    spy.mockRestore()
    expect(timer?.hasRef()).toBe(false)
    clearTimeout(timer)
  })
})

describe('where timers do not outlast requests', () => {
  const keeping = () => {
    const { known, sizes, outside, store } = setUp()
    return { usage: new Usage(store, { lasting: false }), known, sizes, outside }
  }

  it('reaches the store with a request after a minute', async () => {
    const { usage, known } = keeping()
    usage.note('a', MINUTE)
    usage.note('b', MINUTE + 59_000)
    expect(usage.keepUp(MINUTE + 59_999)).toBe(null)
    await usage.keepUp(2 * MINUTE)
    expect(Object.fromEntries(known)).toEqual({ a: 1, b: 1 })
    expect(usage.keepUp(4 * MINUTE)).toBe(null)
  })

  it('is told once a minute while the store does not take it, however many requests there are', async () => {
    const { usage, known, sizes, outside } = keeping()
    outside.answer = gone
    for (let now = MINUTE; now < 4 * MINUTE; now += 1000) {
      usage.note('a', now)
      await usage.keepUp(now)
    }
    expect(sizes).toEqual([1, 1])
    outside.answer = async () => {}
    await usage.keepUp(4 * MINUTE)
    expect(known.get('a')).toBe(3)
  })

  it('goes on to be told when the runtime ended a request that was telling', async () => {
    const { usage, known, outside } = keeping()
    outside.answer = () => new Promise(() => {})
    usage.note('a', MINUTE)
    void usage.keepUp(2 * MINUTE)
    outside.answer = async () => {}
    usage.note('a', 2 * MINUTE)
    await usage.keepUp(3 * MINUTE)
    expect(known.get('a')).toBe(2)
  })

  it('begins nothing that belongs to no request, not even when a batch is full', () => {
    const { store, sizes } = setUp()
    const usage = new Usage(store, { lasting: false, capacity: 2 })
    for (const id of ['a', 'b', 'c']) usage.note(id, MINUTE)
    expect(sizes).toEqual([])
    expect(usage.figures()).toMatchObject({ waiting: 2, forgotten: 1 })
  })
})
