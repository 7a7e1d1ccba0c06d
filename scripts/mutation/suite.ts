/** Test files and how one test of one is run: loaded as often as one likes, each time with modules of its own. */

import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Collection, collect, type Suite, type Test } from './vitest.ts'

/** What Stryker's instrumented sources look at and count in. */
export interface Namespace {
  activeMutant: string | undefined
  currentTestId: string | undefined
  hitCount: number | undefined
  hitLimit: number | undefined
  mutantCoverage: { static: Record<string, number>; perTest: Record<string, Record<string, number>> }
}

export const namespace: Namespace = {
  activeMutant: undefined,
  currentTestId: undefined,
  hitCount: undefined,
  hitLimit: undefined,
  mutantCoverage: { static: {}, perTest: {} },
}
Object.assign(globalThis, { __stryker__: namespace })

/** Hits of one mutant within one test beyond which it is in an endless loop. */
const HIT_LIMIT = 1_000_000

/** Milliseconds that a test may spend waiting for nothing, and of processor time: a busy machine makes no test late. */
const IDLE = 2_000
const BUSY = 5_000

export type Outcome = 'passed' | 'failed' | 'late'

let serial = 0

/**
 * Lets everything below a folder be loaded again and again: what a module imports carries the number of its load.
 * @param root the folder of the instrumented copy
 */
export function isolate(root: string): void {
  const inside = pathToFileURL(`${root}/`).href
  const sources = new Map<string, string>()
  const stand = new URL('./vitest.ts', import.meta.url).href
  registerHooks({
    resolve(specifier, context, next) {
      const from = context.parentURL ?? ''
      if (!from.startsWith(inside)) return next(specifier, context)
      if (specifier === 'vitest') return { url: stand, format: 'module-typescript', shortCircuit: true }
      if (!specifier.startsWith('.')) return next(specifier, context)
      const load = new URL(from).search
      return { url: new URL(specifier, from).href + load, shortCircuit: true }
    },
    load(url, context, next) {
      if (!url.startsWith(inside) || !url.includes('.ts')) return next(url, context)
      const path = fileURLToPath(url.replace(/\?.*/, ''))
      const source = sources.get(path) ?? readFileSync(path, 'utf8')
      sources.set(path, source)
      return { format: 'module', source, shortCircuit: true }
    },
  })
}

/** A test file of the instrumented copy. */
export class TestFile {
  readonly path: string
  readonly #root: string
  #loaded: Promise<Collection> | null = null

  constructor(root: string, path: string) {
    this.#root = root
    this.path = path
  }

  /** Its tests; loaded on the first call, under the mutant that is active then. */
  load(): Promise<Collection> {
    this.#loaded ??= (async () => {
      const found = collect()
      await import(`${pathToFileURL(join(this.#root, this.path)).href}?load=${serial++}`)
      return found
    })()
    return this.#loaded
  }

  /** Ends what the file has open; it is loaded anew when it is needed again. */
  async unload(): Promise<void> {
    const loaded = this.#loaded
    this.#loaded = null
    const found = await loaded?.catch(() => null)
    if (found === null || found === undefined) return
    const suites = new Set<Suite>([found.root, ...found.tests.map(({ suite }) => suite)])
    for (const suite of suites) {
      if (suite.ready === null) continue
      for (const hook of suite.afterAll) await inTime(async () => hook(contextOf('afterAll')))
    }
  }

  /** Runs what a test's blocks want to have run before all their tests. */
  async prepare(index: number): Promise<Outcome> {
    const { tests } = await this.load()
    return inTime(() => prepare((tests[index] as Test).suite))
  }

  /**
   * Runs one test with its hooks.
   * @param mutant the one that is active; null for none
   */
  async run(index: number, mutant: string | null, always = false): Promise<Outcome> {
    const found = await this.load()
    const test = found.tests[index] as Test
    namespace.hitCount = 0
    namespace.hitLimit = HIT_LIMIT
    if (!always) namespace.activeMutant = undefined
    const prepared = await this.prepare(index)
    if (prepared !== 'passed') return prepared
    namespace.activeMutant = mutant ?? undefined
    const outcome = await inTime(() => play(test))
    if (!always) namespace.activeMutant = undefined
    return outcome
  }
}

const contextOf = (name: string) => ({ task: { name, meta: {} } })

/** The hooks before all tests of a block, once, those of the blocks around it first. */
async function prepare(suite: Suite): Promise<void> {
  if (suite.parent !== null) await prepare(suite.parent)
  suite.ready ??= (async () => {
    for (const hook of suite.beforeAll) await hook(contextOf('beforeAll'))
  })()
  await suite.ready
}

/** Counts what is thrown outside of any promise that the test awaits. */
let stray = 0
process.on('unhandledRejection', () => void stray++)
process.on('uncaughtException', () => void stray++)

async function play({ name, suite, run }: Test): Promise<void> {
  const context = contextOf(name)
  const around: Suite[] = []
  for (let one: Suite | null = suite; one !== null; one = one.parent) around.unshift(one)
  const before = stray
  try {
    for (const one of around) for (const hook of one.beforeEach) await hook(context)
    await run(context)
  } finally {
    for (const one of around.reverse()) for (const hook of one.afterEach) await hook(context)
  }
  if (stray !== before) throw new Error('thrown outside of the test')
}

async function inTime(work: () => Promise<unknown>): Promise<Outcome> {
  const [idle, busy] = spent()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome>((resolve) => {
    timer = setInterval(() => {
      const [idleNow, busyNow] = spent()
      if (idleNow - idle > IDLE || busyNow - busy > BUSY) resolve('late')
    }, 100)
  })
  const done = work().then(
    (): Outcome => 'passed',
    (): Outcome => 'failed',
  )
  try {
    return await Promise.race([done, late])
  } finally {
    clearInterval(timer)
  }
}

/** Milliseconds so far in which there was nothing to do, and of processor time. */
export function spent(): readonly [idle: number, busy: number] {
  const { user, system } = process.cpuUsage()
  return [performance.eventLoopUtilization().idle, (user + system) / 1000]
}
