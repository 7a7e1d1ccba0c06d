/** The generic cell rate algorithm (ITU-T I.371 annex A), in integer microseconds: exact, one number per bucket. */

/** What a limit counts by. */
export type Dimension = 'client' | 'principal' | 'tenant' | 'route'

/** A configured ceiling. */
export interface Limit {
  readonly name: string
  readonly by: readonly Dimension[]
  /** Units per window, as configured. */
  readonly count: number
  /** Window in microseconds, as configured. */
  readonly window: number
  /** Units that may be spent at once. */
  readonly burst: number
  /** Microseconds per unit, rounded up so that rounding never admits more. */
  readonly interval: number
  /** Bits of an IPv6 address that make one client. */
  readonly ipv6: number
}

/** A limit as a route or key applies it. */
export interface LimitUse {
  readonly limit: Limit
  readonly cost: number
}

/** The state of a limit after a charge. */
export interface Quota {
  readonly limit: Limit
  readonly ok: boolean
  readonly remaining: number
  /** Milliseconds until full. */
  readonly full: number
  /** Milliseconds until the same request could pass; 0 when it did. */
  readonly wait: number
}
