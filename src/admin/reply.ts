import * as z from 'zod'
import { textOf } from '../policy/places.ts'
import { messageOf, problemsOf } from '../policy/shape.ts'
import type { Path } from '../schema/problem.ts'

/** The answer to one call, before it is written down as HTTP. */
export interface Reply {
  readonly status: number
  /** JSON; undefined for an answer without a body. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One thing wrong with a request: where, what, and what would be right. Never holds a key or a digest. */
export interface Trouble {
  readonly path: string
  readonly message: string
}

/** Every kind of refusal: its status and its title. */
export const REFUSALS = {
  malformed: { status: 400, title: 'The request cannot be read' },
  invalid: { status: 400, title: 'The request has problems' },
  unauthorized: { status: 401, title: 'A token is needed' },
  forbidden: { status: 403, title: 'This token may not do that' },
  unknown: { status: 404, title: 'There is no such thing' },
  method: { status: 405, title: 'This cannot be done here' },
  conflict: { status: 409, title: 'The state of things stands in the way' },
  changed: { status: 412, title: 'It was changed meanwhile' },
  too_large: { status: 413, title: 'The request is too large' },
  media_type: { status: 415, title: 'The body is not JSON' },
  idempotency_reused: { status: 422, title: 'The idempotency key belongs to another request' },
  precondition_required: { status: 428, title: 'If-Match is needed' },
  limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong here' },
  unavailable: { status: 503, title: 'The store does not answer' },
  unready: { status: 503, title: 'The admin API cannot begin' },
} as const

export type RefusalKind = keyof typeof REFUSALS

/** A problem document (RFC 9457) with every problem of the request. */
export const problemDocument = z
  .strictObject({
    type: z.string().meta({ description: '`urn:postern:admin:` and the kind of refusal.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    problems: z
      .array(
        z.strictObject({
          path: z.string().meta({ description: 'As in `keys[17].roles[0]`; empty for the whole request.' }),
          message: z.string().meta({ description: 'What is wrong, and what would be right.' }),
        }),
      )
      .meta({ description: 'Everything that is wrong with the request, as far as 1,000 problems go.' }),
  })
  .meta({ description: 'Why a request was refused (RFC 9457).' })

/** More than these help nobody. */
const MAX_PROBLEMS = 1000

export function refusal(
  kind: RefusalKind,
  detail: string,
  problems: readonly Trouble[] = [],
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const { status, title } = REFUSALS[kind]
  const body = {
    type: `urn:postern:admin:${kind}`,
    title,
    status,
    detail,
    problems: problems.slice(0, MAX_PROBLEMS),
  }
  return { status, body, headers }
}

/** The refusal of a request whose problems are known. */
export const invalid = (problems: readonly Trouble[]): Reply =>
  refusal('invalid', counted(problems.length, 'problem'), problems)

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

export const trouble = (path: Path, message: string): Trouble => ({ path: textOf(path), message })

/** What a schema makes of data, or everything that is wrong with it. */
export function parse<Schema extends z.ZodType>(
  schema: Schema,
  data: unknown,
  prefix: Path = [],
):
  | { readonly ok: true; readonly value: z.output<Schema> }
  | { readonly ok: false; readonly problems: Trouble[] } {
  const result = schema.safeParse(data, { error: messageOf })
  if (result.success) return { ok: true, value: result.data }
  const problems = result.error.issues
    .slice(0, MAX_PROBLEMS)
    .flatMap((issue) => problemsOf(schema, bounded(issue)))
    .map(({ path, message }) => trouble([...prefix, ...path], message))
  return { ok: false, problems }
}

/** To find what a field may have meant takes time that grows with its length, and strangers to a schema may be many. */
function bounded(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'unrecognized_keys') return issue
  return { ...issue, keys: issue.keys.slice(0, 20).map((key) => key.slice(0, 64)) }
}
