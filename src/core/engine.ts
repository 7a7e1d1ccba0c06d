import type { Address, AddressSet } from './address.ts'
import type { DenyCache } from './deny-cache.ts'
import type { IdentityPlan } from './identity.ts'
import type { LimitUse } from './limit.ts'
import type { RouteTable } from './match.ts'
import type { Authenticator, HeaderLines, ProxyAdapter } from './model.ts'
import type { PlaceFields, Places, Rule } from './place.ts'
import type { Requirements } from './roles.ts'
import type { Standings } from './standing.ts'

/** A compiled policy: all that `decide` needs, nothing left to parse. */
export interface Engine {
  /** By adapter name; a proxy that the policy does not name has no endpoint. */
  readonly proxies: ReadonlyMap<string, ProxyEntry>
  readonly trustedHops: AddressSet
  /** Methods that a forwarded request may have. */
  readonly methods: ReadonlySet<string>
  readonly routes: RouteTable<Route>
  readonly identity: IdentityPlan
  readonly standings: Standings
  /** Clients known to be over a limit, so that they cost nothing more. */
  readonly denials: DenyCache
  readonly penalty: Penalty | null
  /** By the name of a route: how many connections may be open. Counted by whoever holds them open. */
  readonly connections: ReadonlyMap<string, ConnectionBounds>
  /** Instances that share the store: each counts with its part of a limit while the store does not answer. */
  readonly instances: number
}

/** How many wrong credentials a client may present before it is banned. */
export interface Penalty {
  readonly use: LimitUse
  /** Networks that are never banned; null: none. */
  readonly never: AddressSet | null
  /** Milliseconds of a first ban; each further one lasts twice as long. */
  readonly first: number
  /** Milliseconds of the longest ban, and for how long after one a further ban is a repetition. */
  readonly longest: number
}

/** A proxy that the policy trusts, and how it proves itself. */
export interface ProxyEntry {
  readonly adapter: ProxyAdapter
  /** Whether everything that the policy demands of this proxy holds. */
  trusts(evidence: Evidence): boolean
  /** Headers in which it says where the client is, in lower case; null: it does not say. */
  readonly place: PlaceFields | null
}

/** How a check shows that it comes from a proxy of ours. */
export interface Evidence {
  /** Who opened the connection; null where the runtime cannot tell. */
  readonly peer: Address | null
  /** Of the check, for X-Postern-Secret. */
  readonly headers: HeaderLines
  /** SHA-256 of the DER form of the certificate that it presented and holds the key of, in lower-case hex; null: none. */
  certificate(): string | null
}

/** A matcher's policy: what a request that selects this route must satisfy. */
export interface Route {
  readonly name: string
  /** Addresses that may use it; null: any. */
  readonly networks: Rule<Address> | null
  /** Where clients may be; null: anywhere. */
  readonly places: Places | null
  /** Origins that may send requests with an Origin; null when any may. */
  readonly origins: ReadonlySet<string> | null
  readonly credentials: readonly RouteCredential[]
  readonly require: Requirements
  readonly limits: readonly LimitUse[]
  /** Those of the limits that are due before anybody is authenticated, and from those who never will be. */
  readonly clientLimits: readonly LimitUse[]
  /** The other ones. */
  readonly furtherLimits: readonly LimitUse[]
  /** Whether a CORS preflight passes without a credential. */
  readonly preflight: boolean
  /** Parameters that the requirements use: every reading of the path must agree on them. */
  readonly parameters: readonly string[]
}

/** Connections that may be open at once on a route; null: any number. */
export interface ConnectionBounds {
  readonly client: number | null
  readonly principal: number | null
}

/** One authenticator as a route accepts it. */
export interface RouteCredential {
  readonly authenticator: Authenticator
  readonly variants: ReadonlySet<string> | null
}
