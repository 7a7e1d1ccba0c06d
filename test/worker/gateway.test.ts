/** Requests and answers on their way through the gateway. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Received, startUpstream, type Upstream } from '../e2e/upstream.ts'
import { header, headerValues, type Line, requestBytes } from '../e2e/wire.ts'
import { ask, bearer, CLIENT, edge, gatewaySpec, ORIGIN_SECRET, PROXY_SECRET } from './support/gateway.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

/** Says where the client is, as the edge does, and asks the gateway. */
const EDGE = `
export default {
  fetch(request, env) {
    const cf = JSON.parse(request.headers.get('x-test-cf'))
    const headers = new Headers(request.headers)
    headers.delete('x-test-cf')
    return env.GATEWAY.fetch(new Request(request, { headers, cf }))
  },
}
`

/** An origin that is a Worker itself. */
const SERVICE = `
export default {
  fetch: (request) => Response.json({ url: request.url, secret: request.headers.get('x-postern-secret'), user: request.headers.get('x-auth-user'), country: request.cf?.country }),
}
`

const SECRET = `secret: "\${ORIGIN_SECRET}"`

let upstream: Upstream
let workerd: Workerd
let url: string
beforeAll(async () => {
  upstream = await startUpstream()
  const origin = `origin: "http://127.0.0.1:${upstream.port}"`
  workerd = await startWorkerd([
    gatewaySpec('gateway', `{ ${origin}, ${SECRET} }`, {
      more: `store: memory\nproxies: { traefik: { secret: "\${PROXY_SECRET}" } }`,
    }),
    gatewaySpec('zone', `{ ${SECRET} }`),
    gatewaySpec('unbound', `{ ${origin}, binding: ORIGIN }`),
    gatewaySpec('unready', `{ ${origin}, ${SECRET} }`, { variables: {} }),
    gatewaySpec('bound', `{ origin: "https://origin.example.com", binding: ORIGIN, ${SECRET} }`, {
      bindings: { serviceBindings: { ORIGIN: 'service' } },
    }),
    { name: 'service', entry: { text: SERVICE } },
    { name: 'edge', entry: { text: EDGE }, bindings: { serviceBindings: { GATEWAY: 'gateway' } } },
    { name: 'edge of bound', entry: { text: EDGE }, bindings: { serviceBindings: { GATEWAY: 'bound' } } },
  ])
  url = workerd.url('gateway')
})
afterAll(async () => {
  await workerd?.stop()
  await upstream?.stop()
})

/** What the origin got of one request that passed. */
async function received(target: string, parts: Parameters<typeof ask>[2] = {}): Promise<Received> {
  const before = upstream.received.length
  const answer = await ask(url, target, parts)
  expect(answer.status).toBe(200)
  expect(upstream.received).toHaveLength(before + 1)
  return upstream.received[before] as Received
}

/** The reason of a refusal, of which the origin has heard nothing. */
async function refused(target: string, parts: Parameters<typeof ask>[2] = {}, base = url) {
  const before = upstream.received.length
  const answer = await ask(base, target, parts)
  expect(upstream.received).toHaveLength(before)
  return { status: answer.status, reason: JSON.parse(answer.body || '{}').reason }
}

describe('what the origin gets', () => {
  it('is the request as it was: method, target, header lines and body', async () => {
    const { method, target, lines, body } = await received('/public/a%20b?q=1&q=%7e', {
      method: 'POST',
      headers: [
        ['X-One', 'a'],
        ['X-One', 'b'],
        ['Accept-Encoding', 'zstd'],
        ['Cookie', 'a=b'],
      ],
      body: 'body',
    })
    expect({ method, target, body }).toEqual({
      method: 'POST',
      target: '/public/a%20b?q=1&q=%7e',
      body: 'body',
    })
    expect(headerValues(lines, 'x-one')).toEqual(['a', 'b'])
    expect(header(lines, 'accept-encoding')).toBe('zstd')
    expect(header(lines, 'cookie')).toBe('a=b')
    expect(header(lines, 'content-length')).toBe('4')
  })

  it('is a body in chunks where nobody said its length, and a body with GET where a client sends one', async () => {
    const { lines, body, trailers } = await received('/public/x', {
      method: 'PUT',
      headers: [
        ['Transfer-Encoding', 'chunked'],
        ['Trailer', 'X-Auth-User'],
      ],
      chunks: '3\r\nfoo\r\n3\r\nbar\r\n0\r\nX-Auth-User: root\r\n\r\n',
    })
    expect(body).toBe('foobar')
    expect(header(lines, 'content-length')).toBeNull()
    expect(trailers).toEqual([])
    expect((await received('/public/x', { body: 'odd' })).body).toBe('odd')
  })

  it('has one length, whatever a client says of it', async () => {
    const headers: Line[] = [
      ['Content-Length', '3'],
      ['Transfer-Encoding', 'chunked'],
    ]
    const { lines, body } = await received('/public/x', {
      method: 'POST',
      headers,
      chunks: '4\r\nbody\r\n0\r\n\r\n',
    })
    expect(body).toBe('body')
    expect([header(lines, 'content-length'), header(lines, 'transfer-encoding')]).toEqual([null, 'chunked'])
  })

  it('is begun to be sent when its length is more than a number holds', async () => {
    const records = workerd.events('decision').length
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const length: Line = ['Content-Length', '9007199254740993']
    socket.write(requestBytes('/public/x', { method: 'POST', headers: [edge(), length] }))
    await workerd.heard('decision', records + 1)
    await received('/public/x')
    expect(workerd.events('gateway_failed')).toEqual([])
    socket.destroy()
  })

  it('is who the principal is, in our words alone', async () => {
    const { lines } = await received('/docs/x', {
      headers: [
        await bearer('alice', { org: 'acme' }),
        ['X-Auth-User', 'root'],
        ['X-Auth-Email', 'root@example.com'],
      ],
    })
    expect(headerValues(lines, 'x-auth-user')).toEqual(['alice'])
    expect(headerValues(lines, 'x-auth-email')).toEqual([''])
    expect(headerValues(lines, 'x-auth-roles')).toEqual(['reader'])
    expect(headerValues(lines, 'x-auth-permissions')).toEqual(['docs:read'])
    expect(headerValues(lines, 'x-auth-tenant')).toEqual(['acme'])
    expect(headerValues(lines, 'x-auth-method')).toEqual(['jwt:company'])
  })

  it('is where the request came from, in our words alone, and what proves that it is we who ask', async () => {
    const lies: Line[] = [
      ...['X-Forwarded-For', 'X_Forwarded_For', 'X.Forwarded.Host', 'X-Forwarded-Uri', 'X-Forwarded-Prefix'],
      ...[
        'Forwarded',
        'X-Real-IP',
        'True-Client-IP',
        'X-Client-IP',
        'CF-Connecting-IPv6',
        'CF_Connecting_IP',
      ],
      ...['X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override', 'X_HTTP_Method', 'X-Postern-Status'],
      ...[
        'X-Postern-Secret',
        'X_Postern_Secret',
        'Remote-User',
        'Proxy',
        'Proxy-Connection',
        'Proxy-Authorization',
      ],
      ...['TE', 'Keep-Alive', 'Upgrade', 'Transfer_Encoding', 'Content_Length'],
    ].map((name): Line => [name, 'lie'])
    const { lines } = await received('/public/x', { headers: lies })
    expect(lines.filter(([, value]) => value === 'lie')).toEqual([])
    expect(Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value]))).toEqual({
      host: `127.0.0.1:${upstream.port}`,
      'cf-connecting-ip': CLIENT,
      'x-forwarded-for': CLIENT,
      'x-real-ip': CLIENT,
      'x-forwarded-host': 'app.example.com',
      'x-forwarded-proto': 'http',
      'x-postern-secret': ORIGIN_SECRET,
      ...{ 'x-auth-user': '', 'x-auth-email': '', 'x-auth-roles': '', 'x-auth-permissions': '' },
      ...{ 'x-auth-tenant': '', 'x-auth-method': 'anonymous' },
      ...{ 'cache-control': 'max-age=0', pragma: 'no-cache' },
    })
  })

  it('is nothing of what Connection names, and no lie that Connection could have removed', async () => {
    const { lines } = await received('/public/x', {
      headers: [
        ['Connection', 'X-Hop, X-Forwarded-For, X-Postern-Secret, CF-Connecting-IP, cf-ipcountry'],
        ['X-Hop', '1'],
        ['CF-IPCountry', 'DE'],
      ],
    })
    // Nor what the edge says.
    expect(header(lines, 'cf-connecting-ip')).toBe(CLIENT)
    expect(header(lines, 'cf-ipcountry')).toBe('DE')
    expect(header(lines, 'x-hop')).toBeNull()
    expect(header(lines, 'x-forwarded-for')).toBe(CLIENT)
    expect(header(lines, 'x-postern-secret')).toBe(ORIGIN_SECRET)
  })

  it('is asked at the address of the client where the policy names no origin', async () => {
    const before = upstream.received.length
    const host = `127.0.0.1:${upstream.port}`
    const answer = await ask(workerd.url('zone'), '/public/x', { host })
    expect(answer.status).toBe(200)
    const { lines } = upstream.received[before] as Received
    expect([header(lines, 'host'), header(lines, 'x-forwarded-host')]).toEqual([host, host])
  })

  it('is asked through the binding where the policy names one', async () => {
    const { status, body } = await ask(workerd.url('bound'), '/docs/x?y', {
      headers: [await bearer('alice')],
    })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({
      url: 'https://origin.example.com/docs/x?y',
      secret: ORIGIN_SECRET,
      user: 'alice',
    })
  })

  it('is where the edge says that the client is, for a Worker that is bound, with a body or without', async () => {
    const headers: Line[] = [['X-Test-Cf', '{"country":"DE"}']]
    for (const parts of [{ headers }, { headers, method: 'POST', body: 'body' }]) {
      const { body } = await ask(workerd.url('edge of bound'), '/public/x', parts)
      expect(JSON.parse(body).country).toBe('DE')
    }
  })

  it.each([
    ...[
      '/public/../public/x',
      '/public/./x',
      '/public/%2e%2e/public/x',
      '/public/a//b',
      '/public/%41',
      '/public/~x',
    ],
    ...[
      '/public/x;v=1',
      '/public/%7Ex',
      "/public/a'b",
      '/public/a|b',
      '/public/"b"?"c"',
      '/public/x?a=//b/../c',
    ],
    ...[
      '/public/x?%zz',
      '/public/x#y',
      '/public/x?',
      '/public\\x',
      '//public/x',
      '/%70ublic/x',
      '/public/%5cx',
    ],
    ...['/public/..;/docs', '/docs/../public/x', '/public/%2e%2e/docs/x', 'http://evil.example/public/x'],
  ])('is the very target that was judged: %s', async (target) => {
    const records = workerd.events('decision').length
    const before = upstream.received.length
    // Some the runtime refuses by itself.
    if ((await ask(url, target)).body === 'invalid URI') return
    const record = (await workerd.heard('decision', records + 1)).at(-1)
    const sent = upstream.received.slice(before).map((one) => one.target.split('?')[0])
    expect(sent).toEqual(record.verdict === 'allow' ? [record.path] : [])
  })
})

describe('what does not get to the origin', () => {
  it('is a request that carries another spelling of an identity header, or names one in Connection', async () => {
    for (const name of ['X_Auth_User', 'x.auth.user', 'X-Auth_User', 'X~Auth-User'])
      expect(await refused('/public/x', { headers: [[name, 'root']] })).toEqual({
        status: 400,
        reason: 'header_alias',
      })
    expect(await refused('/public/x', { headers: [['Connection', 'close, X-Auth-User']] })).toEqual({
      status: 400,
      reason: 'header_alias',
    })
  })

  it('is a request whose client the edge does not name, or names twice or oddly', async () => {
    const malformed = { status: 400, reason: 'request_malformed' }
    expect(await refused('/public/x', { client: null })).toEqual(malformed)
    expect(await refused('/public/x', { client: null, headers: [['X-Forwarded-For', CLIENT]] })).toEqual(
      malformed,
    )
    expect(await refused('/public/x', { headers: [['CF-Connecting-IP', CLIENT]] })).toEqual(malformed)
    for (const client of ['', 'unknown', '1.2.3.4:80', '1.2.3', '[::1]'])
      expect(await refused('/public/x', { client })).toEqual(malformed)
  })

  it('is a request that the policy refuses, with the reason in a problem document and the headers of the policy', async () => {
    const before = upstream.received.length
    const { status, lines, body } = await ask(url, '/docs/x')
    expect(status).toBe(401)
    expect(upstream.received).toHaveLength(before)
    expect(header(lines, 'content-type')).toBe('application/problem+json')
    expect(header(lines, 'cache-control')).toBe('no-store')
    expect(header(lines, 'www-authenticate')).toMatch(/^Bearer/)
    expect(header(lines, 'strict-transport-security')).toBe('max-age=31536000')
    expect(header(lines, 'x-content-type-options')).toBe('nosniff')
    expect(JSON.parse(body)).toMatchObject({ status: 401, reason: 'credential_missing' })
  })

  it('is a body of a request that the policy refuses, for which the answer does not wait', async () => {
    const before = upstream.received.length
    const headers: Line[] = [['Content-Length', '10000000']]
    expect((await ask(url, '/docs/x', { method: 'POST', headers, chunks: 'a' })).status).toBe(401)
    expect(upstream.received).toHaveLength(before)
  })

  it('is a method that nobody knows, a tunnel, or a host that is none', async () => {
    expect((await refused('/public/x', { method: 'TRACE' })).status).toBe(400)
    const before = upstream.received.length
    expect((await ask(url, 'app.example.com:443', { method: 'CONNECT' })).status).toBe(500)
    expect(upstream.received).toHaveLength(before)
    expect((await refused('*', { method: 'OPTIONS' })).status).toBeGreaterThanOrEqual(400)
    expect((await refused('/public/x', { host: 'a.example.com, b.example.com' })).status).toBe(400)
    expect((await refused('/public/x', { host: 'a_b%2f' })).status).toBeGreaterThanOrEqual(400)
  })

  it('is anything at all while a binding is missing, and the log says which', async () => {
    const answer = await refused('/public/x', {}, workerd.url('unbound'))
    expect(answer).toEqual({ status: 503, reason: 'unavailable' })
    const causes = workerd.events('decision').map(({ cause }) => cause)
    expect(causes).toContain('there is no binding ORIGIN that the origin could be asked through')
  })

  it('is anything at all while a secret is missing, and the log says which', async () => {
    expect((await refused('/public/x', {}, workerd.url('unready'))).status).toBe(503)
    expect(JSON.stringify(await workerd.heard('policy_refused'))).toContain('ORIGIN_SECRET')
  })

  it('is a check: that stays one, and only for proxies of the policy', async () => {
    const headers: Line[] = [
      ...([
        ['X-Postern-Secret', PROXY_SECRET],
        ['X-Forwarded-Method', 'GET'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'app.example.com'],
        ['X-Forwarded-Uri', '/public/x'],
        ['X-Forwarded-For', CLIENT],
      ] satisfies Line[]),
    ]
    const before = upstream.received.length
    const answer = await ask(url, '/check/traefik', { headers, client: null })
    expect([answer.status, header(answer.lines, 'x-postern-status')]).toEqual([200, '200'])
    expect(header(answer.lines, 'x-auth-method')).toBe('anonymous')
    expect(upstream.received).toHaveLength(before)
    expect(await refused('/check/nginx')).toEqual({ status: 403, reason: 'forbidden' })
  })
})

describe('where the client is', () => {
  it('is what the edge says, and nowhere without it', async () => {
    const from = (cf: object) =>
      ask(workerd.url('edge'), '/home/x', { headers: [['X-Test-Cf', JSON.stringify(cf)]] })
    expect((await from({ country: 'DE', asn: 64500 })).status).toBe(200)
    expect((await from({ country: 'FR', asn: 64500 })).status).toBe(403)
    expect((await from({})).status).toBe(403)
    expect(await refused('/home/x', { headers: [['CF-IPCountry', 'DE']] })).toEqual({
      status: 403,
      reason: 'forbidden',
    })
  })
})
