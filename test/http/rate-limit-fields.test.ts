import { describe, expect, it } from 'vitest'
import { rateLimitFields } from '../../src/http/rate-limit-fields.ts'
import { limit, quota } from './support.ts'

const client = limit('per-client', ['client'], {
  count: 300,
  window: 60_000_000,
  burst: 60,
  interval: 200_000,
})
const principal = limit('per-principal', ['principal'], {
  count: 1000,
  window: 3_600_000_000,
  burst: 100,
  interval: 3_600_000,
})
const tenant = limit('per-tenant', ['tenant'])
const route = limit('per-route', ['route'])

describe('RateLimit and RateLimit-Policy', () => {
  it('show the policy as configured and the state after the charge', () => {
    expect(rateLimitFields([quota(client, { remaining: 57, full: 600 })])).toEqual({
      policy: '"per-client";q=300;w=60',
      state: '"per-client";r=57;t=1',
    })
  })
  it('show only the tightest quota', () => {
    const quotas = [quota(client, { remaining: 57 }), quota(principal, { remaining: 3, full: 9000 })]
    expect(rateLimitFields(quotas)?.state).toBe('"per-principal";r=3;t=9')
  })
  it('show the quota that refused before one with fewer units, and the longest wait of several', () => {
    const quotas = [
      quota(client, { remaining: 0, full: 12_000 }),
      quota(principal, { ok: false, remaining: 2, wait: 3200 }),
      quota(limit('slow', ['client', 'route']), { ok: false, remaining: 0, wait: 7001 }),
    ]
    expect(rateLimitFields(quotas)?.state).toBe('"slow";r=0;t=8')
    expect(rateLimitFields(quotas.slice(0, 2))?.state).toBe('"per-principal";r=2;t=4')
  })
  it('never show a counter that callers share', () => {
    expect(rateLimitFields([quota(tenant, { remaining: 0, ok: false, wait: 5000 }), quota(route)])).toBeNull()
    expect(
      rateLimitFields([quota(tenant, { remaining: 0 }), quota(client, { remaining: 9 })])?.state,
    ).toContain('"per-client";r=9')
  })
  it('say of an empty bucket when its next unit arrives, not when it is full', () => {
    // Full in 12 s, one unit each 0.2 s, 60 units: the first of them arrives in 0.2 s.
    expect(rateLimitFields([quota(client, { remaining: 0, full: 12_000 })])?.state).toBe(
      '"per-client";r=0;t=1',
    )
    expect(rateLimitFields([quota(principal, { remaining: 0, full: 360_000 })])?.state).toBe(
      '"per-principal";r=0;t=4',
    )
  })
  it('are silent without limits', () => {
    expect(rateLimitFields([])).toBeNull()
  })
  it('say a window below a second as one, since the draft knows no fractions', () => {
    expect(rateLimitFields([quota(limit('burst', ['client'], { count: 5, window: 100_000 }))])?.policy).toBe(
      '"burst";q=5;w=1',
    )
  })
})
