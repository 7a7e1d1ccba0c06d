/** `npm test`: every check there is, one after the other, and the counts as the last line. */

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'

const REPORT = '.tmp/vitest.json'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const run = (command: string, args: readonly string[]): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit' })
    child.once('error', () => resolve(1))
    child.once('exit', (code) => resolve(code ?? 1))
  })

const counts: Counts = { passed: 0, failed: 0, skipped: 0 }

/** A step that has no tests of its own to count is one. */
async function step(name: string, command: string, args: readonly string[]): Promise<void> {
  console.log(`\n> ${name}`)
  const ok = (await run(command, args)) === 0
  counts[ok ? 'passed' : 'failed']++
  if (!ok) console.log(`FAILED: ${name}`)
}

/** The counts of a finished run of Vitest; a file that could not be run at all is one failure. */
function countSuites(code: number): void {
  if (!existsSync(REPORT)) {
    counts.failed++
    return
  }
  const report = JSON.parse(readFileSync(REPORT, 'utf8')) as {
    numPassedTests: number
    numFailedTests: number
    numPendingTests: number
    numTodoTests: number
    testResults: { status: string; assertionResults: unknown[] }[]
  }
  counts.passed += report.numPassedTests
  counts.skipped += report.numPendingTests + report.numTodoTests
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length
  counts.failed += report.numFailedTests + broken
  // An error outside of any test, such as an unhandled rejection.
  if (code !== 0 && report.numFailedTests + broken === 0) counts.failed++
}

mkdirSync('.tmp', { recursive: true })
rmSync(REPORT, { force: true })

await step('formatted and without lint', 'biome', ['ci', '--error-on-warnings', '.'])
await step('types hold', 'tsc', ['-p', '.'])
await step('every import goes the way the house has it', 'node', ['scripts/architecture.ts'])
await step('schema and docs say what the source says', 'node', ['scripts/generate.ts', '--check'])

console.log('\n> suites')
countSuites(
  await run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`]),
)

await step('the benchmark runs', 'node', ['bench/run.ts', '--quick'])

console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed === 0 ? 0 : 1
