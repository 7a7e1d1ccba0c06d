/**
 * Limits: the generic cell rate algorithm (ITU-T I.371 annex A) in integer microseconds, and the partitions that a
 * limit counts by. One number a bucket, the "theoretical arrival time": when the bucket would be full again.
 */

import { type Address, networkOf } from './address.ts'
import type { Charge, Charged, Principal } from './model.ts'

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
  /** What holds while the store does not answer: this instance's own count, nothing passes, or everything does. */
  readonly onOutage: 'local' | 'deny' | 'allow'
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

/** What one bucket says to one charge. Times in microseconds. */
export interface Arrival {
  readonly ok: boolean
  /** The value to store, should the whole charge happen. */
  readonly next: number
  readonly remaining: number
  readonly full: number
  readonly wait: number
}

/**
 * One step of the algorithm. A stored value outside of [now, now + burst] is brought back into it, so that a clock
 * that stepped, or a limit that shrank, heals at once.
 * @param stored the bucket's arrival time in microseconds, null when it is full
 * @param cost units to spend; 0 peeks, a negative cost refunds
 */
export function arrive(
  stored: number | null,
  now: number,
  interval: number,
  burst: number,
  cost: number,
): Arrival {
  const top = now + interval * burst
  const current = stored === null ? now : Math.min(Math.max(stored, now), top)
  const next = Math.max(now, current + interval * cost)
  const ok = next <= top
  const held = ok ? next : current
  return {
    ok,
    next,
    remaining: Math.floor((top - held) / interval),
    full: held - now,
    wait: ok ? 0 : next - top,
  }
}

/** Who a request is charged to. */
export interface Subject {
  readonly client: Address | null
  readonly principal: Principal | null
  readonly route: string
}

/** Whether a limit can be charged before anybody is authenticated, and for those who never will be. */
export const isClientLimit = ({ by }: Pick<Limit, 'by'>): boolean =>
  by.includes('client') && !by.includes('principal') && !by.includes('tenant')

export const needsTenant = ({ by }: Limit): boolean => by.includes('tenant')

/** A whole /48 is one subscriber's as easily as a /64, so that many times the limit is the ceiling of the wider net. */
const CEILING_BITS = 16
const CEILING_FACTOR = 16

/** A charge that knows the limit it is for. */
export interface BucketCharge extends Charge {
  readonly limit: Limit
}

/**
 * The buckets of some limits for one subject: one each, or for an IPv6 client two, since whoever holds a /48 has 65,536
 * networks of /64 to walk through.
 */
export function chargesOf(uses: readonly LimitUse[], subject: Subject): BucketCharge[] {
  const charges: BucketCharge[] = []
  const { client, principal } = subject
  for (const { limit, cost } of uses) {
    const { interval, burst, by } = limit
    const tenant = isClientLimit(limit) ? undefined : (principal?.tenant ?? undefined)
    if (client?.family !== 6 || !(by.includes('client') || principal?.type === 'anonymous')) {
      charges.push({
        limit,
        key: keyOf(limit, subject, client === null ? 'unknown' : client.text),
        interval,
        burst,
        cost,
        tenant,
      })
      continue
    }
    const inner = networkOf(client, limit.ipv6)
    charges.push({ limit, key: keyOf(limit, subject, inner.address.text), interval, burst, cost, tenant })
    if (limit.ipv6 <= CEILING_BITS) continue
    const outer = networkOf(client, limit.ipv6 - CEILING_BITS)
    const key = keyOf(limit, subject, `${outer.address.text}/${outer.prefix}`)
    charges.push({
      limit,
      key,
      interval: Math.ceil(interval / CEILING_FACTOR),
      burst: burst * CEILING_FACTOR,
      cost,
      tenant,
    })
  }
  return charges
}

/** Names the bucket. Lengths stand before what a stranger can choose, so that no value can pass for two. */
function keyOf(limit: Limit, { principal, route }: Subject, client: string): string {
  let key = limit.name
  for (const dimension of limit.by) {
    if (dimension === 'client') key += `|c:${client}`
    else if (dimension === 'route') key += `|r:${route}`
    else if (dimension === 'tenant') key += `|t:${counted(principal?.tenant ?? '')}`
    // Nobody is one principal: strangers must not be able to spend each other's quota.
    else if (principal === null || principal.type === 'anonymous') key += `|a:${client}`
    else key += `|p:${counted(principal.issuer)}:${counted(principal.id)}`
  }
  return key
}

const counted = (text: string): string => `${text.length}:${text}`

/** The state of each limit after its buckets were charged: of several buckets the scarcest speaks for all. */
export function quotasOf(charges: readonly BucketCharge[], charged: readonly Charged[]): Quota[] {
  const quotas: Quota[] = []
  for (let index = 0; index < charges.length; index++) {
    const { limit } = charges[index] as BucketCharge
    const { ok, remaining, full, wait } = charged[index] as Charged
    const last = quotas[quotas.length - 1]
    if (last?.limit !== limit) {
      quotas.push({ limit, ok, remaining, full, wait })
      continue
    }
    quotas[quotas.length - 1] = {
      limit,
      ok: last.ok && ok,
      remaining: Math.min(last.remaining, remaining),
      full: Math.max(last.full, full),
      wait: Math.max(last.wait, wait),
    }
  }
  return quotas
}
