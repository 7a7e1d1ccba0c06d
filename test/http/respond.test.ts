import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/core/model.ts'
import { REASONS, type Reason } from '../../src/core/reasons.ts'
import { responseOf } from '../../src/http/answer.ts'
import { respond } from '../../src/http/respond.ts'
import { PROXIES } from '../../src/proxies/index.ts'
import { allow, deny, IDENTITY, limit, quota, REQUEST_ID } from './support.ts'

const proxies = Object.values(PROXIES).map(({ adapter }) => adapter({}))
const answer = (decision: Decision, proxy = 'traefik', random = 0): Response => {
  const adapter = PROXIES[proxy]?.adapter({})
  if (adapter === undefined) throw new Error(proxy)
  return responseOf(respond(decision, { adapter, id: REQUEST_ID, random: () => random }))
}
/** Those that relay 401 and 403 only, and no body. */
const AUTH_REQUEST = new Set(['nginx', 'ingress-nginx'])
const table = Object.keys(REASONS).flatMap((reason) =>
  proxies.map(({ name }) => [reason as Reason, name] as const),
)

describe('an allow', () => {
  it.each(proxies.map(({ name }) => name))(
    'reaches %s as 200 with every identity header and no body',
    async (name) => {
      const response = answer(allow(), name)
      expect(response.status).toBe(200)
      expect(Object.fromEntries(response.headers)).toEqual({
        'x-postern-status': '200',
        'cache-control': 'no-store',
        'content-length': '0',
        ...Object.fromEntries(Object.entries(IDENTITY).map(([key, value]) => [key.toLowerCase(), value])),
      })
      expect(response.body).toBeNull()
    },
  )

  it('does not carry one answer over into the next', () => {
    const identity = { ...IDENTITY }
    const quotas = [quota(limit('per-client', ['client']))]
    answer(allow({ identity, quotas }))
    expect(answer(allow({ identity })).headers.get('ratelimit')).toBeNull()
    expect(answer(allow({ identity, quotas })).headers.get('ratelimit')).toBe('"per-client";r=4;t=6')
  })

  it('without identity headers is none', () => {
    expect(answer(allow({ identity: null })).status).toBe(503)
  })
})

describe('a denial', () => {
  it.each(table)(
    'for %s reaches %s with its true status, a stable code and nothing of the principal',
    async (reason, proxy) => {
      const { status, public: code } = REASONS[reason]
      const response = answer(deny(reason, { cause: new Error('secret cause') }), proxy)
      const { headers } = response
      expect(response.status).toBe(AUTH_REQUEST.has(proxy) && status !== 401 ? 403 : status)
      expect(headers.get('x-postern-status')).toBe(String(status))
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.has('www-authenticate')).toBe(
        status === 401 || ['scope_missing', 'credential_repeated'].includes(reason),
      )
      expect(headers.has('retry-after')).toBe(status === 429 || status === 503)
      for (const name of headers.keys()) expect(name).not.toMatch(/^x-auth|^set-cookie|^x-accel|^location/)
      const body = await response.text()
      expect(headers.get('content-length')).toBe(String(body.length))
      if (AUTH_REQUEST.has(proxy)) expect(body).toBe('')
      else {
        expect(headers.get('content-type')).toBe('application/problem+json')
        expect(JSON.parse(body)).toEqual({
          type:
            status === 429
              ? 'https://iana.org/assignments/http-problem-types#quota-exceeded'
              : `urn:postern:reason:${code}`,
          title: expect.stringMatching(/^[A-Z][a-z ]+$/),
          status,
          reason: code,
          instance: `urn:uuid:${REQUEST_ID}`,
        })
      }
    },
  )

  it('tells a stranger no difference between the ways in which a key or a token is bad', async () => {
    const alike: Reason[] = [
      'credential_malformed',
      'credential_invalid',
      'issuer_refused',
      'key_unknown',
      'key_expired',
      'key_network',
    ]
    const answers = await Promise.all(
      alike.map(async (reason) => {
        const response = answer(deny(reason))
        return JSON.stringify([response.status, [...response.headers], await response.text()])
      }),
    )
    expect(new Set(answers).size).toBe(1)
  })

  it('tells a stranger no difference between no route and one that is not for them', async () => {
    const alike: Reason[] = [
      'route_missing',
      'network_denied',
      'role_missing',
      'permission_missing',
      'tenant_mismatch',
      'proxy_untrusted',
    ]
    const answers = await Promise.all(
      alike.map(async (reason) => {
        const response = answer(deny(reason, { quotas: [quota(limit('c', ['client']))] }))
        return JSON.stringify([response.status, [...response.headers], await response.text()])
      }),
    )
    expect(new Set(answers).size).toBe(1)
  })
})

describe('the challenge', () => {
  const challenge = (decision: Decision) => answer(decision).headers.get('www-authenticate')
  const wanted = { scopes: ['a:read', 'b'], contexts: ['urn:x:gold', 'phr'], maxAge: 300 }

  it('C01: names no error when nothing was presented (RFC 6750 section 3.1)', () => {
    expect(challenge(deny('credential_missing', { challenge: wanted }))).toBe('Bearer realm="postern"')
  })
  it('says invalid_token for whatever is wrong with a credential', () => {
    expect(challenge(deny('credential_expired'))).toBe('Bearer realm="postern", error="invalid_token"')
  })
  it('names the scopes that are needed', () => {
    expect(challenge(deny('scope_missing', { challenge: wanted }))).toBe(
      'Bearer realm="postern", error="insufficient_scope", scope="a:read b"',
    )
  })
  it('names the authentication that is needed (RFC 9470)', () => {
    expect(challenge(deny('authentication_insufficient', { challenge: wanted }))).toBe(
      'Bearer realm="postern", error="insufficient_user_authentication", acr_values="urn:x:gold phr", max_age="300"',
    )
    expect(
      challenge(
        deny('authentication_insufficient', { challenge: { scopes: null, contexts: null, maxAge: null } }),
      ),
    ).toBe('Bearer realm="postern", error="insufficient_user_authentication"')
  })
  it('cannot be left by what stands in it', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (contexts) => {
        const text = challenge(
          deny('authentication_insufficient', { challenge: { scopes: null, contexts, maxAge: 5 } }),
        )
        expect(text).toMatch(
          /^Bearer realm="postern", error="insufficient_user_authentication"(, acr_values="(?:[^"\\]|\\["\\])*")?, max_age="5"$/,
        )
        expect(text).toMatch(/^[\x20-\x7e]*$/)
      }),
    )
  })
})

describe('Retry-After', () => {
  const secondsOf = (decision: Decision, random = 0) =>
    Number(answer(decision, 'nginx', random).headers.get('retry-after'))
  const perTenant = limit('per-tenant', ['tenant'])

  it('is whole seconds, at least one, never earlier than the quota, at most a tenth and a second later', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (wait, random) => {
          const seconds = secondsOf(
            deny('limit_exceeded', { quotas: [quota(perTenant, { ok: false, wait })] }),
            random,
          )
          expect(Number.isInteger(seconds)).toBe(true)
          expect(seconds).toBeGreaterThanOrEqual(Math.max(1, Math.ceil(wait / 1000)))
          expect(seconds).toBeLessThanOrEqual(Math.ceil(Math.ceil(wait / 1000) * 1.1) + 1)
        },
      ),
    )
  })
  it('waits for the slowest of all limits that refused', () => {
    const quotas = [
      quota(limit('a', ['client']), { ok: false, wait: 2000 }),
      quota(perTenant, { ok: false, wait: 9000 }),
      quota(limit('b', ['route']), { ok: true, full: 60_000 }),
    ]
    expect(secondsOf(deny('limit_exceeded', { quotas }))).toBe(9)
  })
  it('stands on outages as well', () => {
    expect(secondsOf(deny('issuer_unavailable'))).toBeGreaterThanOrEqual(1)
    expect(secondsOf(deny('internal'), 0.99)).toBeGreaterThanOrEqual(1)
  })
})
