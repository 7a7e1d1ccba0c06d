/** `npm run conformance`: plays every scenario everywhere and writes docs/conformance.md from what was seen. */

import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startVitest, type TestCase } from 'vitest/node'

const FILE = join(import.meta.dirname, '..', 'docs', 'conformance.md')

/** Collects what became of each scenario at each target. */
class Collector {
  readonly versions: Record<string, string> = {}
  readonly seen = new Set<string>()
  readonly failed: string[] = []

  onTestCaseResult(test: TestCase): void {
    const { version, scenario } = test.meta()
    const { state } = test.result()
    if (state !== 'passed') this.failed.push(test.fullName)
    else if (version !== undefined) this.versions[version.target] = version.version
    else if (scenario !== undefined) this.seen.add(`${scenario.target} ${scenario.row}`)
  }
}

const collector = new Collector()
// Whether the document is current is a test as well, and the only one that may be red here.
const suites = globSync('test/scenarios/*.test.ts').filter((file) => !file.endsWith('document.test.ts'))
const run = await startVitest('test', suites, { watch: false, reporters: ['default', collector] })
await run.close()

// Loaded after the run: both make keys of their own.
const [{ documentOf }, { ROWS }, { TARGETS }, { outlook }] = await Promise.all([
  import('../test/scenarios/document.ts'),
  import('../test/scenarios/table.ts'),
  import('../test/scenarios/targets/index.ts'),
  import('../test/scenarios/targets/target.ts'),
])
const missing = TARGETS.flatMap((target) =>
  ROWS.filter(
    (row) => outlook(target, row).seen !== null && !collector.seen.has(`${target.name} ${row.id}`),
  ).map((row) => `${target.name}: ${row.id}`),
)
if (missing.length > 0 || collector.failed.length > 0) {
  for (const name of [...collector.failed, ...missing].slice(0, 20)) console.error(`not seen: ${name}`)
  console.error('docs/conformance.md stays as it is: it is written from a run in which everything was seen')
  process.exitCode = 1
} else {
  writeFileSync(FILE, documentOf(collector.versions))
  console.log(`wrote docs/conformance.md: ${ROWS.length} scenarios, ${TARGETS.length} ways in`)
}
