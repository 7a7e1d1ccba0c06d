/** What clients and upstreams get through the real proxies, for each kind of verdict. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { apiKey, token, tokenOfUnreachableIssuer, unknownApiKey } from './credentials.ts'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import {
  type Answer,
  Connection,
  exchange,
  header,
  type Line,
  type RequestParts,
  requestBytes,
} from './wire.ts'

const policy = {
  roles: {
    reader: { permissions: ['docs:read'] },
    admin: { inherits: ['reader'], permissions: ['docs:*'] },
  },
  limits: { few: { by: 'client', rate: '1/hour', burst: 1 } },
  routes: {
    public: { match: { path: '/public/**' }, credentials: ['anonymous'] },
    docs: {
      match: { path: '/docs/**' },
      credentials: ['jwt:company', 'api-key'],
      require: { permissions: ['docs:read'] },
    },
    admin: { match: { path: '/admin/**' }, credentials: ['jwt:company'], require: { roles: ['admin'] } },
    inside: {
      match: { path: '/inside/**' },
      networks: { allow: ['10.0.0.0/8'] },
      credentials: ['anonymous'],
    },
    limited: { match: { path: '/limited/**' }, credentials: ['anonymous'], limits: ['few'] },
    api: { match: { path: '/api/**' }, credentials: ['jwt:company'], preflight: 'allow' },
    outage: { match: { path: '/outage/**' }, credentials: ['jwt:unreachable'] },
  },
}

interface Case {
  readonly name: string
  readonly target: string
  readonly parts?: () => Promise<RequestParts>
  readonly status: number
  /** Reason in the problem document of a denial. */
  readonly reason?: string
  /** Lines the client's answer must have. */
  readonly answer?: Readonly<Record<string, RegExp>>
  /** Identity that the upstream must receive on an allow; what is missing here must be absent or empty there. */
  readonly identity?: Readonly<Record<string, string>>
}

const as = (...headers: Line[]): RequestParts => ({ headers })
const alice = () => token({ sub: 'alice', roles: ['reader'], org: 'acme', email: 'alice@example.com' })

const CASES: readonly Case[] = [
  {
    name: 'a good JWT passes, and the upstream learns who it is',
    target: '/docs/plan?draft=1',
    parts: async () => as(await alice()),
    status: 200,
    identity: {
      'X-Auth-User': 'alice',
      'X-Auth-Email': 'alice@example.com',
      'X-Auth-Roles': 'reader',
      'X-Auth-Permissions': 'docs:read',
      'X-Auth-Tenant': 'acme',
      'X-Auth-Method': 'jwt:company',
    },
  },
  {
    name: 'inherited roles and permissions reach the upstream as one list',
    target: '/admin/users',
    parts: async () => as(await token({ sub: 'root', roles: ['admin'] })),
    status: 200,
    identity: {
      'X-Auth-User': 'root',
      'X-Auth-Roles': 'admin,reader',
      'X-Auth-Permissions': 'docs:*,docs:read',
      'X-Auth-Method': 'jwt:company',
    },
  },
  {
    name: 'a good API key passes',
    target: '/docs/plan',
    parts: async () => as(apiKey),
    status: 200,
    identity: {
      'X-Auth-User': 'build-bot',
      'X-Auth-Roles': 'reader',
      'X-Auth-Permissions': 'docs:read',
      'X-Auth-Tenant': 'acme',
      'X-Auth-Method': 'api-key',
    },
  },
  {
    name: 'an anonymous route passes everybody, as nobody',
    target: '/public/logo.svg',
    status: 200,
    identity: { 'X-Auth-Method': 'anonymous' },
  },
  {
    name: 'a CORS preflight passes where the route says so, as nobody',
    target: '/api/items',
    parts: async () => ({
      method: 'OPTIONS',
      headers: [
        ['Origin', 'https://app.example.com'],
        ['Access-Control-Request-Method', 'POST'],
      ],
    }),
    status: 200,
    identity: {},
  },
  {
    name: 'OPTIONS that is no preflight needs the credential',
    target: '/api/items',
    parts: async () => ({ method: 'OPTIONS', headers: [['Origin', 'https://app.example.com']] }),
    status: 401,
    reason: 'credential_missing',
  },
  {
    name: 'HEAD is judged as HEAD, and answered without a body',
    target: '/docs/plan',
    parts: async () => ({ method: 'HEAD' }),
    status: 401,
  },
  {
    name: 'HEAD that is allowed passes as HEAD',
    target: '/docs/plan',
    parts: async () => ({ method: 'HEAD', headers: [await alice()] }),
    status: 200,
    identity: {
      'X-Auth-User': 'alice',
      'X-Auth-Email': 'alice@example.com',
      'X-Auth-Roles': 'reader',
      'X-Auth-Permissions': 'docs:read',
      'X-Auth-Tenant': 'acme',
      'X-Auth-Method': 'jwt:company',
    },
  },
  {
    name: 'an API key sent twice is 400',
    target: '/docs/plan',
    parts: async () => as(apiKey, apiKey),
    status: 400,
  },
  {
    name: 'a missing credential is 401 with a challenge',
    target: '/docs/plan',
    status: 401,
    reason: 'credential_missing',
    answer: { 'WWW-Authenticate': /^Bearer\b/, 'Cache-Control': /no-store/ },
  },
  {
    name: 'a token with a bad signature is 401 with a challenge',
    target: '/docs/plan',
    parts: async () => as(await token({ sub: 'alice', roles: ['reader'] }, 'x'.repeat(32))),
    status: 401,
    reason: 'credential_invalid',
    answer: { 'WWW-Authenticate': /^Bearer\b.*invalid_token/, 'Cache-Control': /no-store/ },
  },
  {
    name: 'an expired token is 401',
    target: '/docs/plan',
    parts: async () => as(await token({ sub: 'alice', roles: ['reader'], iat: 1_000_000, exp: 1_000_600 })),
    status: 401,
    reason: 'credential_expired',
    answer: { 'WWW-Authenticate': /^Bearer\b/ },
  },
  {
    name: 'an unknown API key is 401',
    target: '/docs/plan',
    parts: async () => as(unknownApiKey),
    status: 401,
    reason: 'credential_invalid',
    answer: { 'WWW-Authenticate': /./ },
  },
  {
    name: 'a bad API key is not rescued by a good token',
    target: '/docs/plan',
    parts: async () => as(unknownApiKey, await alice()),
    status: 401,
    reason: 'credential_invalid',
  },
  {
    name: 'a token sent twice is 400',
    target: '/docs/plan',
    parts: async () => as(await alice(), await alice()),
    status: 400,
  },
  {
    name: 'a wrong role is 403',
    target: '/admin/users',
    parts: async () => as(await alice()),
    status: 403,
    reason: 'forbidden',
    answer: { 'Cache-Control': /no-store/ },
  },
  { name: 'a wrong network is 403', target: '/inside/', status: 403, reason: 'forbidden' },
  { name: 'a path without a route is 403', target: '/nowhere', status: 403, reason: 'forbidden' },
  { name: "the path of Postern's own check is a path without a route", target: '/check/nginx', status: 403 },
  {
    name: 'a path that climbs is 400',
    target: '/public/..%2fadmin',
    status: 400,
    reason: 'path_malformed',
    answer: { 'Cache-Control': /no-store/ },
  },
  {
    name: 'a path that can be read in two ways is 400',
    target: '/ADMIN/users',
    status: 400,
    reason: 'path_ambiguous',
  },
  {
    name: 'a method nobody knows is 400',
    target: '/public/a',
    parts: async () => ({ method: 'BREW' }),
    status: 400,
  },
  {
    name: 'an issuer whose keys cannot be had is 503, to be tried again',
    target: '/outage/',
    parts: async () => as(await tokenOfUnreachableIssuer()),
    status: 503,
    reason: 'unavailable',
    answer: { 'Retry-After': /^\d+$/, 'Cache-Control': /no-store/ },
  },
]

const IDENTITY = [
  'X-Auth-User',
  'X-Auth-Email',
  'X-Auth-Roles',
  'X-Auth-Permissions',
  'X-Auth-Tenant',
  'X-Auth-Method',
]

await throughEachProxy((kind, traits) => {
  let stand: Stand
  beforeAll(async () => {
    stand = await startStand(kind, { policy })
  })
  afterAll(() => stand?.stop())

  async function ask(target: string, parts: RequestParts = {}): Promise<Answer> {
    const answer = await exchange(stand.port, requestBytes(target, parts))
    if (answer === null) throw new Error(`the proxy closed the connection\n${stand.output()}`)
    return answer
  }

  it.each(CASES)('$name', async ({ target, parts, status, reason, answer: wanted = {}, identity }) => {
    const before = stand.upstream.received.length
    const answer = await ask(target, await parts?.())
    expect(answer.status, stand.output()).toBe(status)
    for (const [name, value] of Object.entries(wanted))
      expect(header(answer.lines, name), name).toMatch(value)

    const received = stand.upstream.received.slice(before)
    if (identity === undefined) {
      expect(received).toEqual([])
      expect(IDENTITY.map((name) => header(answer.lines, name) ?? '').join('')).toBe('')
      const relayed = status === 503 ? traits.relaysUnavailable : traits.relaysDenials
      if (relayed && reason !== undefined) {
        expect(header(answer.lines, 'Content-Type')).toMatch(/^application\/problem\+json/)
        expect(JSON.parse(answer.body)).toMatchObject({ status, reason })
        expect(header(answer.lines, 'X-Postern-Status')).toBe(String(status))
      }
      return
    }
    expect(received.map((each) => each.target)).toEqual([target])
    const lines = received[0]?.lines ?? []
    expect(Object.fromEntries(IDENTITY.map((name) => [name, header(lines, name) ?? '']))).toEqual({
      ...Object.fromEntries(IDENTITY.map((name) => [name, ''])),
      ...identity,
    })
  })

  it('an exhausted limit is 429 and says when to come back; the client learns its quota where the proxy can', async () => {
    const first = await ask('/limited/a')
    expect(first.status, stand.output()).toBe(200)
    expect(header(first.lines, 'RateLimit') !== null).toBe(traits.relaysLimits)
    expect(header(first.lines, 'RateLimit-Policy') !== null).toBe(traits.relaysLimits)

    const second = await ask('/limited/a')
    expect(second.status).toBe(429)
    expect(header(second.lines, 'Retry-After')).toMatch(/^[1-9]\d*$/)
    expect(header(second.lines, 'RateLimit')).toMatch(/few/)
    expect(header(second.lines, 'Cache-Control')).toMatch(/no-store/)
  })

  it('an identity of nearly three kilobytes arrives whole, a longer one is 403', async () => {
    const permissions = Array.from({ length: 90 }, (_, at) => `documents:of-department-${at}:read`)
    const fits = await token({ sub: 'alice', roles: ['reader'], permissions })
    const before = stand.upstream.received.length
    expect((await ask('/docs/plan', { headers: [fits] })).status, stand.output()).toBe(200)
    const [received] = stand.upstream.received.slice(before)
    const expected = ['docs:read', ...permissions].sort().join(',')
    expect(expected.length).toBeGreaterThan(2700)
    expect(header(received?.lines ?? [], 'X-Auth-Permissions')).toBe(expected)

    const tooLong = await token({
      sub: 'alice',
      roles: ['reader'],
      permissions: [...permissions, 'x'.repeat(250)],
    })
    expect((await ask('/docs/plan', { headers: [tooLong] })).status).toBe(403)
  })

  it('however large the header of a request is, the upstream receives the whole identity or nothing', async () => {
    const permissions = Array.from({ length: 60 }, (_, at) => `documents:of-department-${at}:read`)
    const authorization = await token({ sub: 'alice', roles: ['reader'], permissions })
    const expected = ['docs:read', ...permissions].sort().join(',')
    let passed = 0
    for (let size = 500; size < 66_000; size += size < 30_000 ? 500 : 4000) {
      const before = stand.upstream.received.length
      const padding: Line[] = Array.from({ length: size / 500 }, (_, at) => [`X-Pad-${at}`, 'x'.repeat(486)])
      const answer = await exchange(
        stand.port,
        requestBytes('/docs/plan', { headers: [authorization, ...padding] }),
      )
      const received = stand.upstream.received.slice(before)
      if (answer?.status === 200) passed++
      expect(received.length, `${size} bytes`).toBe(answer?.status === 200 ? 1 : 0)
      for (const { lines } of received) {
        expect(header(lines, 'X-Auth-User'), `${size} bytes`).toBe('alice')
        expect(header(lines, 'X-Auth-Permissions'), `${size} bytes`).toBe(expected)
        expect(header(lines, 'X-Auth-Method'), `${size} bytes`).toBe('jwt:company')
      }
    }
    expect(passed).toBeGreaterThan(20)
  })

  it('the client keeps its connection after a denial', async () => {
    const connection = new Connection(stand.port)
    const denied = await connection.send(requestBytes('/nowhere'))
    expect(header(denied?.lines ?? [], 'Connection')).not.toBe('close')
    expect((await connection.send(requestBytes('/public/a')))?.status).toBe(200)
    connection.close()
  })

  it('a body of unknown length arrives whole where the proxy takes one', async () => {
    const before = stand.upstream.received.length
    const head = 'POST /public/a HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\n\r\n'
    const answer = await exchange(stand.port, `${head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`)
    expect(answer?.status, stand.output()).toBe(traits.takesChunks ? 200 : 411)
    const bodies = stand.upstream.received.slice(before).map(({ body }) => body)
    expect(bodies).toEqual(traits.takesChunks ? ['abcde'] : [])
  })

  it("the upstream receives the client's body, method and token", async () => {
    const before = stand.upstream.received.length
    const authorization = await alice()
    await ask('/docs/plan', { method: 'POST', headers: [authorization], body: 'hello' })
    const [received] = stand.upstream.received.slice(before)
    expect(received).toMatchObject({ method: 'POST', body: 'hello' })
    expect(header(received?.lines ?? [], 'Authorization')).toBe(authorization[1])
    expect(header(received?.lines ?? [], 'X-Postern-Secret')).toBe(null)
  })
})
