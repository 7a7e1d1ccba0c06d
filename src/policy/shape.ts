import type { z } from 'zod'
import { type Path, suggestion } from '../schema/problem.ts'

/** What a schema says about itself, as far as messages need it. */
interface Definition {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly options?: readonly z.ZodType[]
}

const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition

/** The schema below optional, default and transform wrappers. */
export function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType, in: input } = definitionOf(schema)
  const inner = innerType ?? input
  return inner === undefined ? schema : unwrap(inner)
}

/** Names that an object at `path` may hold; empty where the schema names none. */
export function knownNames(schema: z.ZodType, path: Path): readonly string[] {
  const { shape, element, valueType, options } = definitionOf(unwrap(schema))
  const [step, ...rest] = path
  if (options !== undefined) return options.flatMap((option) => knownNames(option, path))
  if (step === undefined) return Object.keys(shape ?? {})
  const next =
    shape === undefined
      ? (element ?? valueType)
      : Object.hasOwn(shape, step)
        ? shape[String(step)]
        : undefined
  return next === undefined ? [] : knownNames(next, rest)
}

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
  return KINDS[typeof value] ?? typeof value
}

/** A problem and whether its path ends in something that is not there, or in a key that should not be. */
export interface ShapeProblem {
  readonly path: Path
  readonly message: string
  readonly about: 'value' | 'key'
}

/** What Zod found, in the words of this program: what is wrong, and what would be right. */
export function problemsOf(schema: z.ZodType, issue: z.core.$ZodIssue): ShapeProblem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol')
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        about: 'key',
        message: `is not a known field: ${suggestion(key, knownNames(schema, path))}`,
      }))
    case 'invalid_key':
      return [{ path, about: 'key', message: issue.issues[0]?.message ?? 'is not a name' }]
    default:
      return [{ path, about: 'value', message: issue.message }]
  }
}

/** Messages for what a schema says nothing about itself. */
export function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = KINDS[issue.expected] ?? issue.expected
      return issue.input === undefined
        ? `is missing: write ${expected}`
        : `is ${kindOf(issue.input)}: write ${expected}`
    }
    case 'invalid_value':
      return `is not one of them: write ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return issue.origin === 'array'
        ? 'is empty: write at least one'
        : `is too small: write ${issue.minimum} or more`
    case 'too_big':
      return issue.origin === 'string'
        ? `is too long: write ${issue.maximum} characters at most`
        : `is too large: write ${issue.maximum} or less`
    case 'invalid_format':
      return `is not of the form that is needed here (${issue.format})`
    default:
      return undefined
  }
}
