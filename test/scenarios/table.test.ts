import { describe, expect, it } from 'vitest'
import { REASONS, type Reason } from '../../src/core/reasons.ts'
import { credentialOf } from './scenario.ts'
import { BEYOND, ROWS } from './table.ts'

const repeated = (keys: readonly string[]): string[] =>
  keys.filter((key, index) => keys.indexOf(key) !== index)

describe('the table of scenarios', () => {
  it('has at least 120 of them', () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(120)
  })

  it('has no two with the same reason, feature and credential', () => {
    const keys = ROWS.map((row) =>
      [row.expected.reason ?? 'allowed', row.feature, credentialOf(row)].join(' | '),
    )
    expect(repeated(keys)).toEqual([])
  })

  it('names each once, and each with a sentence', () => {
    expect(repeated(ROWS.map(({ id }) => id))).toEqual([])
    expect(ROWS.filter(({ says }) => says.length < 8 || says.endsWith('.'))).toEqual([])
  })

  it('covers every reason that a request can bring about', () => {
    const covered = new Set<string | null>(ROWS.map(({ expected }) => expected.reason))
    const reasons = Object.keys(REASONS) as Reason[]
    expect(reasons.filter((reason) => !covered.has(reason)).sort()).toEqual(Object.keys(BEYOND).sort())
  })

  it('gives every reason the status that callers are told', () => {
    const wrong = ROWS.filter(
      ({ expected: { reason, status } }) => status !== (reason === null ? 200 : REASONS[reason].status),
    )
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it('shares no client between two scenarios of one policy, since limits and bans would leak', () => {
    expect(repeated(ROWS.map(({ policy, client }) => `${policy} ${client}`))).toEqual([])
  })
})
