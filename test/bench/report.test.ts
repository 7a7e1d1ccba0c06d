import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Figure, figureOf } from '../../bench/figure.ts'
import { GROUPS } from '../../bench/groups.ts'
import type { GroupFindings } from '../../bench/report/findings.ts'
import { growthChart } from '../../bench/report/growth-chart.ts'
import { between } from '../../bench/report/page.ts'
import { publish } from '../../bench/report/publish.ts'
import { ratioChart } from '../../bench/report/ratio-chart.ts'
import { amount, section, table } from '../../bench/report/table.ts'
import { faultOf } from './markup.ts'

const figure = (part: Partial<Figure> = {}): Figure => ({
  ...figureOf(
    { group: 'node', what: 'a check', against: 'bare `Hono`', target: { atLeast: 0.9 }, unit: 'per second' },
    [1],
    [1],
  ),
  ...part,
})
const findings = (part: Partial<GroupFindings> = {}): GroupFindings => ({
  date: '2026-11-21',
  commit: 'abc1234',
  postern: '0.1.0',
  node: '24.21.0',
  processor: 'A processor',
  processors: 2,
  memory: 8,
  system: 'linux x64',
  pinned: true,
  figures: [figure()],
  notes: [],
  seconds: 1,
  ...part,
})

describe('a table', () => {
  it('has the ratio, its quartiles and the target, and says what is missed', () => {
    const rows = table([figure({ ratio: 0.5, spread: [0.4, 0.6], ours: 40_712, other: 81.44 }), figure()])
    expect(rows.split('\n').slice(2)).toEqual([
      '| a check | bare `Hono` | at least 0.9 | **0.50** (0.40 to 0.60), missed | 40,700 / 81.4 per second |',
      '| a check | bare `Hono` | at least 0.9 | **1.00** (1.00 to 1.00) | 1.00 / 1.00 per second |',
    ])
  })

  it.each([
    [0, '0.00'],
    [0.123, '0.12'],
    [12.34, '12.3'],
    [123.4, '123'],
    [1234, '1,230'],
    [1_234_567, '1,230,000'],
    [-5, '-5.00'],
  ])('shows %d as %s', (value, text) => {
    expect(amount(value)).toBe(text)
  })

  it('is followed by where and of what it was measured, and by what to know', () => {
    const text = section(findings({ notes: ['Without the rows about Redis.'] }))
    expect(text).toContain('2026-11-21, commit abc1234; Node 24.21.0; 2 × A processor, all processes on one')
    expect(text.endsWith('- Without the rows about Redis.')).toBe(true)
  })

  it('gives way to what is to be known where nothing could be measured', () => {
    expect(section(findings({ figures: [], notes: ['Without Traefik.'] }))).toBe('- Without Traefik.')
  })
})

describe('the page', () => {
  const page = 'before\n<!-- bench:node -->\nold\n<!-- /bench:node -->\nafter\n'

  it('gets a text between its marks and keeps the rest, also when that is done twice', () => {
    const once = between(page, 'node', '$& new')
    expect(once).toBe('before\n<!-- bench:node -->\n$& new\n<!-- /bench:node -->\nafter\n')
    expect(between(once, 'node', '$& new')).toBe(once)
  })

  it.each([
    ['no marks', 'text'],
    ['no end', '<!-- bench:node -->'],
    ['an end before the start', '<!-- /bench:node --><!-- bench:node -->'],
    ['two starts', `${page}${page}`],
  ])('with %s is a mistake', (_, text) => {
    expect(() => between(text, 'node', 'new')).toThrow('docs/performance.md')
  })
})

const grown = (of: string, to: number, ratio: number): Figure =>
  figure({ group: 'growth', growth: { of, from: 10, to }, ratio, spread: [ratio * 0.9, ratio * 1.1] })

const DRAWN: readonly (readonly [string, readonly Figure[]])[] = [
  ['nothing', []],
  ['names full of signs', [figure({ what: '<b>&"\'', against: ']]>' }), grown('a < b & "c"', 100, 1)]],
  ['what is far off', [figure({ ratio: 1e-6, spread: [1e-9, 1e6] }), grown('routes', 1e6, 400)]],
  [
    'what is no number',
    [
      figure({ ratio: Number.NaN, spread: [Number.NaN, -2] }),
      grown('x', 100, -3),
      grown('y', 100, Number.NaN),
    ],
  ],
  [
    'many lines',
    Array.from({ length: 20 }, (_, index) => grown(`thing ${index}`, 10 ** (1 + (index % 5)), 1.1)),
  ],
]

describe.each([
  ['ratios', ratioChart],
  ['growth', growthChart],
])('the chart of %s', (_, chart) => {
  it.each(DRAWN)('of %s is well-formed, and every place in it a number', (_what, figures) => {
    const text = chart(figures)
    expect(faultOf(text)).toBe(null)
    expect(text.replaceAll(/<text[^<]*<\/text>/g, '')).not.toMatch(/NaN|Infinity|undefined/)
    expect(text).toContain('@media (prefers-color-scheme:dark)')
  })
})

describe('publishing', () => {
  let docs = ''
  const read = (file: string): string => readFileSync(join(docs, file), 'utf8')
  beforeEach(() => {
    docs = mkdtempSync(join(tmpdir(), 'postern-docs-'))
    writeFileSync(
      join(docs, 'performance.md'),
      '<!-- bench:node -->\n<!-- /bench:node -->\n<!-- bench:stores -->\n<!-- /bench:stores -->\n',
    )
  })
  afterEach(() => rmSync(docs, { recursive: true, force: true }))

  it('writes the table, the findings and both charts', () => {
    publish({ node: findings() }, docs)
    expect(read('performance.md')).toContain('| a check | bare `Hono` |')
    expect(JSON.parse(read('performance.json'))).toMatchObject({ node: { commit: 'abc1234' } })
    expect(readdirSync(join(docs, 'performance')).sort()).toEqual(['growth.svg', 'ratios.svg'])
  })

  it('of one group leaves the others as they were published', () => {
    publish({ node: findings(), stores: findings({ commit: 'older' }) }, docs)
    publish({ node: findings({ commit: 'newer' }) }, docs)
    expect(read('performance.md')).toMatch(/commit newer[\s\S]*commit older/)
    expect(Object.keys(JSON.parse(read('performance.json')))).toEqual(['node', 'stores'])
  })
})

it('docs/performance.md has a place for every group, and for the account', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/performance.md'), 'utf8')
  for (const name of [...Object.keys(GROUPS), 'account']) expect(between(page, name, 'x')).toContain('\nx\n')
})
