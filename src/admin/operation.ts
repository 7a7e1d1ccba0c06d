import * as z from 'zod'
import type { AdminRole } from './facts.ts'
import type { RefusalKind, Reply, Trouble } from './reply.ts'

/** What an answer with this status holds. */
export interface Answer {
  readonly description: string
  /** Null when it has no body. */
  readonly schema: z.ZodType | null
}

/** What was asked, once everything about it has the right form. */
export interface Call<Params, Query, Headers, Body> {
  readonly params: Params
  readonly query: Query
  readonly headers: Headers
  readonly body: Body
  /** Name of the token. */
  readonly actor: string
}

/** One operation of the admin API: what the routes and the OpenAPI document are both made from. */
export interface Operation<
  Services = unknown,
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Headers extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string
  readonly role: AdminRole
  readonly summary: string
  readonly description?: string
  readonly params: Params
  readonly query: Query
  /** By lower-case name; others are not looked at. */
  readonly headers: Headers
  /** Null when it takes no body. */
  readonly body: Body | null
  /** What must hold before the parts of the body are looked at, so that a crowd costs no more than its reading. */
  readonly bodyFirst?: z.ZodType
  /** What else is wrong with a body that has not the right form. */
  troublesIn?(data: unknown, services: Services): readonly Trouble[]
  /** Whether the body may be left out: then it is `{}`. */
  readonly bodyOptional?: boolean
  readonly answers: Readonly<Record<number, Answer>>
  /** What may be refused beside what every operation may refuse. */
  readonly refusals: readonly RefusalKind[]
  run(
    call: Call<z.output<Params>, z.output<Query>, z.output<Headers>, z.output<Body>>,
    services: Services,
  ): Promise<Reply>
}

/** Nothing may stand here. */
export const none = z.strictObject({})

/** Keeps an operation's types while the table forgets them. */
export function operation<
  Services,
  Params extends z.ZodType,
  Query extends z.ZodType,
  Headers extends z.ZodType,
  Body extends z.ZodType,
>(described: Operation<Services, Params, Query, Headers, Body>): Operation<Services> {
  return described as unknown as Operation<Services>
}

/** The answers of an operation after which there is nothing to show. */
export const gone = { 204: { description: 'It is gone.', schema: null } }
