import * as z from 'zod'
import type { Principal } from '../core/model.ts'

/**
 * What is withdrawn before its time: the body of an entry of kind `revocation`. A `token` by its `jti`; of a
 * `subject`, a `session` or an `issuer` everything that was issued up to `before`. API keys have the issuer `api-key`.
 */
export const revocation = z.strictObject({
  v: z.literal(1),
  what: z.enum(['token', 'subject', 'session', 'issuer']),
  /** The exact `iss` of its tokens, or `api-key`. */
  issuer: z.string().min(1).max(512),
  /** `jti`, principal id or `sid`; null for an issuer. */
  value: z.string().min(1).max(512).nullable(),
  /** Seconds since the epoch: what was issued up to then is refused. Null for a token, which is refused as such. */
  before: z.int().nullable(),
  reason: z.string().max(512).nullable(),
  /** Who revoked it. */
  by: z.string(),
  /** Milliseconds since the epoch. */
  created: z.number(),
})

export type Revocation = z.output<typeof revocation>

/** The entry's id: the same thing revoked twice is one entry. Lengths keep a value from passing for two. */
export const revocationId = ({
  what,
  issuer,
  value,
}: Pick<Revocation, 'what' | 'issuer' | 'value'>): string =>
  `${what}:${issuer.length}:${issuer}:${value ?? ''}`

/** At most so many at once, since every instance holds them all. */
export const MAX_REVOCATIONS = 100_000

/** A revocation, and the milliseconds since the epoch at which nothing that it refuses can be valid any more; null: never. */
export type HeldRevocation = Revocation & { readonly expires: number | null }

/** All revocations in force, as every instance holds them. */
export class Revocations {
  #byId = new Map<string, HeldRevocation>()

  get size(): number {
    return this.#byId.size
  }

  replace(all: Iterable<HeldRevocation>): void {
    this.#byId = new Map()
    for (const one of all) this.add(one)
  }

  add(one: HeldRevocation): void {
    this.#byId.set(revocationId(one), one)
  }

  remove(id: string): void {
    this.#byId.delete(id)
  }

  all(): Iterable<HeldRevocation> {
    return this.#byId.values()
  }

  /** Forgets what has expired. */
  prune(now: number): void {
    for (const [id, { expires }] of this.#byId) if (expires !== null && expires <= now) this.#byId.delete(id)
  }

  covers({ id, issuer, credential }: Principal): boolean {
    if (this.#byId.size === 0) return false
    if (credential.id !== null && this.#of('token', issuer, credential.id) !== undefined) return true
    const { issued, session } = credential
    return (
      reaches(this.#of('issuer', issuer, null), issued) ||
      reaches(this.#of('subject', issuer, id), issued) ||
      (session !== null && reaches(this.#of('session', issuer, session), issued))
    )
  }

  #of(what: Revocation['what'], issuer: string, value: string | null): Revocation | undefined {
    return this.#byId.get(revocationId({ what, issuer, value }))
  }
}

/** Times of issue have whole seconds, so that of the same second everything is refused; what says no time is old. */
const reaches = (one: Revocation | undefined, issued: number | null): boolean =>
  one !== undefined && (issued === null || issued <= (one.before ?? Number.POSITIVE_INFINITY))
