import type { Environment } from '../schema/environment.ts'
import type { Path } from '../schema/problem.ts'
import { secretsIn } from '../schema/secret.ts'
import { inspect } from './inspect.ts'
import { Remainder } from './remainder.ts'
import { type Policy, policySchema } from './schema.ts'
import { messageOf, problemsOf } from './shape.ts'
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
  options: { readonly environment: Environment; readonly file: string },
): Loaded {
  const source = readSource(text)
  const problems = new Map<string, LocatedProblem>()
  const report = (path: Path, message: string, place: Position) => {
    const problem = {
      file: options.file,
      line: place.line,
      column: place.column,
      path: textOf(path),
      message,
    }
    problems.set(JSON.stringify([problem.line, problem.column, problem.path, message]), problem)
  }
  for (const { path, message, line, column } of source.faults) report(path, message, { line, column })

  if (source.data !== null || source.faults.length === 0) {
    // What is left out because of its form must not be missed a second time, by whatever should have held it.
    const misshapen = new Set<string>()
    const faulty = (path: Path) => misshapen.has(textOf(path))
    const around: Set<string> = new Set()
    const { policy, original } = parse(source.data, (path, message, about) => {
      if (faulty(path) || around.has(textOf(path))) return
      report(path, message, about === 'key' ? source.positionOfKey(path) : source.positionOf(path))
      misshapen.add(textOf(path))
      for (let length = 0; length < path.length; length++) around.add(textOf(path.slice(0, length)))
    })
    const references = new Set<string>()
    for (const found of secretsIn(policy)) {
      const { secret } = found
      const path = original(found.path)
      references.add(textOf(path))
      const value = resolve(secret.source, options.environment)
      if ('value' in value) secret.resolve(value.value)
      else report(path, value.fault, source.positionOf(path))
    }
    for (const path of strayReferences(source.data, references)) {
      const message =
        'holds a reference where none is read: only secrets and keys are given by reference, write the value'
      if (!faulty(path)) report(path, message, source.positionOf(path))
    }
    inspect(policy, source.data, (path, message) => {
      const place = original(path)
      const within = place.some((_, index) => faulty(place.slice(0, index + 1))) || faulty([])
      if (!within && !around.has(textOf(place))) report(place, message, source.positionOf(place))
    })
    if (problems.size === 0) return { ok: true, policy }
  }
  const sorted = [...problems.values()].sort((a, b) => a.line - b.line || a.column - b.column)
  return { ok: false, problems: sorted }
}

type ShapeReport = (path: Path, message: string, about: 'value' | 'key') => void

/** A policy without its faulty parts, and the way from a place in it to the place in the file. */
interface Parsed {
  readonly policy: Policy
  original(path: Path): Path
}

/** More rounds than the schema is deep. */
const MAX_ROUNDS = 64

/**
 * Parses, and where that fails reports why, leaves the faulty parts out and parses the rest: what is wrong in one
 * place must not hide what is wrong in another.
 */
function parse(data: unknown, report: ShapeReport): Parsed {
  const rest = new Remainder(data)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const result = policySchema.safeParse(rest.data, { error: messageOf, reportInput: true })
    if (result.success) return { policy: result.data, original: (path) => rest.original(path) }
    const found = result.error.issues.flatMap((issue) => problemsOf(policySchema, issue))
    for (const { path, message, about } of found) report(rest.original(path), message, about)
    // From behind, so that taking an item out of a list does not move the next one to go.
    for (const { path } of found.toSorted((a, b) => Number(b.path.at(-1)) - Number(a.path.at(-1)) || 0))
      rest.remove(path)
    if (!rest.usable) break
  }
  return { policy: policySchema.parse({ proxies: {}, routes: {} }), original: (path) => path }
}

type Resolution = { readonly value: string } | { readonly fault: string }

function resolve(
  source: { readonly env: string } | { readonly file: string },
  environment: Environment,
): Resolution {
  if ('env' in source) {
    const value = environment.variable(source.env)
    if (value === undefined)
      return { fault: `refers to ${source.env}, which is not in the environment: set it before the start` }
    return value === ''
      ? { fault: `refers to ${source.env}, which is empty: set it before the start` }
      : { value }
  }
  try {
    const value = environment.readFile(source.file).replace(/\r?\n$/, '')
    return value === '' ? { fault: `refers to the file ${source.file}, which is empty` } : { value }
  } catch {
    return {
      fault: `refers to the file ${source.file}, which cannot be read: create it, and let this user read it`,
    }
  }
}

/** Texts with `\${` that nobody will resolve. */
function* strayReferences(value: unknown, references: ReadonlySet<string>, path: Path = []): Generator<Path> {
  if (typeof value === 'string') {
    if (value.includes('${') && !references.has(textOf(path))) yield path
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield* strayReferences(item, references, [...path, Array.isArray(value) ? Number(key) : key])
    }
  }
}

/** `routes.admin.limits[1]` */
export function textOf(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w@-]+$/.test(step)) return `[${JSON.stringify(step.slice(0, 64))}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}
