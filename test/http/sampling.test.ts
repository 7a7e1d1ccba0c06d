import { describe, expect, it } from 'vitest'
import { isRecorded, recordedShare } from '../../src/http/sampling.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { allow, deny } from './support.ts'

/** Random numbers that are spread evenly, each once. */
const evenly = (count: number): (() => number) => {
  let next = 0
  return () => next++ / count
}
const never = (): never => {
  throw new Error('nothing was left to chance')
}

describe('a policy that samples allowed decisions', () => {
  it('records the share of them that it names', () => {
    const random = evenly(1000)
    const recorded = Array.from({ length: 1000 }, () => isRecorded(allow(), 0.05, random))
    expect(recorded.filter(Boolean)).toHaveLength(50)
  })

  it('records none of them with a share of 0', () => {
    expect(isRecorded(allow(), 0, () => 0)).toBe(false)
  })

  it('records every denial', () => {
    expect(isRecorded(deny('client_banned'), 0, never)).toBe(true)
  })

  it('records every allow that had to do without something', () => {
    expect(isRecorded(allow({ degraded: ['limits'] }), 0, never)).toBe(true)
  })
})

describe('a policy that says nothing of records', () => {
  it('records every decision', () => {
    const share = recordedShare(policyWith(''))
    expect(share).toBe(1)
    expect(isRecorded(allow(), share, never)).toBe(true)
  })
})

it.each(['-0.1', '1.5', '1%', 'all'])('a share of %s is a problem of the policy', (share) => {
  const problems = problemsOf(`record: { allowed: ${share} }`)
  expect(problems.map(({ path }) => path)).toEqual(['record.allowed'])
})

const load = (section: string) =>
  loadPolicy(
    `proxies: { traefik: { peers: [127.0.0.1/32] } }\nroutes: { all: { match: { path: /** }, credentials: [anonymous] } }\n${section}`,
    { environment: { variable: () => undefined, readFile: () => '' }, file: 'test.yaml' },
  )

function policyWith(section: string) {
  const loaded = load(section)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.policy
}

function problemsOf(section: string) {
  const loaded = load(section)
  return loaded.ok ? [] : loaded.problems
}
