import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bounded } from '../../src/core/bounded.ts'

/** Few keys for the capacity, so that they come again after they moved on or were forgotten. */
const steps = fc.array(
  fc.tuple(fc.constantFrom('set', 'set', 'get', 'get', 'delete'), fc.integer({ min: 0, max: 12 })),
  { minLength: 20, maxLength: 200 },
)
const capacities = fc.integer({ min: 2, max: 12 })
const runs = { numRuns: 1000 }

describe('Bounded', () => {
  it('never holds more entries than its capacity', () => {
    fc.assert(
      fc.property(capacities, steps, (capacity, list) => {
        const map = new Bounded<number, number>(capacity)
        for (const [step, key] of list) {
          if (step === 'set') map.set(key, key)
          else map[step as 'get' | 'delete'](key)
          expect(map.size).toBeLessThanOrEqual(capacity)
        }
      }),
      runs,
    )
  })

  it('still holds the last half of its capacity of different keys that were used, less those that were deleted', () => {
    fc.assert(
      fc.property(capacities, steps, (capacity, list) => {
        const map = new Bounded<number, number>(capacity)
        let used: number[] = []
        const held = new Set<number>()
        for (const [step, key] of list) {
          if (step === 'delete') {
            map.delete(key)
            held.delete(key)
            continue
          }
          if (step === 'set') map.set(key, key)
          else if (map.get(key) === undefined) continue
          used = [...used.filter((other) => other !== key), key]
          held.add(key)
        }
        for (const key of used.slice(-Math.floor(capacity / 2))) {
          expect(map.get(key)).toBe(held.has(key) ? key : undefined)
        }
      }),
      runs,
    )
  })

  it('gives the value that was set last, or none: never an older one, never one that was deleted', () => {
    fc.assert(
      fc.property(capacities, steps, (capacity, list) => {
        const map = new Bounded<number, number>(capacity)
        const model = new Map<number, number>()
        for (const [index, [step, key]] of list.entries()) {
          if (step === 'set') {
            map.set(key, index)
            model.set(key, index)
          } else if (step === 'delete') {
            map.delete(key)
            model.delete(key)
          } else expect([undefined, model.get(key)]).toContain(map.get(key))
        }
      }),
      runs,
    )
  })

  it('answers like a Map as long as it holds no more than half of its capacity', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const map = new Bounded<number, number>(26)
        const model = new Map<number, number>()
        for (const [index, [step, key]] of list.entries()) {
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

  it('holds its last keys whatever half an odd capacity is, and takes the smallest capacity there is', () => {
    for (const capacity of [2, 3, 5]) {
      const map = new Bounded<number, number>(capacity)
      for (let key = 0; key < 20; key++) {
        map.set(key, key)
        expect(map.get(key)).toBe(key)
        expect(map.size).toBeLessThanOrEqual(capacity)
      }
    }
  })

  it('keeps the young and the old when what is set again is young already', () => {
    const map = new Bounded<string, number>(4)
    for (const key of ['a', 'b', 'c', 'd']) map.set(key, 0)
    map.set('d', 1)
    expect([map.size, map.get('d'), map.get('a')]).toEqual([4, 1, 0])
  })

  it('clears what is old as well as what is young', () => {
    const map = new Bounded<string, number>(4)
    for (const key of ['a', 'b', 'c']) map.set(key, 0)
    map.clear()
    expect([map.size, map.get('a'), map.get('c')]).toEqual([0, undefined, undefined])
  })
})
