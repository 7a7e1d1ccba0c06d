import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bounded } from '../../src/core/bounded.ts'

const keys = fc.array(fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.integer({ min: 0, max: 40 })), {
  maxLength: 400,
})
const capacities = fc.integer({ min: 2, max: 20 })

describe('Bounded', () => {
  it('never holds more entries than its capacity', () => {
    fc.assert(
      fc.property(capacities, keys, (capacity, steps) => {
        const map = new Bounded<number, number>(capacity)
        for (const [step, key] of steps) {
          if (step === 'set') map.set(key, key)
          else map[step as 'get' | 'delete'](key)
          expect(map.size).toBeLessThanOrEqual(capacity)
        }
      }),
    )
  })

  it('still holds the last half of its capacity of different keys that were used', () => {
    fc.assert(
      fc.property(capacities, keys, (capacity, steps) => {
        const map = new Bounded<number, number>(capacity)
        const used: number[] = []
        for (const [step, key] of steps) {
          if (step === 'delete') {
            map.delete(key)
            if (used.includes(key)) used.splice(used.indexOf(key), 1)
            continue
          }
          if (step === 'set') map.set(key, key)
          else if (map.get(key) === undefined) continue
          if (used.includes(key)) used.splice(used.indexOf(key), 1)
          used.push(key)
        }
        for (const key of used.slice(-Math.floor(capacity / 2))) expect(map.get(key)).toBe(key)
      }),
    )
  })

  it('answers like a Map for everything that it still holds', () => {
    fc.assert(
      fc.property(keys, (steps) => {
        const map = new Bounded<number, number>(100)
        const model = new Map<number, number>()
        for (const [index, [step, key]] of steps.entries()) {
          if (step === 'set') {
            map.set(key, index)
            model.set(key, index)
          } else if (step === 'delete') expect(map.delete(key)).toBe(model.delete(key))
          else expect(map.get(key)).toBe(model.get(key))
          expect(map.size).toBe(model.size)
        }
      }),
    )
  })

  it('is empty after clear, and refuses a capacity that it could not keep', () => {
    const map = new Bounded<string, number>(2)
    map.set('a', 1)
    map.clear()
    expect([map.size, map.get('a')]).toEqual([0, undefined])
    for (const capacity of [0, 1, -1, 1.5, Number.NaN])
      expect(() => new Bounded(capacity)).toThrow(RangeError)
  })
})
