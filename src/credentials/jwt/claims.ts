import type { Reason } from '../../core/reasons.ts'
import { own } from './token.ts'

/** What an issuer's tokens must say. Times in milliseconds. */
export interface Expectations {
  readonly audience: readonly string[]
  /** Required type in the form of `normalType`, null when none is. */
  readonly typ: string | null
  readonly clockSkew: number
  readonly maxAge: number | null
}

/** When a token is good: from `from` on and before `until`, milliseconds since the epoch. */
export interface Validity {
  readonly from: number
  readonly until: number
}

/** Without a maximum age, this is the furthest future of `exp`: 3650 days, so that milliseconds are not a date. */
const HORIZON = 3650 * 86_400_000

/** RFC 7515 section 4.1.9: `application/` may be left out, and media types have no case. */
export function normalType(typ: string): string {
  const lower = typ.toLowerCase()
  const short = lower.startsWith('application/') ? lower.slice('application/'.length) : lower
  return short.includes('/') ? lower : short
}

/** Types that pass where none is required: what access tokens carry. */
const ORDINARY = new Set(['jwt', 'at+jwt'])

/**
 * Whether the header's `typ` is one that this issuer's access tokens have. Without a required type, only none, `JWT`
 * and `at+jwt` are: a logout token, DPoP proof or security event of the same issuer verifies under the same key, and
 * must not pass for an access token (RFC 8725 section 3.11).
 */
export function typeFits(typ: string | null, required: string | null): boolean {
  if (required !== null) return typ !== null && normalType(typ) === required
  return typ === null || ORDINARY.has(normalType(typ))
}

/** Whether the token is meant for one of ours (RFC 7519 section 4.1.3). Compared whole, never in part. */
export function audienceFits(
  payload: Readonly<Record<string, unknown>>,
  audience: readonly string[],
): boolean {
  const aud = own(payload, 'aud')
  if (typeof aud === 'string') return audience.includes(aud)
  if (!Array.isArray(aud) || !aud.every((item) => typeof item === 'string')) return false
  return aud.some((item) => audience.includes(item))
}

/**
 * When the token is good, as far as `exp`, `nbf`, `iat` and the maximum age say; null when one of them is missing,
 * not a finite number or impossible. All are NumericDates, seconds with fractions (RFC 7519 section 2).
 *
 * - good while now < exp + skew
 * - good from nbf - skew and iat - skew on (an `iat` in the future was not issued by a clock that we trust)
 * - with a maximum age: `iat` is required, now - iat <= maxAge + skew, and exp <= now + maxAge + skew
 */
export function validityOf(
  payload: Readonly<Record<string, unknown>>,
  { clockSkew, maxAge }: Pick<Expectations, 'clockSkew' | 'maxAge'>,
): Validity | null {
  const exp = milliseconds(own(payload, 'exp'))
  const nbf = own(payload, 'nbf') === undefined ? Number.NEGATIVE_INFINITY : milliseconds(own(payload, 'nbf'))
  const iat = own(payload, 'iat') === undefined ? Number.NEGATIVE_INFINITY : milliseconds(own(payload, 'iat'))
  if (exp === null || nbf === null || iat === null) return null
  if (maxAge === null) {
    return { from: Math.max(nbf - clockSkew, iat - clockSkew, exp - HORIZON), until: exp + clockSkew }
  }
  if (own(payload, 'iat') === undefined) return null
  return {
    from: Math.max(nbf, iat, exp - maxAge) - clockSkew,
    // The age may be reached, so the first bad millisecond is the next one.
    until: Math.min(exp, iat + maxAge + 1) + clockSkew,
  }
}

const milliseconds = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value * 1000) ? value * 1000 : null

/** What `now` makes of a validity; null when it is good. */
export function reasonAt({ from, until }: Validity, now: number): Reason | null {
  if (now < from) return 'credential_invalid'
  return now < until ? null : 'credential_expired'
}
