import { describe, expect, it } from 'vitest'
import { AddressSet, parseNetwork } from '../../src/core/address.ts'
import { canonicalise, preflightMethod } from '../../src/core/canonical.ts'
import type { Engine } from '../../src/core/engine.ts'
import type { ForwardedRequest } from '../../src/core/model.ts'
import { linesOf } from '../support/service.ts'

const hop = parseNetwork('192.0.2.0/24')
if (!hop.ok) throw new Error('no network')
const engine = {
  methods: new Set(['GET', 'OPTIONS']),
  trustedHops: new AddressSet([hop.network]),
} as unknown as Engine

const request = (
  part: Partial<ForwardedRequest> = {},
  lines: readonly [string, string][] = [],
): ForwardedRequest => ({
  proxy: 'traefik',
  method: 'GET',
  scheme: 'https',
  host: 'App.Example.com:443',
  target: '/A%2fb?x=/c',
  forwardedFor: '203.0.113.9, 192.0.2.1',
  headers: linesOf(lines),
  place: { country: null, asn: null },
  ...part,
})

describe('a request in canonical form', () => {
  it('has its host and client reduced, and its path as it was sent, without the query', () => {
    const { request: canonical, problem } = canonicalise(request(), engine)
    expect(problem).toBeNull()
    expect(canonical).toMatchObject({
      method: 'GET',
      scheme: 'https',
      host: 'app.example.com',
      path: '/A%2fb',
    })
    expect(canonical.client?.text).toBe('203.0.113.9')
  })

  it.each([
    ['http', 'http'],
    ['https', 'https'],
    ['ws', 'http'],
    ['wss', 'https'],
  ])('takes the scheme %s for %s', (scheme, expected) => {
    const { request: canonical, problem } = canonicalise(request({ scheme }), engine)
    expect([canonical.scheme, problem]).toEqual([expected, null])
  })

  it.each(['', 'HTTP', 'ftp', 'constructor', '__proto__', 'toString'])(
    'has no scheme %j, and tells it as sent',
    (scheme) => {
      const { request: canonical, problem } = canonicalise(request({ scheme }), engine)
      expect(canonical.scheme).toBe(scheme)
      expect(problem).toMatch(/scheme/)
    },
  )

  it('tells a method that is not known, and a host that is none, as they were sent', () => {
    expect(canonicalise(request({ method: 'get' }), engine)).toMatchObject({
      request: { method: 'get' },
      problem: expect.stringMatching(/method/),
    })
    expect(canonicalise(request({ host: 'a b' }), engine)).toMatchObject({
      request: { host: 'a b' },
      problem: expect.stringMatching(/host/),
    })
  })
})

describe('a CORS preflight', () => {
  const asks: [string, string] = ['Access-Control-Request-Method', 'PUT']
  const origin: [string, string] = ['Origin', 'https://a.example']
  const wanted = (method: string, ...lines: [string, string][]) => preflightMethod(request({ method }, lines))

  it('asks for one method from one origin by OPTIONS', () => {
    expect(wanted('OPTIONS', asks, origin)).toBe('PUT')
  })

  it.each<[string, string, [string, string][]]>([
    ['another method', 'GET', [asks, origin]],
    ['no origin', 'OPTIONS', [asks]],
    ['no method asked for', 'OPTIONS', [origin]],
    ['two origins', 'OPTIONS', [asks, origin, origin]],
    ['two methods asked for', 'OPTIONS', [asks, asks, origin]],
    ['two methods joined into one line', 'OPTIONS', [['Access-Control-Request-Method', 'PUT, GET'], origin]],
    [
      'two origins joined into one line',
      'OPTIONS',
      [asks, ['Origin', 'https://a.example,https://b.example']],
    ],
    ['an empty origin', 'OPTIONS', [asks, ['Origin', '']]],
    ['an empty method asked for', 'OPTIONS', [['Access-Control-Request-Method', ''], origin]],
  ])('is not one with %s', (_, method, lines) => expect(wanted(method, ...lines)).toBeNull())
})
