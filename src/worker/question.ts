/**
 * What another Worker needs to ask Postern through a service binding: types, and how a request becomes a question.
 *
 * @example
 * import { type PosternService, questionOf } from 'postern/rpc'
 *
 * export default {
 *   async fetch(request: Request, env: { POSTERN: PosternService }) {
 *     const answer = await env.POSTERN.check(questionOf(request))
 *     if (!answer.allowed) return answer.response
 *     return new Response(`hello ${answer.identity['X-Auth-User']}`, { headers: answer.quota })
 *   },
 * }
 */

/** A request that the asking Worker has received. It is believed in all of this. */
export interface Question {
  readonly method: string
  /** As it was asked for, absolute. What the asking Worker serves must be what it asks about. */
  readonly url: string
  /** Lines of the header. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Address of the client. */
  readonly client: string
  /** Where it is (ISO 3166-1 alpha-2, number of the autonomous system); absent or null where nobody knows. */
  readonly country?: string | null | undefined
  readonly asn?: number | null | undefined
}

/** Whether the request may be served, and as whose. */
export type Answer =
  | {
      readonly allowed: true
      /** Every configured identity header, empty when unknown. */
      readonly identity: Readonly<Record<string, string>>
      /** RateLimit and RateLimit-Policy, for the client; empty when no limit applies. */
      readonly quota: Readonly<Record<string, string>>
    }
  | {
      readonly allowed: false
      /** The exact reason (docs/reasons.md). The response tells the client less. */
      readonly reason: string
      /** What the client should get. */
      readonly response: Response
    }

/** The entry point `Postern` of the Worker, as a service binding sees it. */
export interface PosternService {
  /** Never rejects for what a client has sent. Should it reject, because Postern cannot be reached, deny. */
  check(question: Question): Promise<Answer>
}

/** What there is to ask about a request that the edge handed to a Worker. Its body is not touched. */
export function questionOf(request: Request): Question {
  const { country, asn } = (request as { readonly cf?: { country?: string; asn?: number } }).cf ?? {}
  return {
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    client: request.headers.get('cf-connecting-ip') ?? '',
    country,
    asn,
  }
}
