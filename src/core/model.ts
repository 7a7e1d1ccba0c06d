import type { Address } from './address.ts'
import type { Penalty } from './engine.ts'
import type { LimitUse, Quota } from './limit.ts'
import type { Reason } from './reasons.ts'
import type { Soon } from './soon.ts'

/**
 * The lines of a check's header, as they arrived. A multi-map: a repeated line stays two lines wherever the
 * runtime lets us see it, because a repeated credential or forwarded field must be refused, not joined.
 */
export interface HeaderLines {
  /** Every value under `name` (lower case), in order of arrival; empty when there is none. */
  lines(name: string): readonly string[]
  /** Every name as it was sent, in order, repeats included. */
  names(): readonly string[]
}

/** The held-back request as the proxy described it: every field as written, nothing judged yet. */
export interface ForwardedRequest {
  /** Name of the proxy adapter that read it. */
  readonly proxy: string
  readonly method: string
  readonly scheme: string
  /** Host with optional port, as relayed. */
  readonly host: string
  /** Path and query as the client sent them (or as the proxy cleaned them before it forwards them). */
  readonly target: string
  /** All X-Forwarded-For lines in order, joined by a comma. */
  readonly forwardedFor: string
  readonly headers: HeaderLines
  /** Where the client is said to be; absent where nobody says it. */
  readonly place?: Place | undefined
}

/** Where a client is, as far as somebody who is trusted in it says so. */
export interface Place {
  /** Two capital letters (ISO 3166-1 alpha-2, and `T1` for Tor); null when unknown. */
  readonly country: string | null
  /** Number of the autonomous system (RFC 6793); null when unknown. */
  readonly asn: number | null
}

/** What an adapter made of a check's header: a forwarded request, or the field that stands in the way. */
export type AdapterReading =
  | { readonly ok: true; readonly request: ForwardedRequest }
  | { readonly ok: false; readonly field: string; readonly problem: 'missing' | 'repeated' | 'malformed' }

/** One proxy's dialect: which fields it reads, and what it can relay. */
export interface ProxyAdapter {
  readonly name: string
  read(headers: HeaderLines): AdapterReading
  /** The status this proxy must receive so that its client gets `wanted`, or the nearest it can relay. */
  status(wanted: number): number
  /** Whether a denial may carry a problem document (RFC 9457). */
  readonly bodies: boolean
}

/**
 * What an authenticator found. The four outcomes are never merged: "nothing presented", "good", "bad" and
 * "cannot know now" lead to four different answers.
 */
export type Authentication =
  | { readonly is: 'absent' }
  | { readonly is: 'accepted'; readonly principal: Principal }
  | { readonly is: 'rejected'; readonly reason: Reason }
  | { readonly is: 'unavailable'; readonly reason: Reason; readonly cause: unknown }

/** Who the accepted credential stands for. Only authenticators make one. */
export interface Principal {
  readonly id: string
  /** Namespace of `id`: an issuer URL, `api-key` or `anonymous`. Limits and revocation key on (issuer, id). */
  readonly issuer: string
  /** Credential type: `jwt`, `api-key`, `anonymous`. */
  readonly type: string
  /** The credential as a route names it: `jwt:company`, `api-key`, `anonymous`. */
  readonly method: string
  readonly tenant: string | null
  readonly email: string | null
  /** Roles granted directly; inherited ones are added by the role book. */
  readonly roles: readonly string[]
  /** Permissions granted directly, beside those of the roles. */
  readonly permissions: readonly string[]
  readonly scopes: readonly string[]
  readonly strength: Strength
  /** Limits of this principal's own, charged beside those of the route. */
  readonly limits: readonly LimitUse[]
  /** What revocation goes by. */
  readonly credential: CredentialFacts
}

/** What an accepted credential says of itself. */
export interface CredentialFacts {
  /** Its own id: `jti` of a token (RFC 7519 section 4.1.7), id of a key; null when it has none. */
  readonly id: string | null
  /** The session that it belongs to: `sid` (OpenID Connect Front-Channel Logout 3); null when it says none. */
  readonly session: string | null
  /** Seconds since the epoch at which it was issued; null when unknown. */
  readonly issued: number | null
}

/** How, in what context and when the principal proved itself (`amr`, `acr`, `auth_time`; OpenID Connect Core 2). */
export interface Strength {
  readonly methods: readonly string[]
  readonly context: string | null
  /** Seconds since the epoch; null when unknown. */
  readonly at: number | null
}

/** What an authenticator may see of a check. */
export interface CredentialRequest {
  readonly headers: HeaderLines
  readonly client: Address | null
  /** Milliseconds since the epoch at which the decision began. */
  readonly now: number
  /** Milliseconds since the epoch after which nobody waits for the answer. */
  readonly deadline: number
  /** To be called by whoever has just sent a question to the store: what is due anyway goes the same way. */
  asking(): void
  /** Notes that the answer rests on less than it should. */
  degraded(what: Degradation): void
}

/** What a degraded decision had to do without: the store's counters, a fresh record of a key, a fresh list of revocations. */
export type Degradation = 'limits' | 'keys' | 'revocations'

/** Checks one credential type. Shared by all routes; a route narrows it with the variants that it accepts. */
export interface Authenticator {
  /** Credential type, as a route names it before the colon. */
  readonly type: string
  /** True when it is asked only after every other authenticator of the route found nothing. */
  readonly fallback: boolean
  /**
   * @param variants what may stand behind the colon on this route (issuer names); null when the type has none
   * @returns a value at once where nothing has to be waited for; it never throws for what a stranger sends
   */
  authenticate(
    request: CredentialRequest,
    variants: ReadonlySet<string> | null,
  ): Authentication | Promise<Authentication>
}

/** The request in canonical form, as far as it could be established. */
export interface CanonicalRequest {
  readonly method: string
  readonly scheme: string
  /** Lower case, without port or trailing dot. */
  readonly host: string
  /** As received, without the query. */
  readonly path: string
  /** Null when the chain of forwarded addresses holds something unreadable before the client is found. */
  readonly client: Address | null
}

/** The answer for one request: complete enough to be the audit record, replayable from its inputs. */
export interface Decision {
  readonly verdict: 'allow' | 'deny'
  /** Null exactly when the verdict is `allow`. */
  readonly reason: Reason | null
  /** Name of the route, null when none was selected. */
  readonly route: string | null
  /** The accepted principal, also on a denial that came after authentication. */
  readonly principal: Principal | null
  /** Every configured identity header, on an allow; null on a denial. */
  readonly identity: Readonly<Record<string, string>> | null
  readonly quotas: readonly Quota[]
  /** What the decision had to do without, each once, sorted; empty when nothing was amiss. */
  readonly degraded: readonly Degradation[]
  readonly request: CanonicalRequest
  readonly challenge: Challenge | null
  /** For the operator's record only, never for the caller: what was wrong, in words or as an error. */
  readonly cause: unknown
}

/** What the 401 or 403 tells a bearer client to do (RFC 6750 section 3, RFC 9470 section 3). */
export interface Challenge {
  /** Scopes that the route demands; null when that was not what failed. */
  readonly scopes: readonly string[] | null
  readonly contexts: readonly string[] | null
  /** Seconds; null when any age does. */
  readonly maxAge: number | null
}

/** What the core asks of the outside. */
export interface Ports {
  /** The store's counters, behind a deadline. */
  readonly counters: Counters
  /** Counters of this instance alone, for limits whose store does not answer. */
  readonly local: LocalCounters
  readonly knowledge: Knowledge
  /** A coarse bound in front of everything that costs; null: there is none. */
  readonly shield?: Shield | null
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds on a clock that never steps. */
  ticks(): number
  /** Lets work go on that outlasts the request; absent where everything does. */
  readonly background?: (work: Promise<unknown>) => void
  /** Hears of every step that a decision takes; only `explain` listens. */
  readonly trace?: (step: string, found: string) => void
}

/** Keeps floods from what costs something, by a count that is approximate and belongs to one place alone. */
export interface Shield {
  /** Whether the client may go on. Never rejects: what cannot be told lets it pass, since limits come after. */
  admits(client: Address): Soon<boolean>
}

/** What this instance knows of the shared state, always at hand: nothing in here waits, but for `catchUp`. */
export interface Knowledge {
  banned(client: Address, now: number): boolean
  /**
   * Whether the principal's credential was withdrawn before its time; null when nobody can say, because the store was
   * never heard of since the start.
   */
  revoked(principal: Principal): boolean | null
  /** Up to where the store's changes are known here: another number after each of them. */
  readonly epoch: number
  /**
   * Whether there are changes that are not known here yet.
   * @param epoch what the store has just said; null: as far as can be told without asking
   */
  behind(epoch: number | null): boolean
  /**
   * Learns them, as far as that is possible within so many milliseconds. Never rejects: what cannot be learned in time
   * leaves the knowledge as it is.
   */
  catchUp(patience: number): Soon<void>
  /** Whether all of this may be older than it should be, because the store does not answer. */
  stale(): boolean
  /** Hears that a client has presented wrong credentials once too often. */
  guessed(client: Address, penalty: Penalty): void
}

/** One bucket to charge: a limit's arithmetic applied to a partition. Integer microseconds throughout. */
export interface Charge {
  /** Limit and partition; what shares a key shares a bucket. */
  readonly key: string
  /** Microseconds per unit. */
  readonly interval: number
  /** Units that may be spent at once. */
  readonly burst: number
  /** Units to spend; 0 peeks, a negative cost gives back. Charges that are made together all spend, or all give back. */
  readonly cost: number
  /** Whose quota it is, where it belongs to a tenant: a store that keeps tenants apart goes by it. */
  readonly tenant?: string | undefined
}

/** What became of one charge. */
export interface Charged {
  readonly ok: boolean
  /** Whole units left after this charge. */
  readonly remaining: number
  /** Milliseconds until the bucket is full again. */
  readonly full: number
  /** Milliseconds until this cost could pass; 0 when it did. */
  readonly wait: number
}

/** What became of the charges of one call. */
export interface Charging {
  /** One for each charge, in its order; null where the store did not answer. */
  readonly charged: readonly (Charged | null)[]
  /** Grows with every change of keys and revocations; null where it is not told. */
  readonly epoch: number | null
  /** Why the store did not answer, for the operator; undefined when it did. */
  readonly cause?: unknown
}

/** Keeps counters. All charges of one call happen, or none does; a call is never repeated. */
export interface Counters {
  /** Answers within its own deadline, and never rejects for want of a store: what is not known is null. */
  charge(charges: readonly Charge[]): Soon<Charging>
  /** Buckets held now; null where that takes a trip. */
  size(): number | null
}

/** Counters that answer at once. */
export interface LocalCounters {
  charge(charges: readonly Charge[]): { readonly charged: readonly Charged[] }
}
