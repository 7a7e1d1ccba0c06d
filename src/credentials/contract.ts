import type * as z from 'zod'
import type { LimitUse } from '../core/limit.ts'
import type { Authenticator, CredentialRequest } from '../core/model.ts'
import type { Soon } from '../core/soon.ts'
import type { Path } from '../schema/problem.ts'
import type { KeyRecord } from './key-record.ts'

/** A key that a store holds. The same object as long as the record is the same, so that it can stand for what was derived from it. */
export interface StoredKey {
  readonly id: string
  readonly record: KeyRecord
}

/** What is known of a digest. */
export type KeyLookup =
  | { readonly is: 'known'; readonly key: StoredKey | null }
  | { readonly is: 'unavailable'; readonly cause: unknown }

/** The keys of the store. */
export interface StoredKeys {
  /** Whether any key has a plain SHA-256 digest: else none is worth looking up. */
  readonly imported: boolean
  /** At once when the digest was looked up lately; else it asks the store, and tells the request so. */
  find(digest: string, request: CredentialRequest): Soon<KeyLookup>
  /** Notes that the key was used. */
  used(id: string, now: number): void
}

/** What authenticators ask of the runtime. Synchronous where a decision would otherwise wait for a thread. */
export interface Outside {
  /** Milliseconds since the epoch. */
  now(): number
  /** A number from 0 up to 1, for jitter only. */
  random(): number
  /** SHA-256 over the UTF-8 text, as base64url. */
  sha256(text: string): string
  /** SHA-256 over the UTF-8 text, as lower-case hex. */
  sha256Hex(text: string): string
  /** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
  hmacSha256(key: string, text: string): string
  /** Fetches a small document; rejects on any other status than 200, a redirect, a refused address or size. */
  fetchText(url: string, rules: FetchRules): Promise<string>
  readonly keys: StoredKeys
  /** Sees to it that work goes on which outlasts the request that began it; where everything does, this does nothing. */
  background(work: Promise<unknown>): void
  /** Something the operator should hear of, outside of any decision. No secrets. */
  report(event: string, details: Readonly<Record<string, unknown>>): void
}

export interface FetchRules {
  /** Bytes of body beyond which the document is refused. */
  readonly maxBytes: number
  /** Milliseconds for the whole exchange. */
  readonly timeout: number
  /** Permits http instead of https. */
  readonly http: boolean
  /** Permits loopback, link-local and private addresses, judged on the address that is connected to. */
  readonly private: boolean
}

/** What a credential type may look at while it examines its section of the policy. */
export interface Inspection {
  readonly roles: ReadonlySet<string>
  readonly limits: ReadonlySet<string>
  /** Reports a problem; the path is relative to the section. */
  problem(path: Path, message: string): void
}

/** What a credential type gets to build its authenticator. */
export interface Building {
  readonly outside: Outside
  /** Compiles the name of a limit that has passed inspection. */
  limitUse(name: string): LimitUse
  /** Limit names of the policy. */
  readonly limits: ReadonlySet<string>
  /** Role names of the policy: others in a credential are dropped. */
  readonly roles: ReadonlySet<string>
  /**
   * A part with a cache of its own, taken over from the policy in force when that defined it alike.
   * @param definition all that the part depends on; secrets only as digests
   */
  keep<Part>(definition: string, make: () => Part): Part
}

/** Figures that an authenticator lets metrics see; one row per variant. */
export interface KeySetFigures {
  readonly variant: string
  /** Seconds since the last good fetch; null before the first. */
  readonly age: number | null
  readonly fetches: number
  readonly failures: number
}

/** An authenticator with a life: something to prepare and to look at from outside. */
export interface BuiltAuthenticator extends Authenticator {
  /** Fetches ahead what a first decision would have to wait for. Failures are reported, not thrown. */
  prepare?(): Promise<void>
  keySets?(): readonly KeySetFigures[]
}

/**
 * One credential type: its section of the policy, what may stand behind the colon on a route, the places that it
 * reads, what makes the section wrong, and its authenticator. A new type is one file and one line in index.ts.
 */
export interface CredentialType<Schema extends z.ZodType = z.ZodType> {
  readonly type: string
  /** Top-level field of the policy; null when the type needs no configuration. */
  readonly section: { readonly name: string; readonly schema: Schema } | null
  /** Names that routes put behind the colon; null when the type stands alone. */
  variants(section: z.output<Schema>): readonly string[] | null
  /** Places where the credential is read, in the words of the docs; two types may not share one. */
  places(section: z.output<Schema>): readonly string[]
  /** Reports what the schema cannot see. Secrets that could not be resolved have a null value and are skipped. */
  inspect(section: z.output<Schema>, inspection: Inspection): void
  create(section: z.output<Schema>, building: Building): BuiltAuthenticator
}

/** Keeps the schema's type while the registry forgets it. */
export function defineCredential<Schema extends z.ZodType>(type: CredentialType<Schema>): CredentialType {
  return type as unknown as CredentialType
}
