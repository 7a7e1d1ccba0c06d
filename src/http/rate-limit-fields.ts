import type { Limit, Quota } from '../core/limit.ts'

/**
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10, structured fields lists of RFC 9651):
 * the tightest quota only, and never one that members of a tenant or callers of a route share, because its state
 * tells one of them what the others do.
 */
export interface RateLimitFields {
  readonly policy: string
  readonly state: string
}

/** Null when no quota may be shown. */
export function rateLimitFields(quotas: readonly Quota[]): RateLimitFields | null {
  let tightest: Quota | null = null
  for (const quota of quotas) {
    if (!own(quota.limit)) continue
    if (tightest === null || tighter(quota, tightest)) tightest = quota
  }
  if (tightest === null) return null
  const { limit, remaining } = tightest
  const state = `"${limit.name}";r=${remaining};t=${secondsUntilMore(tightest)}`
  return { policy: policyOf(limit), state }
}

/** Seconds until a quota that was refused could be granted, or until there is more than now. */
export function secondsUntilMore({ ok, remaining, wait, full, limit }: Quota): number {
  if (!ok) return Math.max(1, Math.ceil(wait / 1000))
  if (remaining > 0) return Math.ceil(full / 1000)
  // Empty: the next unit arrives when the bucket lacks one less than its burst.
  return Math.max(1, Math.ceil((full - ((limit.burst - 1) * limit.interval) / 1000) / 1000))
}

const own = ({ by }: Limit): boolean => by.includes('client') || by.includes('principal')

/** A refused quota before a granted one; then the longer wait; then the fewer units left. */
function tighter(a: Quota, b: Quota): boolean {
  if (a.ok !== b.ok) return !a.ok
  if (!a.ok) return a.wait > b.wait
  return a.remaining < b.remaining
}

const policies = new WeakMap<Limit, string>()

/** Works out a limit's policy once: it never changes while the limit lives. */
function policyOf(limit: Limit): string {
  let text = policies.get(limit)
  if (text === undefined) {
    text = `"${limit.name}";q=${limit.count};w=${Math.max(1, Math.ceil(limit.window / 1_000_000))}`
    policies.set(limit, text)
  }
  return text
}
