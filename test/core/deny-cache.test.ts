import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DenyCache } from '../../src/core/deny-cache.ts'

const charge = (cost = 1, key = 'k') => ({ key, interval: 1, burst: 1, cost })
const denied = (wait: number, full = wait) => ({ ok: false, remaining: 0, wait, full })

describe('what is known of buckets that deny', () => {
  it('is empty until a charge was refused, and stays so after one that was not', () => {
    const cache = new DenyCache(8)
    expect(cache.empty).toBe(true)
    cache.note(charge(), { ok: true, remaining: 0, wait: 5, full: 5 }, 0)
    expect(cache.empty).toBe(true)
    expect(cache.recall(charge(), 0)).toBeNull()
    cache.note(charge(), denied(5), 0)
    expect(cache.empty).toBe(false)
  })

  it('says what the bucket would still say, until the moment at which it admits again', () => {
    const cache = new DenyCache(8)
    cache.note(charge(), denied(5, 9), 100)
    expect(cache.recall(charge(), 100)).toEqual(denied(5, 9))
    expect(cache.recall(charge(), 104)).toEqual(denied(1, 5))
    expect(cache.recall(charge(), 105)).toBeNull()
    expect(cache.recall(charge(1, 'other'), 100)).toBeNull()
  })

  it('says nothing of a cheaper request, which may pass earlier, and the same of a dearer one', () => {
    const cache = new DenyCache(8)
    cache.note(charge(3), denied(5), 0)
    expect([1, 2, 3, 4].map((cost) => cache.recall(charge(cost), 0)?.ok)).toEqual([
      undefined,
      undefined,
      false,
      false,
    ])
  })

  it('never denies what an exact bucket would admit', () => {
    const step = fc.record({ after: fc.nat(5), cost: fc.integer({ min: 1, max: 4 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new DenyCache(8)
        // A bucket of four that gains one each two milliseconds.
        let [now, level] = [0, 4]
        for (const { after, cost } of steps) {
          now += after
          level = Math.min(4, level + after / 2)
          const recalled = cache.recall(charge(cost), now)
          if (recalled !== null) expect(level).toBeLessThan(cost)
          else if (level >= cost) level -= cost
          else cache.note(charge(cost), denied((cost - level) * 2, (4 - level) * 2), now)
        }
      }),
    )
  })
})
