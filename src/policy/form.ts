import type { Path } from '../schema/problem.ts'
import { type Draft, draftSchema } from './draft.ts'
import { Places } from './places.ts'
import { Remainder } from './remainder.ts'
import { type Policy, policySchema } from './schema.ts'
import { messageOf, problemsOf, type ShapeProblem } from './shape.ts'

/** What the schema makes of a policy's data. */
export interface Form {
  /** Null when something has the wrong form. */
  readonly policy: Policy | null
  /** All that has the right form. */
  readonly draft: Draft
  readonly problems: readonly ShapeProblem[]
  /** Everything of which something has been said. */
  readonly said: Places
  /** The place in the file of what stands at `path` in the draft. */
  original(path: Path): Path
}

/** Each round takes out what the one before found; a schema has fewer levels. */
const MAX_ROUNDS = 64

/**
 * Parses data, and where that fails says why, leaves the faulty parts out and parses the rest: what is wrong in one
 * place must not hide what is wrong in another.
 *
 * @param leftOut what is missing from the data because of faults that have been reported
 */
export function readForm(data: unknown, leftOut: readonly Path[]): Form {
  const rest = new Remainder(data)
  const original = (path: Path) => rest.original(path)
  const said = new Places()
  for (const path of leftOut) if (path.length > 0) said.add(path)
  const problems: ShapeProblem[] = []
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const schema = round === 0 ? policySchema : draftSchema
    const result = schema.safeParse(rest.data, { error: messageOf })
    if (result.success) {
      // The first round's schema is the policy's own.
      const policy = round === 0 ? (result.data as Policy) : null
      return { policy, draft: result.data, problems, said, original }
    }
    const found = result.error.issues.flatMap((issue) => problemsOf(policySchema, issue))
    const told = found.map((problem) => ({ ...inWords(problem, rest), path: original(problem.path) }))
    // What was left out must not be missed a second time, by itself or by whatever should have held it.
    const fresh = told.filter(({ path }) => !said.within(path))
    for (const { meant } of found) if (meant !== null && !rest.has(meant)) said.add(original(meant))
    for (const problem of fresh) {
      if (problem.about === 'key' || !said.has(problem.path)) problems.push(problem)
      if (problem.about !== 'key') said.add(problem.path)
    }
    rest.remove(found.map(({ path }) => path))
    if (found.some(({ path }) => path.length === 0)) break
  }
  return { policy: null, draft: draftSchema.parse({}), problems, said, original }
}

/** What is wrong with a value that is not there is that it is missing, whatever its schema says of values. */
function inWords(problem: ShapeProblem, rest: Remainder): ShapeProblem {
  if (problem.about === 'key' || rest.has(problem.path)) return problem
  return { ...problem, about: 'missing', message: problem.message.replace(/^[^:]*/, 'is missing') }
}
