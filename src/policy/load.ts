import type { Environment } from '../schema/environment.ts'
import type { Path } from '../schema/problem.ts'
import type { Runtime } from '../stores/contract.ts'
import { readForm } from './form.ts'
import { inspectLists } from './inspect/lists.ts'
import { inspect } from './inspect.ts'
import { Places, textOf } from './places.ts'
import { References } from './references.ts'
import type { Policy } from './schema.ts'
import { type Position, readSource } from './source.ts'

/** A problem with its place, ready to be printed. */
export interface LocatedProblem extends Position {
  readonly file: string
  /** As in `routes.admin.limits[1]`; empty for the whole file. */
  readonly path: string
  readonly message: string
}

export type Loaded =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly LocatedProblem[] }

/** Text and environment to a policy, or every problem that stands in its way, sorted by place. */
export function loadPolicy(
  text: string,
  options: {
    /** Null: references are followed later. */
    readonly environment: Environment | null
    readonly file: string
    /** Where it is to hold; absent: wherever it can. */
    readonly runtime?: Runtime
  },
): Loaded {
  const source = readSource(text)
  const problems = new Map<string, LocatedProblem>()
  const locate = (path: Path, message: string, { line, column }: Position) => {
    const problem = { file: options.file, line, column, path: textOf(path), message }
    problems.set(JSON.stringify([line, column, problem.path, message]), problem)
  }
  for (const fault of source.faults) locate(fault.path, fault.message, fault)
  if (source.data === undefined) return refusal(problems)

  const {
    policy,
    draft,
    problems: misshapen,
    said,
    original,
  } = readForm(
    source.data,
    source.faults.map(({ path }) => path),
  )
  /** What stands behind the place where the text breaks off is the parser's guess, and nobody's mistake. */
  const isGuess = ({ line }: Position) => source.broken !== null && line >= source.broken.line
  const report = (path: Path, message: string, place: Position) => {
    if (!isGuess(place)) locate(path, message, place)
  }
  for (const { path, message, about } of misshapen) {
    if (about === 'missing' && source.broken !== null) continue
    report(path, message, about === 'key' ? source.positionOfKey(path) : source.positionOf(path))
  }

  const references = new References(options.environment)
  references.inspect(source.data, (path, message) => {
    if (!said.has(path)) report(path, message, source.positionOf(path))
  })
  references.resolve(draft)
  const told = new Places()
  // Names may have been lost with the rest of a text that breaks off, so that none is called unknown.
  if (source.broken === null)
    inspect(draft, source.data, options.runtime ?? null, (path, message) => {
      const place = original(path)
      if (said.touch(place)) return
      told.add(place)
      report(place, message, source.positionOf(place))
    })
  inspectLists(source.data, (path, message) => {
    if (!said.touch(path) && !told.has(path)) report(path, message, source.positionOf(path))
  })
  return policy !== null && problems.size === 0 ? { ok: true, policy } : refusal(problems)
}

const refusal = (problems: ReadonlyMap<string, LocatedProblem>): Loaded => ({
  ok: false,
  problems: [...problems.values()].sort((a, b) => a.line - b.line || a.column - b.column),
})
