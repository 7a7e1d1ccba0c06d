import * as z from 'zod'
import { banPage, banView, newBan } from './bans.ts'
import { historyPage } from './history.ts'
import { keyCheck, presentedKey } from './key-check.ts'
import { importResult, keyImport } from './key-import.ts'
import { keyPatch, newKey, rotation } from './key-requests.ts'
import { keyPage, keyView, shownOnce } from './key-view.ts'
import type { Answer, Operation } from './operation.ts'
import { OPERATIONS } from './operations.ts'
import { pepperPage } from './peppers.ts'
import { problemDocument, REFUSALS, type RefusalKind } from './reply.ts'
import { newRevocation, revocationPage, revocationView } from './revocations.ts'

type Json = Readonly<Record<string, unknown>>

/** Schemas with a name of their own: what requests hold, and what answers hold. */
const TAKEN: Readonly<Record<string, z.ZodType>> = {
  NewKey: newKey,
  KeyPatch: keyPatch,
  Rotation: rotation,
  KeyImport: keyImport,
  PresentedKey: presentedKey,
  NewRevocation: newRevocation,
  NewBan: newBan,
}
const GIVEN: Readonly<Record<string, z.ZodType>> = {
  Key: keyView,
  KeyWithSecret: shownOnce,
  KeyPage: keyPage,
  KeyCheck: keyCheck,
  ImportResult: importResult,
  Revocation: revocationView,
  RevocationPage: revocationPage,
  Ban: banView,
  BanPage: banPage,
  PepperPage: pepperPage,
  History: historyPage,
  Problem: problemDocument,
}

/** What every operation may refuse. */
const ALWAYS: readonly RefusalKind[] = ['unauthorized', 'forbidden', 'limited', 'internal', 'unavailable']

/** The admin API as an OpenAPI 3.1 document, from the table of operations and the schemas that it is served by. */
export function openApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] ??= {}
    Object.assign(paths[operation.path] as object, { [operation.method.toLowerCase()]: describe(operation) })
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Postern admin API',
      version,
      description: 'API keys, revocations and bans. See docs/admin.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The listener `listen.admin` of the policy, or the admin Worker.' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token whose digest stands in `admin.tokens`.',
        },
      },
      schemas: {
        ...mapped(TAKEN, (schema) => plain(schema, 'input')),
        ...mapped(GIVEN, (schema) => plain(schema, 'output')),
      },
    },
  }
}

function describe(operation: Operation<never>): Json {
  const { id, summary, description, role, params, query, headers, body, answers, refusals } = operation
  const parameters = [...fields(params, 'path'), ...fields(query, 'query'), ...fields(headers, 'header')]
  const takes = body !== null || parameters.length > 0
  const kinds: RefusalKind[] = [
    ...ALWAYS,
    ...refusals,
    ...(takes ? (['invalid'] as const) : []),
    ...(body === null ? [] : (['too_large', 'media_type'] as const)),
  ]
  return {
    operationId: id,
    summary,
    description: `${description === undefined ? '' : `${description} `}Needs the role ${role}.`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null
      ? {}
      : {
          requestBody: {
            required: operation.bodyOptional !== true,
            content: { 'application/json': { schema: reference(body, TAKEN, 'input') } },
          },
        }),
    responses: { ...mapped(answers, answered), ...refused(kinds) },
  }
}

const answered = ({ description, schema }: Answer): Json => ({
  description,
  ...(schema === null
    ? {}
    : { content: { 'application/json': { schema: reference(schema, GIVEN, 'output') } } }),
})

function refused(kinds: readonly RefusalKind[]): Json {
  const titles = new Map<number, string[]>()
  for (const kind of new Set(kinds)) {
    const { status, title } = REFUSALS[kind]
    titles.set(status, [...(titles.get(status) ?? []), title])
  }
  return Object.fromEntries(
    [...titles].map(([status, list]) => [
      status,
      {
        description: `${list.join('; ')}.`,
        content: { 'application/problem+json': { schema: reference(problemDocument, GIVEN, 'output') } },
      },
    ]),
  )
}

/** Path parameters are always required; of the others those that have no default. */
function fields(schema: z.ZodType, place: 'path' | 'query' | 'header'): Json[] {
  const { properties = {}, required = [] } = plain(schema, 'input') as {
    properties?: Record<string, Json>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

function reference(
  schema: z.ZodType,
  names: Readonly<Record<string, z.ZodType>>,
  io: 'input' | 'output',
): Json {
  const named = Object.entries(names).find(([, known]) => known === schema)
  return named === undefined ? plain(schema, io) : { $ref: `#/components/schemas/${named[0]}` }
}

function plain(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

const mapped = <Value>(
  given: Readonly<Record<string, Value>>,
  change: (value: Value) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, change(value)]))
