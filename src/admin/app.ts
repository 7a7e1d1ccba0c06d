import { type Context, Hono } from 'hono'
import type * as z from 'zod'
import type { Address } from '../core/address.ts'
import { StoreFault } from '../stores/contract.ts'
import { readBody } from './body.ts'
import type { AdminToken } from './facts.ts'
import { Gate } from './gate.ts'
import type { Desk } from './ledger.ts'
import { openApi } from './openapi.ts'
import type { Operation } from './operation.ts'
import { OPERATIONS } from './operations.ts'
import { invalid, parse, type Reply, refusal, type Trouble } from './reply.ts'
import { Services } from './services.ts'

/** What the admin API needs from whoever runs it. Nothing in here belongs to one runtime. */
export interface AdminOptions extends Desk {
  /** Version of Postern, for the OpenAPI document. */
  readonly version: string
  /** Who opened the connection; null where the runtime cannot tell. */
  peer(context: Context): Address | null
  /**
   * Awaited before anything is done for who has a token, and for nobody else: a store may be opened here.
   * @throws {StoreFault} when nothing can be done
   */
  prepare?(): Promise<void>
}

/** Seconds after which it is worth asking a store again that did not answer. */
const OUTAGE_SECONDS = 5

const SECURITY = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const

/** `/v1/...` and `/openapi.json`, for a listener of their own: nothing in here may be reachable where checks are. */
export function createAdmin(options: AdminOptions): Hono {
  const app = new Hono()
  const gate = new Gate(options)
  const services = new Services(options)
  const document = JSON.stringify(openApi(options.version))
  const admitted = new WeakMap<Request, AdminToken>()

  app.get('/openapi.json', () => written({ status: 200, body: undefined }, document))
  app.use('/v1/*', async (context, next) => {
    const admission = gate.admit(context.req.header('authorization'), options.peer(context))
    if ('status' in admission) return written(admission)
    await options.prepare?.()
    admitted.set(context.req.raw, admission)
    return next()
  })
  for (const [path, operations] of byPath()) {
    for (const operation of operations) {
      app.on(operation.method, path, async (context) => {
        const token = admitted.get(context.req.raw)
        return token === undefined
          ? written(refusal('unauthorized', 'Send `Authorization: Bearer TOKEN`.'))
          : written(await answer(operation, context, token, services))
      })
    }
    const methods = operations.map(({ method }) => method).join(', ')
    app.all(path, () => written(refusal('method', `This path knows ${methods}.`, [], { Allow: methods })))
  }
  app.notFound(() =>
    written(refusal('unknown', 'There is nothing at this path: /openapi.json describes the API.')),
  )
  app.onError((cause) => written(faulty(cause, options)))
  return app
}

/** The answer to everything while there is no admin API. */
export const unready = (): Response =>
  written(refusal('unready', 'The admin API cannot begin: its log says why.'))

/** Operations by their path as Hono writes it. */
function byPath(): ReadonlyMap<string, Operation<Services>[]> {
  const paths = new Map<string, Operation<Services>[]>()
  for (const operation of OPERATIONS) {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, ':$1')
    paths.set(path, [...(paths.get(path) ?? []), operation])
  }
  return paths
}

async function answer(
  operation: Operation<Services>,
  context: Context,
  token: AdminToken,
  services: Services,
): Promise<Reply> {
  if (operation.role === 'writer' && token.role !== 'writer')
    return refusal('forbidden', 'This token has the role reader: a writer is needed.')
  const problems: Trouble[] = []
  const read = <Schema extends z.ZodType>(schema: Schema, data: unknown): z.output<Schema> | undefined => {
    const parsed = parse(schema, data)
    if (parsed.ok) return parsed.value
    problems.push(...parsed.problems)
    return undefined
  }
  const params = read(operation.params, context.req.param())
  const query = read(operation.query, single(context.req.queries()))
  const given = headersOf(context, operation.headers)
  // A change that names no version is told that it has to, rather than what a version looks like.
  if (given['if-match'] === undefined && operation.refusals.includes('precondition_required'))
    return refusal('precondition_required', 'Send If-Match with the ETag of the version that you have read.')
  const headers = read(operation.headers, given)
  let body: unknown
  if (operation.body !== null) {
    const empty = operation.bodyOptional === true && isEmpty(context.req.raw)
    const reading = empty ? ({ ok: true, data: {} } as const) : await readBody(context.req.raw)
    if (!reading.ok) return reading.reply
    if (operation.bodyFirst !== undefined) read(operation.bodyFirst, reading.data)
    if (problems.length > 0) return invalid(problems)
    const before = problems.length
    body = read(operation.body, reading.data)
    if (problems.length > before) problems.push(...(operation.troublesIn?.(reading.data, services) ?? []))
  }
  if (problems.length > 0) return invalid(problems)
  return operation.run({ params, query, headers, body, actor: token.name }, services)
}

const isEmpty = ({ headers }: Request): boolean =>
  headers.get('content-type') === null &&
  headers.get('transfer-encoding') === null &&
  Number(headers.get('content-length') ?? 0) === 0

/** What stands once is a text; what is repeated stays a list, which no schema takes. */
const single = (queries: Record<string, string[]>): Record<string, string | string[] | undefined> =>
  Object.fromEntries(
    Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )

function headersOf(context: Context, schema: z.ZodType): Record<string, string | undefined> {
  const { shape } = schema.def as unknown as { shape: Readonly<Record<string, unknown>> }
  return Object.fromEntries(Object.keys(shape).map((name) => [name, context.req.header(name)]))
}

/** An exception. What it says stays here: clients of stores quote whole commands. */
function faulty(cause: unknown, { outside }: AdminOptions): Reply {
  if (cause instanceof StoreFault) {
    outside.report('admin_store_fault', { code: cause.code, message: cause.message })
    return refusal('unavailable', FAULTS[cause.code], [], { 'Retry-After': String(OUTAGE_SECONDS) })
  }
  outside.report('admin_fault', { error: cause instanceof Error ? cause.name : typeof cause })
  return refusal('internal', 'The log of Postern says more.')
}

const FAULTS: Readonly<Record<StoreFault['code'], string>> = {
  unavailable: 'The store does not answer: nothing was changed.',
  timeout:
    'The store did not answer in time, and may have done it all the same: look before you repeat it, or repeat it with the same Idempotency-Key.',
  incompatible: 'The store holds what this version of Postern does not understand: its log says more.',
}

/** @param text the body as it is to be sent, where it is known already */
function written({ status, body, headers }: Reply, text?: string): Response {
  const content = text ?? (body === undefined ? null : JSON.stringify(body))
  const type = status >= 400 ? 'application/problem+json' : 'application/json'
  return new Response(content, {
    status,
    headers: { ...SECURITY, ...(content === null ? {} : { 'Content-Type': type }), ...headers },
  })
}
