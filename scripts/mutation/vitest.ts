/**
 * What suites import as `vitest` while they are run against mutants. Vitest itself needs seconds to start a file; here
 * a file is loaded once, and each of its tests can be run on its own, again and again, in microseconds.
 */

import { format } from 'node:util'
import { expect as vitestExpect } from 'vitest'

/** Where its matchers look for the path of the file; without a runner there is none. */
Object.assign(globalThis, { __vitest_worker__: { filepath: undefined } })

type Body = (...given: never[]) => unknown
type Hook = (context: Context) => unknown

interface Context {
  readonly task: { readonly name: string; readonly meta: Record<string, unknown> }
}

/** A block of tests with what runs around them. */
export interface Suite {
  readonly parent: Suite | null
  readonly beforeAll: Hook[]
  readonly afterAll: Hook[]
  readonly beforeEach: Hook[]
  readonly afterEach: Hook[]
  /** The run of its `beforeAll` hooks, once one of its tests has been asked for. */
  ready: Promise<void> | null
}

export interface Test {
  readonly name: string
  readonly suite: Suite
  readonly run: (context: Context) => unknown
}

/** A file's tests as they are registered. */
export interface Collection {
  readonly root: Suite
  readonly tests: Test[]
}

const suiteWithin = (parent: Suite | null): Suite => ({
  parent,
  beforeAll: [],
  afterAll: [],
  beforeEach: [],
  afterEach: [],
  ready: null,
})

let collection: Collection = { root: suiteWithin(null), tests: [] }
let current: Suite = collection.root
let names: string[] = []

/** Everything that is registered from now on belongs to a file of its own. */
export function collect(): Collection {
  collection = { root: suiteWithin(null), tests: [] }
  current = collection.root
  names = []
  return collection
}

function addTest(name: string, run: Test['run']): void {
  collection.tests.push({ name: [...names, name].join(' > ').slice(0, 200), suite: current, run })
}

function addSuite(name: string, body: () => unknown): void {
  const before = current
  current = suiteWithin(before)
  names.push(name)
  body()
  names.pop()
  current = before
}

/** `describe` and `it` have the same forms: plain, `each`, `for`, and on a condition. */
function forms(add: (name: string, body: Body) => void) {
  const plain = (name: string, body: Body) => add(name, body)
  const ignored = Object.assign(() => {}, { each: () => () => {}, for: () => () => {} })
  const all = Object.assign(plain, {
    each: (rows: readonly unknown[]) => (name: string, body: (...row: unknown[]) => unknown) => {
      // Rows are spread where all of them are lists.
      const spread = rows.every(Array.isArray)
      for (const row of rows) {
        const given = spread ? (row as unknown[]) : [row]
        add(format(name, ...given), (() => body(...given)) as Body)
      }
    },
    for: (rows: readonly unknown[]) => (name: string, body: (row: unknown, context: unknown) => unknown) => {
      for (const row of rows) add(format(name, row), ((context: unknown) => body(row, context)) as Body)
    },
    skip: ignored,
    skipIf: (condition: unknown) => (condition ? ignored : all),
    runIf: (condition: unknown) => (condition ? all : ignored),
  })
  return all
}

export const describe = forms((name, body) => addSuite(name, body as () => unknown))
export const it = forms((name, body) => addTest(name, body as Test['run']))
export const test = it
export const beforeAll = (hook: Hook): number => current.beforeAll.push(hook)
export const afterAll = (hook: Hook): number => current.afterAll.push(hook)
export const beforeEach = (hook: Hook): number => current.beforeEach.push(hook)
export const afterEach = (hook: Hook): number => current.afterEach.push(hook)

/** Vitest's own, but for `poll`, which asks the runner that is not there. */
export const expect = Object.assign(vitestExpect, { poll })

/** Asks for a second at most, by any one matcher. */
function poll(value: () => unknown, { interval = 5 } = {}) {
  const matcher =
    (name: string) =>
    async (...given: unknown[]) => {
      const end = performance.now() + 1000
      for (;;) {
        const asked = vitestExpect(await value()) as unknown as Record<string, (...given: unknown[]) => void>
        try {
          return asked[name]?.(...given)
        } catch (error) {
          if (performance.now() > end) throw error
        }
        await new Promise((resolve) => setTimeout(resolve, interval))
      }
    }
  return new Proxy({} as Record<string, ReturnType<typeof matcher>>, {
    get: (_, name) => matcher(String(name)),
  })
}
