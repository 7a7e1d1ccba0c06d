import { describe, expect, it } from 'vitest'
import { type Figure, figureOf, reached, type Target } from '../../bench/figure.ts'
import { alternate, median, quantile } from '../../bench/statistics.ts'

const texts = { group: 'node', what: 'a check', against: 'nothing', unit: 'µs' }
const figure = (ratio: number, target: Target | null): Figure => ({
  ...figureOf({ ...texts, target }, [1], [1]),
  ratio,
})

describe('a quantile', () => {
  it('is a value that was measured, whatever the order', () => {
    expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantile([50, 10, 30, 20, 40], share))).toEqual([
      10, 20, 30, 40, 50,
    ])
  })

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN()
  })
})

describe('a figure', () => {
  it('is the median of the ratios of each round, not the ratio of medians', () => {
    const { ratio, spread, ours, other, rounds } = figureOf(
      { ...texts, target: null },
      [10, 20, 90],
      [10, 40, 30],
    )
    expect({ ratio, spread, ours, other, rounds }).toEqual({
      ratio: 1,
      spread: [0.5, 3],
      ours: 20,
      other: 30,
      rounds: 3,
    })
  })

  it('is missed where the other, as a difference, comes to nothing or less', () => {
    const rows: [Target, number[], number[]][] = [
      [{ atMost: 1.3 }, [200, 300, -100], [-10, -20, -50]],
      [{ atLeast: 0.9 }, [-200, -300, 5], [-10, -20, 0]],
    ]
    for (const [target, ours, other] of rows) {
      const nothing = figureOf({ ...texts, target }, ours, other)
      expect(reached(nothing), JSON.stringify(target)).toBe(false)
      expect(Number.isFinite(nothing.ratio)).toBe(true)
    }
    const one = figureOf({ ...texts, target: { atMost: 1.3 } }, [120, 120, 200], [100, 100, -10])
    expect([one.ratio, one.spread[0]]).toEqual([1.2, 1.2])
  })

  it('cannot be made of rounds that have no counterpart, or of none', () => {
    expect(() => figureOf({ ...texts, target: null }, [1, 2], [1])).toThrow('no rounds of a check')
    expect(() => figureOf({ ...texts, target: null }, [], [])).toThrow('no rounds of a check')
  })

  it.each<[number, Target | null, boolean | null]>([
    [0.9, { atLeast: 0.9 }, true],
    [0.899, { atLeast: 0.9 }, false],
    [1.15, { atMost: 1.15 }, true],
    [1.151, { atMost: 1.15 }, false],
    [Number.NaN, { atLeast: 0.9 }, false],
    [Number.NaN, { atMost: 0.9 }, false],
    [5, null, null],
  ])('of %d against %o reaches its target: %s', (ratio, target, expected) => {
    expect(reached(figure(ratio, target))).toBe(expected)
  })
})

describe('alternating rounds', () => {
  it('give each subject its turn in each round, first and last by turns, and forget the first rounds', async () => {
    const asked: string[] = []
    const subject = (name: string) => async (round: number) => {
      asked.push(`${name}${round}`)
      return round
    }
    const figures = await alternate({ warmUp: 1, rounds: 2 }, [subject('a'), subject('b')])
    expect(asked).toEqual(['b-1', 'a-1', 'a0', 'b0', 'b1', 'a1'])
    expect(figures).toEqual([
      [0, 1],
      [0, 1],
    ])
  })
})
