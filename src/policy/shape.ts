import type * as z from 'zod'
import { nearest, type Path, suggestion } from '../schema/problem.ts'

/** What a schema says about itself, as far as messages need it. */
interface Definition {
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly options?: readonly z.ZodType[]
}

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition

/** What may stand at one place: more than one schema where there is a choice. */
export function schemasAt(schema: z.ZodType, path: Path): readonly z.ZodType[] {
  const [step, ...rest] = path
  if (step === undefined) return [schema]
  return alternatives(schema).flatMap((one) => {
    const { shape, element, valueType } = definitionOf(one)
    if (typeof step === 'number') return element === undefined ? [] : schemasAt(element, rest)
    const field = shape !== undefined && Object.hasOwn(shape, step) ? shape[step] : valueType
    return field === undefined ? [] : schemasAt(field, rest)
  })
}

/** The schemas below optional, default and transform wrappers, one for each branch of a union. */
function alternatives(schema: z.ZodType): readonly z.ZodType[] {
  const { innerType, in: input, options } = definitionOf(schema)
  if (options !== undefined) return options.flatMap(alternatives)
  const inner = innerType ?? input
  return inner === undefined ? [schema] : alternatives(inner)
}

/** Names that an object at `path` may hold; empty where the schema names none. */
const knownNames = (schema: z.ZodType, path: Path): readonly string[] =>
  schemasAt(schema, path)
    .flatMap(alternatives)
    .flatMap((one) => Object.keys(definitionOf(one).shape ?? {}))

const KINDS: Readonly<Record<string, string>> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  // YAML writes them .inf and .nan.
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no finite number'
  return KINDS[typeof value] ?? typeof value
}

/** Something of the wrong form: a value, a value that is not there, or a key that should not be there. */
export interface ShapeProblem {
  readonly path: Path
  readonly message: string
  readonly about: 'value' | 'missing' | 'key'
  /** For a mistyped key: where the right one would have been. It is not missing as well. */
  readonly meant: Path | null
}

/** What Zod found, in the words of this program: what is wrong, and what would be right. */
export function problemsOf(
  schema: z.ZodType,
  issue: z.core.$ZodIssue,
  prefix: Path = [],
): readonly ShapeProblem[] {
  const path = [...prefix, ...issue.path.filter((step) => typeof step !== 'symbol')]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownNames(schema, path)
      return issue.keys.map((key) => {
        const near = nearest(key, known)
        return {
          path: [...path, key],
          about: 'key',
          meant: near === null ? null : [...path, near],
          message: `is not a known field: ${suggestion(key, known)}`,
        }
      })
    }
    case 'invalid_key':
      return [{ path, about: 'key', meant: null, message: issue.issues[0]?.message ?? 'is not a name' }]
    case 'invalid_union': {
      // Where the value is of the kind that one branch takes, that branch knows better what is wrong.
      const [branch, ...others] = issue.errors.filter((issues) => !issues.some(isOfOtherKind))
      if (branch !== undefined && others.length === 0)
        return branch.flatMap((inner) => problemsOf(schema, inner, path))
      break
    }
  }
  return [{ path, about: 'value', meant: null, message: issue.message }]
}

const isOfOtherKind = ({ path, code }: z.core.$ZodIssue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')

/** Messages for what a schema says nothing about itself. */
export function messageOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = KINDS[issue.expected] ?? issue.expected
      return issue.input === undefined
        ? `is missing: write ${expected}`
        : `is ${kindOf(issue.input)}: write ${expected}`
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      return typeof issue.input === 'string' && nearest(issue.input, values) !== null
        ? `is not known: ${suggestion(issue.input, values)}`
        : `is not known: write ${values.join(', ')}`
    }
    case 'too_small':
      if (issue.origin === 'array') return 'is empty: write at least one'
      return issue.origin === 'string'
        ? `is too short: write ${issue.minimum} characters or more`
        : `is too small: write ${issue.minimum} or more`
    case 'too_big':
      return issue.origin === 'string'
        ? `is too long: write ${issue.maximum} characters at most`
        : `is too large: write ${issue.maximum} or less`
    case 'invalid_format':
      return `is not of the form that is needed here (${issue.format}): see docs/policy.md`
    default:
      return 'is not of the form that is needed here: see docs/policy.md'
  }
}
