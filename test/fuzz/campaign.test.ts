import { describe, expect, it } from 'vitest'
import { Dice } from '../e2e/targets.ts'
import { faultsOf, leaks, lineFaults } from './answer.ts'
import { campaign, replay } from './campaign.ts'
import { Cost } from './cost.ts'
import { mutated } from './mutation.ts'
import type { Target } from './target.ts'

/** A target that fails where a test says so. */
const targetOf = (run: (input: string) => void, part: Partial<Target> = {}): Target => ({
  name: 'test',
  what: 'a function',
  longest: 200,
  dictionary: ['key', '='],
  seeds: ['a', 'key'],
  generate: (dice: Dice) => String.fromCharCode(97 + dice.below(26)),
  ordinary: ({ length }) => 'a'.repeat(length),
  times: 10,
  open: async () => ({
    run: async (input) => {
      run(input)
      return () => ({ failures: [], features: [`${input.startsWith('key=')}`], allowed: true })
    },
  }),
  ...part,
})

const broken = targetOf((input) => {
  if (/^key=.*\xff/s.test(input)) throw new TypeError('out of range')
})

const OPTIONS = { seed: 7, runs: 20_000, coverage: false, corpus: [] }

describe('a campaign', () => {
  it('finds an exception behind a word and a byte, and makes its input small', async () => {
    const { findings } = await campaign(broken, OPTIONS)
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({ input: 'key=\xff', alone: true })
    expect(findings[0]?.failure.detail).toMatch(/^TypeError: out of range .*\btest\/fuzz\/campaign\.test\.ts/)
    expect(findings[0]?.failure.detail).not.toContain(process.cwd())
    expect((await replay(broken, 'key=\xff')).failures).toHaveLength(1)
    expect((await replay(broken, 'key=a')).failures).toEqual([])
  })

  it('is the same again with the same seed, and another one with another', async () => {
    const of = async (seed: number) => {
      const seen: string[] = []
      const watch = (input: string) => void seen.push(input)
      const { corpus } = await campaign(
        targetOf(() => {}),
        { ...OPTIONS, seed, runs: 500, watch },
      )
      return { seen, corpus }
    }
    const first = await of(1)
    expect(await of(1)).toEqual(first)
    expect((await of(2)).seen).not.toEqual(first.seen)
    expect(first.seen).toHaveLength(500)
  })

  it('says so when an input fails only after another', async () => {
    let poisoned = false
    const target = targetOf((input) => {
      if (poisoned && input.includes('k')) throw new Error('late')
      poisoned ||= input === 'z'
    })
    const isolated: Target = {
      ...target,
      open: async () => {
        poisoned = false
        return target.open()
      },
    }
    const { findings } = await campaign(isolated, OPTIONS)
    expect(findings.map(({ alone }) => alone)).toEqual([false])
  })

  it('is led by the coverage of our own sources into a branch that nothing else tells of', async () => {
    const { canonicalHost } = await import('../../src/core/host.ts')
    const target = targetOf((input) => void canonicalHost(input), { dictionary: ['[', '::1', ']'] })
    const { corpus, covered } = await campaign(target, { ...OPTIONS, runs: 1500, coverage: true })
    expect(corpus.some((input) => input.startsWith('['))).toBe(true)
    expect(covered).toBeGreaterThan(1000)
  })
})

describe('the bound on time', () => {
  it('finds work that grows with the square of the input, and not what is as slow as it is long', async () => {
    const spin = (steps: number): number => {
      let sum = 0
      for (let step = 0; step < steps; step++) sum += Math.sqrt(step)
      return sum
    }
    const square = targetOf(
      (input) => void spin(input.includes('q') ? input.length ** 2 * 1000 : input.length * 500),
    )
    expect(await new Cost(square).judge('q'.repeat(120))).toMatchObject({ kind: 'time' })
    expect(await new Cost(square).judge('b'.repeat(120))).toBeNull()
  })
})

describe('a change of an input', () => {
  it('keeps it bytes and within its bound', () => {
    const dice = new Dice(3)
    let input = 'some input, 12%41'
    for (let i = 0; i < 5000; i++) {
      input = mutated(input, dice, { dictionary: ['\xff\xfe', '%'], corpus: ['other'] }, 300)
      expect(input.length).toBeLessThanOrEqual(300)
      expect(/^[\x00-\xff]*$/.test(input)).toBe(true)
    }
  })
})

describe('what must hold of every answer', () => {
  const good = {
    status: 403,
    trueStatus: 403,
    reason: 'route_missing',
    headers: new Headers({ 'x-postern-status': '403' }),
    body: '',
    line: '{"a":1}\n',
    decision: { verdict: 'deny', cause: null },
  } as unknown as Parameters<typeof faultsOf>[0]
  const kinds = (part: object, secrets: readonly string[] = []) =>
    faultsOf({ ...good, ...part }, secrets).map(({ kind }) => kind)

  it('is broken by a caught crash, an unknown status, a control byte, an identity on a denial and a told secret', () => {
    expect(kinds({})).toEqual([])
    expect(kinds({ reason: 'internal', decision: { verdict: 'deny', cause: new Error('x') } })).toEqual([
      'caught crash',
    ])
    expect(kinds({ status: 500 })).toContain('status')
    expect(kinds({ status: 200 })).toContain('verdict')
    expect(kinds({ headers: new Headers({ a: 'caf\u00e9' }) })).toEqual(['header not printable'])
    expect(kinds({ headers: new Headers({ 'X-Auth-User': 'ann' }) })).toEqual(['identity on a denial'])
    expect(kinds({ body: 'the secret-of-ours' }, ['secret-of-ours'])).toEqual(['leak'])
    expect(leaks([Buffer.from('secret-of-ours').toString('base64')], ['secret-of-ours'])).toHaveLength(1)
  })

  it('is that a record is one printable line of JSON', () => {
    expect(lineFaults('{"a":"b"}\n')).toEqual([])
    for (const line of [
      '{"a":"b"}',
      '{"a":\n"b"}\n',
      '{"a":"\x1b"}\n',
      '{"a":"\u00e9"}\n',
      '{"a":}\n',
      '[]\n',
      '\n',
    ])
      expect(lineFaults(line), JSON.stringify(line)).toHaveLength(1)
  })
})
