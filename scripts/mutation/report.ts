/** What mutation testing found, as docs/security/mutation.md. */

import { EXPLAINED } from './explained.ts'
import type { Verdict } from './protocol.ts'
import type { Mutant } from './sandbox.ts'

/** A mutant and what became of it. */
export type Judged = Mutant & Verdict

/** The least score of all files together, in per cent. */
export const LEAST = 90

const isSurvivor = ({ status }: Judged): boolean => status === 'Survived' || status === 'NoCoverage'

/** Survivors that nobody has explained. */
export const unexplained = (judged: readonly Judged[]): readonly Judged[] =>
  judged.filter((one) => isSurvivor(one) && explanationOf(one) === undefined)

const explanationOf = (one: Judged) =>
  EXPLAINED.find(({ mutants }) =>
    mutants.some(
      ([file, mutator, ...originals]) =>
        file === one.file && mutator === one.mutator && originals.includes(one.original),
    ),
  )

interface Counts {
  readonly killed: number
  readonly late: number
  readonly survived: number
  readonly uncovered: number
}

function countsOf(judged: readonly Judged[]): Counts {
  const count = (status: Verdict['status']) => judged.filter((one) => one.status === status).length
  return {
    killed: count('Killed'),
    late: count('Timeout'),
    survived: count('Survived'),
    uncovered: count('NoCoverage'),
  }
}

/** Per cent of the mutants that some test noticed. */
export function scoreOf(judged: readonly Judged[]): number {
  const { killed, late, survived, uncovered } = countsOf(judged)
  return (100 * (killed + late)) / Math.max(1, killed + late + survived + uncovered)
}

const row = (name: string, judged: readonly Judged[]): string => {
  const { killed, late, survived, uncovered } = countsOf(judged)
  return `| ${name} | ${killed} | ${late} | ${survived} | ${uncovered} | ${scoreOf(judged).toFixed(1)} % |`
}

/** A text as code within a table or list, whatever it holds. */
function code(text: string): string {
  const short = text.length > 100 ? `${text.slice(0, 97)}...` : text
  const fence = short.includes('`') ? '``' : '`'
  const pad = short.startsWith('`') || short.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${short.replace(/\s+/g, ' ')}${pad}${fence}`
}

const told = (one: Judged): string =>
  `- ${one.file}:${one.line} ${one.mutator}: ${code(one.original)} → ${one.replacement === '' ? 'nothing' : code(one.replacement)}`

/** The page. @param facts what the run was like @param date of the run, such as 2026-11-21 */
export function page(
  judged: readonly Judged[],
  facts: { readonly date: string; readonly tests: number },
): string {
  const files = [...new Set(judged.map(({ file }) => file))].sort()
  const survivors = judged.filter(isSurvivor)
  const groups = EXPLAINED.map(({ why, mutants: _ }, index) => ({
    why,
    found: survivors.filter((one) => explanationOf(one) === EXPLAINED[index]),
  })).filter(({ found }) => found.length > 0)
  return `# Mutation testing

Every operator, condition, constant, text and call in \`src/core\`, the JWT and the API-key credentials is changed, one
at a time, and the tests are asked whether they notice. What they do not notice is either something that they should
have looked at, or a change that changes nothing: each survivor is listed below with the reason.

Score on ${facts.date}: **${scoreOf(judged).toFixed(1)} %** of ${judged.filter(({ status }) => status !== 'Ignored').length} mutants, by ${facts.tests} tests. \`npm run mutation\` repeats it and writes
this page; it fails below ${LEAST} %, and for a survivor that \`scripts/mutation/explained.ts\` does not explain.

## How it is done

Stryker's instrumenter puts all mutants into a copy of the sources, each asleep until it is called by its number. The
suites in \`test/core\` and \`test/credentials\`, with some of \`test/policy\` and the scenarios on the core, are loaded once
into each of two processes. A first run without a mutant notes which test passes through which mutant; then each mutant
is woken and its tests are run, the cheapest first, until one fails.

- A failure counts only when the same test passes without the mutant right after it: what an earlier mutant left behind
  kills nobody. What only runs while a module is loaded is judged with all modules loaded anew.
- A mutant that never ends, or takes all memory, is late: a test would have hung. Time is processor time, so a busy machine
  makes nobody late.
- A mutant is asked for a second of tests and for all of its file's own (\`test/core/path.test.ts\` for
  \`src/core/path.ts\`): nearly every test passes through the core, and hundreds of them are answer enough.
- What was killed stays so until its source changes or its test goes (\`.tmp/mutation\`); \`npm run mutation -- --fresh\`
  forgets that. The whole takes some ten minutes on two idle cores; \`npm run mutation -- src/core/path.ts\` takes one.

## Scores

| File | Killed | Late | Survived | Not covered | Score |
|---|---|---|---|---|---|
${files
  .map((file) =>
    row(
      file,
      judged.filter((one) => one.file === file),
    ),
  )
  .join('\n')}
${row('**all**', judged)}

## Survivors

${groups.map(({ why, found }) => `### ${why}\n\n${found.map(told).join('\n')}`).join('\n\n')}
`
}
