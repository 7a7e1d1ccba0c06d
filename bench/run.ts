/**
 * `npm run bench`: what Postern costs, as ratios within one run.
 *
 * `--only GROUP` (more than once) runs a part, `--quick` only proves that everything runs, `--json FILE` writes the
 * findings, `--write` publishes them in docs/performance.md, and `--profile` tells where a warm decision's time goes.
 */
import { writeFileSync } from 'node:fs'
import type { Figure } from './figure.ts'
import { GROUPS } from './groups.ts'
import { parseOptions } from './options.ts'
import { pinToOneProcessor } from './pin.ts'
import type { Print } from './plan.ts'
import { type GroupFindings, provenance } from './report/findings.ts'
import { publish } from './report/publish.ts'
import { rowOf } from './report/table.ts'

const parsed = parseOptions(process.argv.slice(2), Object.keys(GROUPS))
if (!parsed.ok) {
  console.error(`bench: ${parsed.problem}`)
  process.exit(2)
}
const { only, quick, json, write } = parsed.options
pinToOneProcessor()

const findings: Record<string, GroupFindings> = {}
for (const name of only) {
  const figures: Figure[] = []
  const notes: string[] = []
  const began = performance.now()
  console.log(`\n${name}`)
  const print: Print = (figure) => {
    figures.push(figure)
    console.log(quick ? `- ${figure.what}: runs` : rowOf(figure, figures.length === 1))
  }
  await GROUPS[name]?.({ quick, note: (text) => void notes.push(text) }, print)
  const seconds = Math.round((performance.now() - began) / 1000)
  for (const note of notes) console.log(`- ${note}`)
  console.log(`${seconds} s`)
  findings[name] = { ...provenance(new Date()), seconds, figures, notes }
}
if (json !== null) writeFileSync(json, `${JSON.stringify(findings, null, 2)}\n`)
if (write) publish(findings)
