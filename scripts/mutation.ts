/**
 * `npm run mutation`: changes the core and the credentials in thousands of small ways, and asks for each whether some
 * test notices. `npm run mutation -- src/core/path.ts ...` judges these files only and writes no page.
 */

import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { judgeAll, survey } from './mutation/crew.ts'
import type { Case, Verdict } from './mutation/protocol.ts'
import { type Judged, LEAST, page, scoreOf, unexplained } from './mutation/report.ts'
import { type Mutant, sandbox } from './mutation/sandbox.ts'

const ROOT = join(import.meta.dirname, '..')
const WORK = join(ROOT, '.tmp/mutation')
const KNOWN = join(WORK, `known-${process.pid}.json`)

/** What is judged: all that decides. */
const MUTATED = [
  'src/core/**/*.ts',
  'src/credentials/{jwt,api-key}.ts',
  'src/credentials/{jwt,api-key}/**/*.ts',
  'src/credentials/key-record.ts',
]

/** What judges: the suites that need no process but this one. */
const SUITES = [
  'test/core/**/*.test.ts',
  'test/credentials/**/*.test.ts',
  'test/policy/{problems,together,reference}.test.ts',
  'test/scenarios/core.test.ts',
]

/** Milliseconds of tests that one mutant is asked. */
const BUDGET = Number(process.env['POSTERN_BUDGET'] ?? 1000)

const args = process.argv.slice(2)
const chosen = args.filter((one) => !one.startsWith('--'))
const mutated = (chosen.length > 0 ? chosen : MUTATED).flatMap((one) => globSync(one, { cwd: ROOT }))
const suites = SUITES.flatMap((one) => globSync(one, { cwd: ROOT })).sort()
const box = join(WORK, `sandbox-${process.pid}`)
const start = performance.now()
const say = (text: string) => console.log(`${((performance.now() - start) / 1000).toFixed(0)} s: ${text}`)

mkdirSync(WORK, { recursive: true })
const mutants = await sandbox(ROOT, box, mutated)
say(`${mutants.length} mutants in ${mutated.length} files`)
const cover = await survey(box, suites, () => {})
for (const line of cover.failed) console.error(`fails without any mutant: ${line}`)
say(`${cover.cases.length} tests`)

/** What tests noticed before they notice again, as long as neither the source nor the name of the test has changed. */
const known = new Map<string, Verdict>(args.includes('--fresh') ? [] : readKnown())
const hashes = new Map(
  mutated.map((file) => [
    file,
    createHash('sha256')
      .update(readFileSync(join(ROOT, file)))
      .digest('hex'),
  ]),
)
const names = new Set(cover.cases.map(({ name }) => name))
/** Of all that judges: as long as it is the same, so is what nobody noticed. */
const judges = createHash('sha256')
  .update(
    globSync('test/{core,credentials}/**/*.ts', { cwd: ROOT })
      .sort()
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\0'),
  )
  .update(String(BUDGET))
  .digest('hex')
const keyOf = (one: Mutant) =>
  `${hashes.get(one.file)} ${one.line}:${one.column} ${one.mutator} ${one.replacement}`
function readKnown(): [string, Verdict][] {
  const before = globSync('known-*.json', { cwd: WORK })
  return before.flatMap((name) => JSON.parse(readFileSync(join(WORK, name), 'utf8')) as [string, Verdict][])
}

const verdicts = new Map<string, Verdict>()
/** Tests that have killed a mutant of a file kill others of it. */
const killers = new Map<string, Map<string, number>>()
const cases = new Map<string, (typeof cover.cases)[number][]>()
for (const one of cover.cases) {
  for (const id of one.mutants) {
    const list = cases.get(id)
    if (list === undefined) cases.set(id, [one])
    else list.push(one)
  }
}

/** Whether a suite is a source's own: `test/core/path.test.ts` of `src/core/path.ts` and of `src/core/path-steps.ts`. */
function isOwn(file: string, suite: number): boolean {
  const [stem, own] = [stemOf(file), stemOf(suites[suite] ?? '')]
  return stem === own || stem.startsWith(`${own}-`) || own.startsWith(`${stem}-`)
}

const stemOf = (path: string): string => path.replace(/^(?:src|test)/, '').replace(/(?:\.test)?\.ts$/, '')

/** How much a suite is likely to know of a source: its own most, those of its room more than others. */
function nearness(file: string, suite: number): number {
  if (isOwn(file, suite)) return 100
  const room = stemOf(file).replace(/\/[^/]+$/, '')
  return stemOf(suites[suite] ?? '').startsWith(room) ? 5 : 1
}

/**
 * What is asked of a mutant: the tests that pass through it and cost little, and those of its file whatever they cost.
 * Nearly all tests pass through much of the core; that none of hundreds notices is answer enough.
 */
function taskOf({ id, file }: Mutant) {
  const kills = killers.get(file)
  const worth = (one: Omit<Case, 'mutants'>) =>
    one.cost / (1 + 5 * (kills?.get(one.name) ?? 0)) / nearness(file, one.file)
  const found = (cases.get(id) ?? []).toSorted((a, b) => worth(a) - worth(b))
  // What only loading passes through is asked of whole files.
  let left = found.length === 0 ? 2 * BUDGET : BUDGET
  const affordable = (one: { readonly file: number; readonly cost: number }): boolean => {
    if (isOwn(file, one.file)) return true
    left -= one.cost
    return left >= 0
  }
  const asked = found.filter(affordable)
  const loads = cover.loads
    .filter((one) => one.mutants.includes(id))
    .sort((a, b) => a.cost / nearness(file, a.file) - b.cost / nearness(file, b.file))
  const loaded = loads.filter(affordable)
  return {
    kind: 'judge' as const,
    mutant: id,
    cases: asked.map(({ file, test, name, cost }) => ({ file, test, name, cost })),
    // Tests of its own are run once more from the start: what they keep between them may hide it.
    loads: [...new Set([...found.filter((one) => isOwn(file, one.file)), ...loaded].map((one) => one.file))],
  }
}

function* tasks() {
  for (const mutant of mutants) {
    const { id, ignored } = mutant
    const before = known.get(keyOf(mutant))
    if (ignored !== null) verdicts.set(id, { status: 'Ignored', by: ignored })
    else if (
      before !== undefined &&
      (before.status === 'Survived' ? before.by === judges : names.has(before.by ?? ''))
    )
      verdicts.set(id, before)
    else {
      const task = taskOf(mutant)
      if (task.cases.length > 0 || task.loads.length > 0) yield task
      else verdicts.set(id, { status: 'NoCoverage', by: null })
    }
  }
}

const fileOf = new Map(mutants.map(({ id, file }) => [id, file]))
await judgeAll(box, suites, tasks(), Number(process.env['POSTERN_PROCESSES'] ?? 2), (mutant, verdict) => {
  verdicts.set(mutant, verdict)
  if (verdict.status === 'Killed' && verdict.by !== null) {
    const file = fileOf.get(mutant) ?? ''
    const kills = killers.get(file) ?? new Map<string, number>()
    killers.set(file, kills.set(verdict.by, (kills.get(verdict.by) ?? 0) + 1))
  }
  const one = mutants.find(({ id }) => id === mutant) as Mutant
  if (verdict.status === 'Killed') known.set(keyOf(one), verdict)
  if (verdict.status === 'Survived') known.set(keyOf(one), { ...verdict, by: judges })
  if (verdicts.size % 50 === 0) writeFileSync(KNOWN, JSON.stringify([...known]))
  const told = mutants.find(({ id }) => id === mutant) as Mutant
  if (verdict.status === 'Survived')
    console.log(
      `  ${told.file}:${told.line}:${told.column} ${told.mutator} ${told.original.slice(0, 90)} -> ${told.replacement.replace(/\s+/g, ' ').slice(0, 70)}`,
    )
  if (verdicts.size % 100 === 0) say(`${verdicts.size} of ${mutants.length}`)
})

writeFileSync(KNOWN, JSON.stringify([...known]))
rmSync(box, { recursive: true, force: true })
const judged: Judged[] = mutants.map((one) => ({ ...one, ...(verdicts.get(one.id) as Verdict) }))
writeFileSync(
  join(WORK, chosen.length > 0 ? `part-${process.pid}.json` : 'report.json'),
  JSON.stringify(judged, null, 1),
)
for (const one of unexplained(judged))
  console.error(
    `${one.file}:${one.line} survives unexplained: ${one.mutator} ${one.original} -> ${one.replacement}`,
  )
say(`${scoreOf(judged).toFixed(1)} %`)
if (chosen.length === 0) {
  const facts = { date: new Date().toISOString().slice(0, 10), tests: cover.cases.length }
  writeFileSync(join(ROOT, 'docs/security/mutation.md'), page(judged, facts))
}
process.exitCode = scoreOf(judged) < LEAST || unexplained(judged).length > 0 ? 1 : 0
