import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseOptions } from '../../bench/options.ts'

const GROUPS = ['node', 'traefik']
const parse = (...args: string[]) => parseOptions(args, GROUPS)

describe('the options of the benchmark', () => {
  it('ask for every group unless they name some, in the order in which they are named', () => {
    expect(parse()).toMatchObject({
      ok: true,
      options: { only: GROUPS, quick: false, write: false, json: null },
    })
    expect(parse('--only', 'traefik', '--only', 'node')).toMatchObject({
      options: { only: ['traefik', 'node'] },
    })
  })

  it('refuse a group that there is not, with those that there are', () => {
    expect(parse('--only', 'nod')).toEqual({
      ok: false,
      problem: 'there is no group nod; there are node, traefik',
    })
  })

  it('refuse to publish what measures nothing', () => {
    expect(parse('--quick', '--write')).toMatchObject({ ok: false })
  })

  it.each([['--fast'], ['--only'], ['node']])('refuse %s', (...args) => {
    expect(parse(...args)).toMatchObject({ ok: false })
  })

  it('are judged before anything starts: exit 2, the problem on standard error', () => {
    const run = join(import.meta.dirname, '../../bench/run.ts')
    const { status, stdout, stderr } = spawnSync(process.execPath, [run, '--only', 'nothing'], {
      encoding: 'utf8',
    })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^bench: there is no group nothing; there are node, /)
  })
})
