/** One process that runs tests against mutants: it is told which, one at a time, and says what became of each. */

import type { Case, Cover, FromWorker, ToWorker, Verdict } from './protocol.ts'
import { isolate, namespace, spent, TestFile } from './suite.ts'

const [root, ...paths] = process.argv.slice(2) as [string, ...string[]]
isolate(root)
process.chdir(root)
await import(`${root}/test/support/seed.ts?load=seed`)
const files = paths.map((path) => new TestFile(root, path))
const busy = () => spent()[1]
const say = (message: FromWorker) => process.send?.(message)

/** Runs every test without a mutant, and notes which mutants each passes through. */
async function survey(): Promise<Cover> {
  const cases: Case[] = []
  const failed: string[] = []
  const loads: Cover['loads'][number][] = []
  const { perTest } = namespace.mutantCoverage
  const hits = (id: string) => Object.keys(perTest[id] ?? {})
  for (const [file, one] of files.entries()) {
    const load = `load ${one.path}`
    namespace.currentTestId = load
    const start = busy()
    const { tests } = await one.load()
    for (const index of tests.keys()) {
      const id = `${one.path} ${index}`
      // What the hooks before all tests pass through belongs to the load.
      namespace.currentTestId = load
      await one.prepare(index)
      const begun = busy()
      namespace.currentTestId = id
      const outcome = await one.run(index, null)
      namespace.currentTestId = undefined
      const cost = busy() - begun
      if (outcome !== 'passed') failed.push(`${one.path}: ${tests[index]?.name} (${outcome})`)
      else cases.push({ file, test: index, name: tests[index]?.name ?? '', cost, mutants: hits(id) })
      delete perTest[id]
    }
    loads.push({ file, cost: busy() - start, mutants: hits(load) })
    await one.unload()
    say({ kind: 'progress', text: `${one.path}: ${tests.length} tests` })
  }
  return { cases, loads, failed }
}

/** Whether a test that fails under a mutant passes without it: else what ran before has left something behind. */
async function kills(one: TestFile, test: number, mutant: string): Promise<boolean | 'late'> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const outcome = await one.run(test, mutant)
    if (outcome === 'passed') return false
    if (outcome === 'late') {
      await one.unload()
      return 'late'
    }
    if ((await one.run(test, null)) === 'passed') return true
    await one.unload()
    if ((await one.run(test, null)) !== 'passed') return false
  }
  return false
}

async function judge(
  mutant: string,
  cases: readonly Omit<Case, 'mutants'>[],
  loads: readonly number[],
): Promise<Verdict> {
  for (const { file, test, name } of cases) {
    const killed = await kills(files[file] as TestFile, test, mutant)
    if (killed === 'late') return { status: 'Timeout', by: name }
    if (killed) return { status: 'Killed', by: name }
  }
  for (const file of loads) {
    const verdict = await judgeLoad(new TestFile(root, paths[file] as string), mutant)
    if (verdict !== null) return verdict
  }
  return { status: 'Survived', by: null }
}

/** Runs all tests of a file that was loaded under the mutant. */
async function judgeLoad(one: TestFile, mutant: string): Promise<Verdict | null> {
  namespace.hitCount = 0
  namespace.activeMutant = mutant
  try {
    const { tests } = await one.load()
    for (const [index, { name }] of tests.entries()) {
      const outcome = await one.run(index, mutant, true)
      if (outcome !== 'passed') return { status: outcome === 'late' ? 'Timeout' : 'Killed', by: name }
    }
    return null
  } catch {
    return { status: 'Killed', by: `the load of ${one.path}` }
  } finally {
    namespace.activeMutant = undefined
    await one.unload()
  }
}

process.on('message', async (message: ToWorker) => {
  if (message.kind === 'survey') say({ kind: 'cover', cover: await survey() })
  else {
    const verdict = await judge(message.mutant, message.cases, message.loads)
    say({ kind: 'verdict', mutant: message.mutant, verdict })
  }
})
say({ kind: 'progress', text: 'ready' })
