import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountTable } from '../profile/index.ts'
import { type Findings, jsonOf } from './findings.ts'
import { growthChart } from './growth-chart.ts'
import { between } from './page.ts'
import { ratioChart } from './ratio-chart.ts'
import { section } from './table.ts'

const DOCS = join(import.meta.dirname, '..', '..', 'docs')

/**
 * Writes docs/performance.json, the tables of docs/performance.md and its charts. Groups that were not measured now
 * keep what was published of them, with its own date and commit.
 */
export function publish(found: Findings, docs = DOCS): void {
  const json = join(docs, 'performance.json')
  const known = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as Findings) : {}
  const findings: Findings = { ...known, ...found }
  writeFileSync(json, jsonOf(findings))

  const page = join(docs, 'performance.md')
  let text = readFileSync(page, 'utf8')
  for (const [group, of] of Object.entries(findings)) {
    text = between(text, group, section(of))
    if (of.account !== undefined) text = between(text, 'account', accountTable(of.account))
  }
  writeFileSync(page, text)

  const figures = Object.values(findings).flatMap((of) => of.figures)
  mkdirSync(join(docs, 'performance'), { recursive: true })
  writeFileSync(join(docs, 'performance', 'ratios.svg'), ratioChart(figures))
  writeFileSync(join(docs, 'performance', 'growth.svg'), growthChart(figures))
}
