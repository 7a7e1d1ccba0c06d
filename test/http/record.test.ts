import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import { causeOf, type RecordFacts, recordLine, recordText } from '../../src/http/record.ts'
import { allow, ann, deny, limit, quota, REQUEST_ID } from './support.ts'

const facts: RecordFacts = {
  time: Date.UTC(2026, 10, 21, 9, 30, 0, 7),
  id: REQUEST_ID,
  trace: 'a'.repeat(32),
  proxy: 'traefik',
  duration: 0.123456,
}
const printable = /^[\x20-\x7e]*\n$/

describe('the record of a decision', () => {
  it('holds the decision, and what it was about', () => {
    const decision = allow({ quotas: [quota(limit('per-client', ['client']))] })
    expect(JSON.parse(recordLine(decision, facts))).toEqual({
      event: 'decision',
      time: '2026-11-21T09:30:00.007Z',
      request: REQUEST_ID,
      trace: 'a'.repeat(32),
      verdict: 'allow',
      reason: null,
      route: 'app',
      principal: { id: 'ann', type: 'jwt', tenant: 'acme', credential: 'jti-1' },
      client: '198.51.100.7',
      proxy: 'traefik',
      method: 'GET',
      host: 'app.example.com',
      path: '/x',
      limits: [{ name: 'per-client', remaining: 4, ok: true }],
      degraded: [],
      duration_ms: 0.123,
    })
  })

  it('says null for what is not known, and why when there is a cause', () => {
    const request = { method: '', scheme: '', host: '', path: '', client: null }
    const decision = deny('proxy_untrusted', {
      request,
      principal: null,
      route: null,
      cause: 'peer 192.0.2.9',
    })
    expect(JSON.parse(recordLine(decision, { ...facts, trace: null }))).toMatchObject({
      verdict: 'deny',
      reason: 'proxy_untrusted',
      route: null,
      principal: null,
      trace: null,
      client: null,
      method: null,
      host: null,
      path: null,
      limits: [],
      cause: 'peer 192.0.2.9',
    })
  })

  it('X06: is one line of printable ASCII that reads back, whatever a stranger sends', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 700 }),
      fc.string({
        unit: fc.constantFrom(
          '"',
          '\\',
          '\r',
          '\n',
          '\u001b',
          '\u0085',
          '\u202e',
          '\u2028',
          '\ud800',
          '\u007f',
          'é',
          '{',
        ),
      }),
    )
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (path, host, id, cause) => {
        const { client } = allow().request
        const decision = deny('internal', {
          principal: { ...ann, id, tenant: host, credential: { ...ann.credential, id: host } },
          request: { method: 'GET', scheme: 'https', host, path, client },
          cause: new Error(cause),
        })
        const line = recordLine(decision, facts)
        expect(line).toMatch(printable)
        const record = JSON.parse(line)
        expect(record.path).toBe(path === '' ? null : path.slice(0, 512))
        expect(record.host).toBe(host === '' ? null : host.slice(0, 256))
        expect(record.principal).toEqual({
          id: id.slice(0, 256),
          type: 'jwt',
          tenant: host.slice(0, 256),
          credential: host.slice(0, 256),
        })
        expect(line.length).toBeLessThan(16_384)
        expect(recordText(decision, facts)).toMatch(printable)
      }),
      { seed: 3, numRuns: 500 },
    )
  })

  it('X06: caps every field, the path at 512 characters and others at 256', () => {
    for (const char of ['x', '\u202e']) {
      const long = char.repeat(1_000_000)
      const request = { method: long, scheme: long, host: long, path: `/${long}`, client: null }
      const decision = deny('internal', {
        principal: { ...ann, id: long, tenant: long },
        request,
        cause: long,
      })
      const record = JSON.parse(recordLine(decision, facts))
      expect(record.path).toHaveLength(512)
      for (const field of [record.method, record.host, record.cause, record.principal.id])
        expect(field).toHaveLength(256)
      expect(recordText(decision, facts).length).toBeLessThan(16_384)
    }
  })

  it('K07: holds nothing of a credential that an error quotes', () => {
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ1.c2lnbmF0dXJlMDEyMzQ1Njc4OQ'
    const key = 'ak_live_4f9dk2m1aaaabbbbccccdddd01234567'
    const text = causeOf(new SyntaxError(`Unexpected token in "${token}" for ${key}`))
    for (const part of [...token.split('.'), key]) expect(text).not.toContain(part)
    expect(text).toMatch(/^SyntaxError: Unexpected token in /)
  })

  it('keeps names and addresses in a cause readable', () => {
    const text =
      'issuer company: https://login.example.com/.well-known/jwks.json answered 500 (ERR_JWKS_TIMEOUT)'
    expect(causeOf(text)).toBe(text)
  })

  it('has a form for people: verdict, status, request, and who', () => {
    expect(recordText(deny('role_missing'), facts)).toBe(
      '09:30:00.007 deny 403 GET app.example.com/x reason=role_missing route=app principal=ann client=198.51.100.7 proxy=traefik 0.123ms\n',
    )
    expect(
      recordText(allow({ request: { ...allow().request, client: parseAddress('2001:db8::1') } }), facts),
    ).toContain('allow 200 GET app.example.com/x route=app')
  })
})
