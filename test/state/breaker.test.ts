import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Breaker, type Failure, REFUSED } from '../../src/state/breaker.ts'

const failing = (code: Failure['code']): Failure => ({ code, message: 'in a test' })

function setUp(random = 1) {
  const reports: [string, Readonly<Record<string, number | string>>][] = []
  const clock = { now: 0 }
  const breaker = new Breaker({
    ticks: () => clock.now,
    random: () => random,
    report: (event, details) => reports.push([event, details]),
  })
  const call = (ends: 'well' | 'timeout' | 'unavailable') => {
    const era = breaker.admit()
    if (era === REFUSED) return false
    if (ends === 'well') breaker.succeeded(era, clock.now)
    else breaker.failed(era, failing(ends))
    return true
  }
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) call('timeout')
  }
  return { breaker, reports, clock, call, fail, events: () => reports.map(([event]) => event) }
}

describe('the breaker', () => {
  it('opens with the fifth failure in a row, and not with the fourth', () => {
    const { breaker, fail } = setUp()
    fail(4)
    expect(breaker.admit()).not.toBe(REFUSED)
    fail(1)
    expect(breaker.admit()).toBe(REFUSED)
  })

  it('takes all that fails together after a pause for one failure, and not what fails at the same time anew', () => {
    const { breaker, clock, call } = setUp()
    for (let well = 0; well < 100; well++) call('well')
    for (let pause = 1; pause <= 5; pause++) {
      const eras = Array.from({ length: 8 }, () => breaker.admit())
      const began = clock.now
      clock.now += 100
      expect(breaker.figures().state).toBe('closed')
      for (const era of eras) breaker.failed(era, failing('timeout'), began)
    }
    expect(breaker.figures()).toMatchObject({ state: 'open', opened: 1, timeouts: 40 })
  })

  it('counts a row anew once a call has succeeded', () => {
    const { breaker, clock, call, fail } = setUp()
    for (let well = 0; well < 20; well++) call('well')
    const began = clock.now
    const eras = Array.from({ length: 5 }, () => breaker.admit())
    clock.now += 100
    for (const era of eras) {
      breaker.failed(era, failing('timeout'), began)
      call('well')
    }
    fail(4)
    expect(breaker.figures().state).toBe('closed')
    fail(1)
    expect(breaker.figures().state).toBe('open')
  })

  it('does not open when one call in five succeeds in between, as long as less than half of all fail', () => {
    const { breaker, call, fail } = setUp()
    for (let i = 0; i < 100; i++) {
      for (let well = 0; well < 5; well++) call('well')
      fail(4)
    }
    expect(breaker.figures()).toMatchObject({ state: 'closed', failures: 400, timeouts: 400 })
  })

  it('opens when half of twenty calls within ten seconds fail, in whatever order', () => {
    const { breaker, call } = setUp()
    for (let i = 0; i < 9; i++) {
      call('well')
      call('unavailable')
    }
    call('well')
    expect(breaker.figures().state).toBe('closed')
    call('unavailable')
    expect(breaker.figures()).toMatchObject({ state: 'open', opened: 1, failures: 10, timeouts: 0 })
  })

  it('forgets calls second by second', () => {
    const { breaker, call, clock } = setUp()
    const calls = (count: number, ...ends: ('well' | 'timeout')[]) => {
      for (let i = 0; i < count; i++) for (const end of ends) call(end)
    }
    calls(9, 'well', 'timeout')
    clock.now = 5000
    calls(100, 'well')
    clock.now = 10_500
    calls(9, 'well', 'timeout')
    expect(breaker.figures().state).toBe('closed')
    clock.now = 15_500
    calls(2, 'well')
    calls(1, 'timeout')
    expect(breaker.figures().state).toBe('closed')
    calls(1, 'timeout')
    expect(breaker.figures().state).toBe('open')
  })

  it('counts no call that began longer ago', () => {
    const { breaker, call, clock } = setUp()
    const era = breaker.admit()
    clock.now = 11_000
    for (let i = 0; i < 9; i++) for (const end of ['well', 'timeout'] as const) call(end)
    breaker.succeeded(era, 0)
    call('timeout')
    expect(breaker.figures().state).toBe('closed')
    call('timeout')
    expect(breaker.figures().state).toBe('open')
  })

  it('begins anew when it closes', () => {
    const { breaker, fail, call, clock } = setUp()
    fail(5)
    clock.now = 1000
    call('well')
    for (let i = 0; i < 8; i++) for (const end of ['well', 'timeout'] as const) call(end)
    expect(breaker.figures().state).toBe('closed')
  })

  it('forgets calls after ten seconds', () => {
    const { breaker, call, clock } = setUp()
    const pairs = (count: number) => {
      for (let i = 0; i < count; i++) {
        call('well')
        call('timeout')
      }
    }
    pairs(9)
    clock.now = 10_000
    pairs(9)
    clock.now = 25_000
    pairs(9)
    expect(breaker.figures()).toMatchObject({ state: 'closed', failures: 27 })
    pairs(1)
    expect(breaker.figures().state).toBe('open')
  })

  it('counts an answer that nobody waited for as life, but not as a call', () => {
    const { breaker, fail, call } = setUp()
    for (let i = 0; i < 4; i++) {
      fail(4)
      breaker.alive(breaker.admit())
    }
    expect(breaker.figures().state).toBe('closed')
    for (let i = 0; i < 1000; i++) breaker.alive(breaker.admit())
    for (let i = 0; i < 4; i++) call(i % 2 === 0 ? 'well' : 'timeout')
    expect(breaker.figures().state).toBe('open')
  })

  it('lets exactly one call through when its time is over, and closes with its success', () => {
    const { breaker, fail, call, clock } = setUp()
    fail(5)
    clock.now = 999
    expect(breaker.admit()).toBe(REFUSED)
    clock.now = 1000
    const probe = breaker.admit()
    expect(probe).not.toBe(REFUSED)
    expect(breaker.figures().state).toBe('half-open')
    clock.now = 10_999
    for (let i = 0; i < 10; i++) expect(breaker.admit()).toBe(REFUSED)
    breaker.succeeded(probe, clock.now)
    expect(breaker.figures().state).toBe('closed')
    fail(4)
    expect(call('well')).toBe(true)
  })

  it('lets another call through for one that never ended, and hears no more of that one', () => {
    const { breaker, fail, clock } = setUp()
    fail(5)
    clock.now = 1000
    const lost = breaker.admit()
    clock.now = 11_000
    const probe = breaker.admit()
    expect(probe).not.toBe(REFUSED)
    expect(breaker.admit()).toBe(REFUSED)
    breaker.succeeded(lost, 1000)
    expect(breaker.figures().state).toBe('half-open')
    breaker.succeeded(probe, clock.now)
    expect(breaker.figures().state).toBe('closed')
  })

  it('stays open for one second, then two, four and five, and one again after it has closed', () => {
    const { breaker, fail, call, clock } = setUp()
    const pause = () => {
      const from = clock.now
      while (breaker.admit() === REFUSED) clock.now++
      return clock.now - from
    }
    fail(5)
    const pauses = []
    for (let i = 0; i < 5; i++) {
      const from = clock.now
      while (!call('timeout')) clock.now++
      pauses.push(clock.now - from)
    }
    expect(pauses).toEqual([1000, 2000, 4000, 5000, 5000])
    while (!call('well')) clock.now++
    fail(5)
    expect(pause()).toBe(1000)
  })

  it('shortens a pause by up to a quarter, so that instances do not probe at one moment', () => {
    const { breaker, fail, clock } = setUp(0)
    fail(5)
    clock.now = 749
    expect(breaker.admit()).toBe(REFUSED)
    clock.now = 750
    expect(breaker.admit()).not.toBe(REFUSED)
  })

  it('takes nothing from calls that began before its state changed', () => {
    const { breaker, clock } = setUp()
    const old = Array.from({ length: 100 }, () => breaker.admit())
    for (const era of old.slice(0, 5)) breaker.failed(era, failing('timeout'))
    breaker.succeeded(old.pop() ?? 0, 0)
    breaker.alive(old.pop() ?? 0)
    expect(breaker.figures().state).toBe('open')
    clock.now = 1000
    const probe = breaker.admit()
    for (const era of old.slice(5, 50)) breaker.succeeded(era, 0)
    expect(breaker.figures().state).toBe('half-open')
    for (const era of old.slice(50, 70)) breaker.failed(era, failing('timeout'))
    expect(breaker.figures().state).toBe('half-open')
    breaker.succeeded(probe, 1000)
    for (const era of old.slice(70)) breaker.failed(era, failing('timeout'))
    expect(breaker.figures()).toMatchObject({ state: 'closed', opened: 1, failures: 53 })
  })

  it('reports an outage once when it begins and once when it is over, however long it lasts', () => {
    const { reports, fail, call, clock, events } = setUp()
    for (clock.now = 0; clock.now < 60_000; clock.now += 10) fail(3)
    expect(events()).toEqual(['store_unavailable'])
    while (!call('well')) clock.now++
    expect(events()).toEqual(['store_unavailable', 'store_available'])
    expect(reports[0]?.[1]).toEqual({
      why: 'timeout',
      problem: 'in a test',
      calls: 5,
      failures: 5,
      in_a_row: 5,
    })
    expect(reports[1]?.[1]).toEqual({ after_ms: clock.now - 10 })
  })

  it('never has more than one probe out, never opens for less than it says, and reports changes in turn', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
        {
          weight: 5,
          arbitrary: fc.record({
            do: fc.constant('end' as const),
            which: fc.nat(30),
            ends: fc.constantFrom('well', 'alive', 'timeout', 'timeout', 'unavailable', 'unavailable'),
          }),
        },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), time: fc.nat(3000) }) },
      ),
      { maxLength: 300 },
    )
    fc.assert(
      fc.property(steps, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, random) => {
        const { breaker, clock, events } = setUp(random)
        const out: { era: number; began: number; probe: boolean; closings: number }[] = []
        let outcomes: { at: number; failed: boolean; counts: boolean }[] = []
        let openedAt = 0
        let changes = 0
        for (const step of list) {
          const before = breaker.figures().state
          if (step.do === 'pass') clock.now += step.time
          else if (step.do === 'begin') {
            const era = breaker.admit()
            if (era === REFUSED) {
              expect(before).not.toBe('closed')
              continue
            }
            if (before === 'open') expect(clock.now).toBeGreaterThanOrEqual(openedAt + 750)
            const probe = before !== 'closed'
            if (probe) {
              expect(out.filter((one) => one.probe && clock.now - one.began < 10_000)).toEqual([])
              // What did not end in so long was given up.
              for (const one of out) one.probe = false
            }
            out.push({ era, began: clock.now, probe, closings: changes })
          } else if (out.length > 0) {
            const [one] = out.splice(step.which % out.length, 1)
            if (one === undefined) continue
            const failed = step.ends === 'timeout' || step.ends === 'unavailable'
            if (step.ends === 'well') breaker.succeeded(one.era, one.began)
            else if (step.ends === 'alive') breaker.alive(one.era)
            else breaker.failed(one.era, failing(step.ends as 'timeout'))
            const after = breaker.figures().state
            if (before === 'closed' && one.closings === changes) {
              outcomes.push({
                at: step.ends === 'well' ? one.began : clock.now,
                failed,
                counts: step.ends !== 'alive',
              })
            }
            if (one.probe) expect(after).toBe(failed ? 'open' : 'closed')
            else if (before !== 'closed') expect(after).toBe(before)
            if (before === 'closed' && after === 'open') {
              const row = outcomes.length - 1 - outcomes.findLastIndex((outcome) => !outcome.failed)
              const recent = outcomes.filter(({ at, counts }) => counts && at > clock.now - 10_000)
              const failures = recent.filter((outcome) => outcome.failed).length
              expect(row >= 5 || failures >= 10).toBe(true)
            }
            const row = outcomes.slice(-5)
            if (after === 'closed')
              expect(row.length === 5 && row.every((outcome) => outcome.failed)).toBe(false)
            if (after === 'open' && before !== 'open') openedAt = clock.now
            if (before !== after) {
              changes++
              outcomes = []
            }
          }
          expect(events()).toEqual(
            events().map((_, index) => (index % 2 === 0 ? 'store_unavailable' : 'store_available')),
          )
          expect(events().length % 2).toBe(breaker.figures().state === 'closed' ? 0 : 1)
        }
      }),
      { numRuns: 500 },
    )
  })
})
