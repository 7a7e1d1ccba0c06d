/** What a client may not tell an upstream, or Postern, through the real proxies. */
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROXY_SECRET, token } from './credentials.ts'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import type { Received } from './upstream.ts'
import { type Answer, Connection, exchange, header, headerValues, type Line, requestBytes } from './wire.ts'

const policy = {
  roles: { reader: { permissions: ['docs:read'] } },
  routes: {
    public: { match: { path: '/public/**' }, credentials: ['anonymous'] },
    docs: { match: { path: '/docs/**' }, credentials: ['jwt:company'] },
    inside: {
      match: { path: '/inside/**' },
      networks: { allow: ['198.51.100.0/24'] },
      credentials: ['anonymous'],
    },
    writing: { match: { path: '/notes/**', methods: ['POST'] }, credentials: ['jwt:company'] },
    reading: { match: { path: '/notes/**', methods: ['GET'] }, credentials: ['anonymous'] },
    elsewhere: { match: { host: 'open.example.com', path: '/**' }, credentials: ['anonymous'] },
  },
}

const MANAGED = ['User', 'Email', 'Roles', 'Permissions', 'Tenant', 'Method']

/** Spellings under which some upstream would find an identity header (CGI, WSGI, PHP, lighttpd fold the signs). */
const SPELLINGS: readonly ((field: string) => string)[] = [
  (field) => `X-Auth-${field}`,
  (field) => `x-auth-${field.toLowerCase()}`,
  (field) => `X-AUTH-${field.toUpperCase()}`,
  (field) => `X_Auth_${field}`,
  (field) => `X-Auth_${field}`,
  (field) => `x_auth-${field}`,
  (field) => `X.Auth.${field}`,
  (field) => `X-Auth.${field}`,
  (field) => `X~Auth~${field}`,
  (field) => `X!Auth-${field}`,
]

const folded = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

/** Headers that tell an upstream something only a proxy knows, or that some upstreams take for an identity. */
const CLAIMS: readonly Line[] = [
  ['X-Forwarded-For', '203.0.113.66'],
  ['X-Forwarded-Host', 'spoof.example.com'],
  ['X-Forwarded-Proto', 'spoof'],
  ['X-Forwarded-Port', '6666'],
  ['X-Forwarded-Prefix', '/spoof'],
  ['X-Forwarded-Server', 'spoof'],
  ['X-Forwarded-Uri', '/spoof'],
  ['X-Forwarded-Method', 'SPOOF'],
  ['X-Forwarded-User', 'spoof'],
  ['X-Forwarded-Email', 'spoof@example.com'],
  ['X-Forwarded-Groups', 'spoof'],
  ['X-Forwarded-Preferred-Username', 'spoof'],
  ['X-Forwarded-Access-Token', 'spoof'],
  ['X-Forwarded-Tls-Client-Cert', 'spoof'],
  ['X-Forwarded-Client-Cert', 'spoof'],
  ['X-Real-Ip', '203.0.113.66'],
  ['Forwarded', 'for=203.0.113.66;host=spoof.example.com'],
  ['X-Original-Uri', '/spoof'],
  ['X-Original-Url', 'http://spoof.example.com/spoof'],
  ['X-Original-Method', 'SPOOF'],
  ['X-Rewrite-Url', '/spoof'],
  ['X-Http-Method-Override', 'SPOOF'],
  ['X-Http-Method', 'SPOOF'],
  ['X-Method-Override', 'SPOOF'],
  ['X-Postern-Status', '200'],
  ['X-Postern-Secret', 'spoof'],
  ['Remote-User', 'spoof'],
  ['Proxy', 'http://spoof.example.com'],
]

const WEBSOCKET: readonly Line[] = [
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
]

/** Sends a request for /public/a with a trailer; whatever comes back will do. */
async function overHttp2(port: number, headers: OutgoingHttpHeaders, body: string): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const ended = new Promise<void>((resolve) => session.on('close', resolve).on('error', () => resolve()))
  const request = session.request(
    { ':path': '/public/a', ':authority': 'app.example.com', ...headers },
    { endStream: false, waitForTrailers: true },
  )
  request.on('wantTrailers', () => request.sendTrailers({ 'x-auth-user': 'spoof' }))
  request.on('close', () => session.close()).on('error', () => session.destroy())
  request.resume()
  request.end(body)
  await ended
}

await throughEachProxy((kind, traits) => {
  let stand: Stand
  beforeAll(async () => {
    stand = await startStand(kind, { policy })
  })
  afterAll(() => stand?.stop())

  /** Sends one request; the answer, and what it made the upstream receive. */
  async function send(bytes: string): Promise<{ answer: Answer | null; received: readonly Received[] }> {
    const before = stand.upstream.received.length
    const answer = await exchange(stand.port, bytes)
    return { answer, received: stand.upstream.received.slice(before) }
  }

  const sent = (target: string, ...headers: Line[]) => send(requestBytes(target, { headers }))

  describe('identity headers', () => {
    it.each(SPELLINGS.map((spell) => ({ spell, example: spell('User') })))(
      "spelled $example are Postern's or none",
      async ({ spell }) => {
        const { answer, received } = await sent(
          '/public/a',
          ...MANAGED.map((field): Line => [spell(field), 'spoof']),
        )
        for (const { lines } of received) {
          for (const [name, value] of lines) {
            expect(value, name).not.toMatch(/spoof/)
            // Not even ours may come under another spelling, or twice.
            if (folded(name).startsWith('x-auth-')) expect(name).toMatch(/^x-auth-[a-z]+$/i)
          }
          expect(headerValues(lines, 'X-Auth-Method')).toEqual(['anonymous'])
        }
        // Refused or cleaned; an ordinary spelling is what every client of an identity-aware proxy may send.
        if (/^x-auth-\w+$/i.test(spell('User'))) expect(received).toHaveLength(1)
        else expect([200, 400]).toContain(answer?.status)
      },
    )

    it('sent twice do not survive beside ours', async () => {
      const { received } = await sent('/public/a', ['X-Auth-Roles', 'admin'], ['X-Auth-Roles', 'root'])
      expect(received).toHaveLength(1)
      expect(headerValues(received[0]?.lines ?? [], 'X-Auth-Roles').join('')).toBe('')
    })

    it.each([
      'X-Auth-User',
      'x-auth-user, keep-alive',
      'close, X-Auth-User',
      'X-Auth-User, X-Postern-Secret, X-Forwarded-For',
    ])('cannot be removed by `Connection: %s`', async (connection) => {
      const { answer, received } = await sent('/docs/a', await token({ sub: 'alice' }), [
        'Connection',
        connection,
      ])
      expect([200, 400], stand.output()).toContain(answer?.status)
      for (const { lines } of received) {
        expect(header(lines, 'X-Auth-User')).toBe('alice')
        expect(header(lines, 'Connection') ?? '').not.toMatch(/x-/i)
      }
    })

    it('cannot be replaced from the trailer of a chunked body', async () => {
      const { received } = await send(
        'POST /public/a HTTP/1.1\r\nHost: app.example.com\r\nTransfer-Encoding: chunked\r\nTrailer: X-Auth-User\r\n\r\n' +
          '3\r\nabc\r\n0\r\nX-Auth-User: spoof\r\n\r\n',
      )
      for (const { lines, trailers } of received) {
        expect(headerValues(lines, 'X-Auth-User').join('')).toBe('')
        expect(trailers.filter(([, value]) => value !== '')).toEqual([])
      }
    })
  })

  it.each([90, 94, 95, 96, 98, 101, 150, 2100])(
    '%d header lines carry the whole identity or none, and hurt nobody',
    async (count) => {
      const lines = Array.from({ length: count }, (_, at): Line => [`H-${at}`, '1'])
      for (const headers of [lines, lines.map(([, value]): Line => ['H', value])]) {
        const { answer, received } = await sent('/docs/a', await token({ sub: 'alice' }), ...headers)
        expect(answer?.status ?? 0, stand.output()).toBeGreaterThanOrEqual(200)
        expect(received).toHaveLength(answer?.status === 200 ? 1 : 0)
        for (const { lines } of received) {
          expect(header(lines, 'X-Auth-User')).toBe('alice')
          expect(header(lines, 'X-Auth-Method')).toBe('jwt:company')
        }
        expect((await sent('/public/a')).answer?.status, stand.output()).toBe(200)
      }
    },
  )

  // HAProxy and Envoy recognise it by its first bytes; to the others it is nonsense.
  it('HTTP/2 without TLS is no way around: no identity header, no alias and no trailer passes', async () => {
    const before = stand.upstream.received.length
    for (const [method, body] of [
      ['GET', ''],
      ['GET', 'hello'],
      ['POST', 'hello'],
    ] as const) {
      await overHttp2(stand.port, { ':method': method, 'x-auth-user': 'spoof', 'x.auth.user': 'spoof' }, body)
    }
    for (const { lines, trailers } of stand.upstream.received.slice(before)) {
      expect(JSON.stringify([lines, trailers])).not.toContain('spoof')
    }
  })

  it.each(CLAIMS.map(([name, value]) => ({ name, value })))(
    "a client's $name never reaches the upstream, and changes nothing",
    async ({ name, value }) => {
      const { answer, received } = await sent('/public/a', [name, value])
      expect(answer?.status, stand.output()).toBe(200)
      // Envoy adds an id of its own, in which anything may occur.
      const lines = received[0]?.lines.filter(([each]) => each.toLowerCase() !== 'x-request-id') ?? []
      for (const line of lines) expect(line[1], line[0]).not.toContain(value)
    },
  )

  describe('a client cannot choose', () => {
    it('another path', async () => {
      const claims = ['X-Forwarded-Uri', 'X-Original-Uri', 'X-Original-Url', 'X-Rewrite-Url'].map(
        (name): Line => [name, '/public/a'],
      )
      const { answer, received } = await sent('/docs/a', ...claims)
      expect(answer?.status).toBe(401)
      expect(received).toEqual([])
    })

    it('another method', async () => {
      const headers: Line[] = ['X-Forwarded-Method', 'X-Original-Method', 'X-Http-Method-Override'].map(
        (name) => [name, 'GET'],
      )
      const { answer, received } = await send(requestBytes('/notes/1', { method: 'POST', headers }))
      expect(answer?.status).toBe(401)
      expect(received).toEqual([])
    })

    it('another host', async () => {
      const claims: Line[] = [
        ['X-Forwarded-Host', 'open.example.com'],
        ['Forwarded', 'host=open.example.com'],
      ]
      const { answer, received } = await sent('/docs/a', ...claims)
      expect(answer?.status).toBe(401)
      expect(received).toEqual([])
    })

    it('another address', async () => {
      const claims = [
        'X-Forwarded-For',
        'X-Real-Ip',
        'X-Client-Ip',
        'True-Client-Ip',
        'Cf-Connecting-Ip',
      ].map((name): Line => [name, '198.51.100.7'])
      const { answer } = await sent('/inside/a', ...claims, ['X-Forwarded-For', '198.51.100.7, 198.51.100.8'])
      expect(answer?.status).toBe(403)
    })

    it("Postern's verdict", async () => {
      const { answer, received } = await sent('/docs/a', ['X-Postern-Status', '200'], ['X-Auth-User', 'root'])
      expect(answer?.status).toBe(401)
      expect(received).toEqual([])
    })

    it('a host by an absolute target that its Host does not name', async () => {
      const { received } = await send(
        requestBytes('http://open.example.com/docs/a', { host: 'app.example.com' }),
      )
      // The target wins (RFC 9112 section 3.2.2): Postern judged the very host that the upstream is told.
      for (const { target, lines } of received) {
        expect([target, header(lines, 'Host')]).toEqual(['/docs/a', 'open.example.com'])
      }
      const other = await send(requestBytes('http://app.example.com/docs/a', { host: 'open.example.com' }))
      expect(other.received).toEqual([])
    })
  })

  it.each([
    ['no host', 'GET /public/a HTTP/1.0\r\n\r\n'],
    ['two hosts', 'GET /public/a HTTP/1.1\r\nHost: app.example.com\r\nHost: open.example.com\r\n\r\n'],
    ['a host that is a list', requestBytes('/public/a', { host: 'app.example.com,open.example.com' })],
    ['CONNECT', 'CONNECT open.example.com:443 HTTP/1.1\r\nHost: open.example.com\r\n\r\n'],
    ['the target *', requestBytes('*')],
    ['a target without a slash', requestBytes('public/a')],
    [
      'a space before the colon',
      'GET /public/a HTTP/1.1\r\nHost: app.example.com\r\nX-Auth-User : spoof\r\n\r\n',
    ],
    [
      'an unknown transfer coding',
      requestBytes('/public/a', { headers: [['Transfer-Encoding', 'xchunked']], body: 'abc' }),
    ],
  ])('a request with %s does not reach the upstream', async (_, bytes) => {
    const { answer, received } = await send(bytes)
    expect(received, stand.output()).toEqual([])
    expect(answer?.status ?? 400).toBeGreaterThanOrEqual(400)
  })

  it('a body of two lengths makes no second request', async () => {
    const smuggled = 'GET /docs/smuggled HTTP/1.1\r\nHost: app.example.com\r\n\r\n'
    const { received } = await send(
      `POST /public/a HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: ${smuggled.length + 5}\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    )
    expect(received.map(({ target }) => target)).not.toContain('/docs/smuggled')
  })

  it('Expect: 100-continue is no obstacle, allowed or denied', async () => {
    const expecting = async (target: string) =>
      send(requestBytes(target, { method: 'POST', headers: [['Expect', '100-continue']], body: 'hello' }))
    const allowed = await expecting('/public/a')
    expect([allowed.answer?.status, allowed.received[0]?.body], stand.output()).toEqual([200, 'hello'])
    const denied = await expecting('/docs/a')
    expect([denied.answer?.status, denied.received]).toEqual([401, []])
  })

  describe('an upgrade', () => {
    it('to WebSocket passes both ways when the request is allowed', async () => {
      const connection = new Connection(stand.port)
      const headers: Line[] = [
        ['Connection', 'keep-alive, Upgrade'],
        ['Upgrade', 'websocket'],
        ...WEBSOCKET,
        await token({ sub: 'alice' }),
      ]
      const answer = await connection.send(requestBytes('/docs/live', { headers }))
      expect(answer?.status, stand.output()).toBe(101)
      expect(await connection.echo('hello through the tunnel')).toBe('hello through the tunnel')
      expect(header(stand.upstream.received.at(-1)?.lines ?? [], 'X-Auth-User')).toBe('alice')
      connection.close()
    })

    it('to WebSocket cannot name a header of ours in Connection either', async () => {
      const { answer, received } = await sent(
        '/docs/live',
        ['Connection', 'Upgrade, X-Auth-User, X-Forwarded-For'],
        ['Upgrade', 'websocket'],
        ...WEBSOCKET,
        await token({ sub: 'alice' }),
      )
      expect([101, 400], stand.output()).toContain(answer?.status)
      for (const { lines } of received) {
        expect(header(lines, 'X-Auth-User')).toBe('alice')
        expect(header(lines, 'Connection')).toMatch(/^upgrade$/i)
      }
    })

    it('to WebSocket does not pass when the request is denied', async () => {
      const { answer, received } = await sent(
        '/docs/live',
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
        ...WEBSOCKET,
      )
      expect([answer?.status, received]).toEqual([401, []])
    })

    // An upstream that agrees to h2c takes further requests through the tunnel, and nobody checks them.
    it.each([[['h2c']], [['h2c', 'websocket']], [['websocket, h2c']], [['TLS/1.0']]])(
      'to %s never reaches the upstream',
      async (protocols) => {
        const upgrades = protocols.map((protocol): Line => ['Upgrade', protocol])
        const settings: Line[] = [
          ['Connection', 'Upgrade, HTTP2-Settings'],
          ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
        ]
        const { received } = await sent('/public/a', ...settings, ...upgrades)
        for (const { lines } of received) expect(header(lines, 'Upgrade') ?? 'websocket').toBe('websocket')
      },
    )
  })

  it(`the ${traits.server} never relays its secret to the client or the upstream`, async () => {
    const { answer, received } = await sent('/public/a')
    expect(JSON.stringify([answer, received])).not.toContain(PROXY_SECRET)
  })
})
