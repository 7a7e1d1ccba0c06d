/**
 * `npm run bench`: what Postern costs, as ratios within one run.
 *
 * `--only GROUP` (more than once) runs a part, `--quick` only proves that everything runs, `--json FILE` writes the
 * findings, `--write` publishes them in docs/performance.md, and `--profile` tells where a warm decision's time goes.
 */
import { writeFileSync } from 'node:fs'
import type { Figure } from './figure.ts'
import { GROUPS, type Part } from './groups.ts'
import { parseOptions } from './options.ts'
import { pin } from './pin.ts'
import { accountTable, warmAccount } from './profile/index.ts'
import { type GroupFindings, jsonOf, provenance } from './report/findings.ts'
import { publish } from './report/publish.ts'
import { rowOf } from './report/table.ts'

const parsed = parseOptions(process.argv.slice(2), Object.keys(GROUPS))
if (!parsed.ok) {
  console.error(`bench: ${parsed.problem}`)
  process.exit(2)
}
const { only, quick, json, write, profile } = parsed.options

const findings: Record<string, GroupFindings> = {}
for (const name of profile ? [] : only) findings[name] = await measured(name, GROUPS[name] as Part)
if (profile) {
  console.log(accountTable(await warmAccount({ quick })))
}
if (json !== null) writeFileSync(json, jsonOf(findings))
if (write) publish(findings)

async function measured(name: string, { run, pinned, accounted }: Part): Promise<GroupFindings> {
  const figures: Figure[] = []
  const notes: string[] = []
  console.log(`\n${name}`)
  // What proves nothing but that it runs need not wait for one processor.
  const from = provenance(new Date(), pin(pinned && !quick))
  const began = performance.now()
  await run({ quick, note: (text) => void notes.push(text) }, (figure) => {
    figures.push(figure)
    console.log(quick ? `- ${figure.what}: runs` : rowOf(figure, figures.length === 1))
  })
  const account = accounted ? await warmAccount({ quick }) : null
  if (account !== null)
    console.log(quick ? '- the account of a warm decision: runs' : `\n${accountTable(account)}\n`)
  const seconds = Math.round((performance.now() - began) / 1000)
  for (const note of notes) console.log(`- ${note}`)
  console.log(`${seconds} s`)
  return { ...from, seconds, figures, notes, ...(account === null ? {} : { account }) }
}
