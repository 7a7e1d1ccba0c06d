/** WebSockets through the gateway: judged, carried as they are, and counted where a route bounds them. */
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startUpstream, switching, type Upstream } from '../e2e/upstream.ts'
import { header, type Line, requestBytes } from '../e2e/wire.ts'
import { ask, bearer, edge, forgetfulSpec, gatewaySpec, ORIGIN_SECRET } from './support/gateway.ts'
import { type ScriptedOrigin, startOrigin } from './support/origin.ts'
import {
  type End,
  type Ending,
  open,
  opened,
  type SocketOrigin,
  startSocketOrigin,
} from './support/sockets.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

/** Objects that never answer. */
const SILENT = `
import { DurableObject } from 'cloudflare:workers'
const never = () => new Promise(() => {})
export class Silent extends DurableObject {
  take() { return never() }
  ready() { return never() }
  changes() { return never() }
  charge() { return never() }
  release() { return never() }
}
export default { fetch: () => new Response() }
`

/** Objects that count everything but connections. */
const BROKEN = `
import { PosternState } from './src/stores/durable-object/object.ts'
export class Broken extends PosternState {
  take() { throw new Error('broken') }
}
export default { fetch: () => new Response() }
`

let origin: SocketOrigin
let deaf: ScriptedOrigin
let plain: Upstream
let workerd: Workerd
let url: string
beforeAll(async () => {
  origin = await startSocketOrigin()
  plain = await startUpstream()
  deaf = await startOrigin()
  const section = (port: number) =>
    `{ origin: "http://127.0.0.1:${port}", secret: "\${ORIGIN_SECRET}", timeout: 2s }`
  const counting = {
    more: '',
    bindings: { durableObjects: { POSTERN_STATE: { className: 'PosternState', useSQLite: true } } },
  }
  workerd = await startWorkerd([
    gatewaySpec('gateway', section(origin.port), counting),
    gatewaySpec('agreeing', section(plain.port), counting),
    gatewaySpec('deaf', section(deaf.port), counting),
    forgetfulSpec('forgetful', section(origin.port)),
    gatewaySpec('deserted', section(9), counting),
    gatewaySpec('waiting', section(origin.port), {
      more: '',
      bindings: {
        durableObjects: { POSTERN_STATE: { className: 'Silent', scriptName: 'silent', useSQLite: true } },
      },
    }),
    gatewaySpec('unlucky', section(origin.port), {
      more: '',
      bindings: {
        durableObjects: { POSTERN_STATE: { className: 'Broken', scriptName: 'broken', useSQLite: true } },
      },
    }),
    {
      name: 'broken',
      entry: { text: BROKEN },
      bindings: { durableObjects: { BROKEN: { className: 'Broken', useSQLite: true } } },
    },
    {
      name: 'silent',
      entry: { text: SILENT },
      bindings: { durableObjects: { SILENT: { className: 'Silent', useSQLite: true } } },
    },
  ])
  url = workerd.url('gateway')
})
afterAll(async () => {
  await workerd?.stop()
  await origin?.stop()
  await plain?.stop()
  await deaf?.stop()
})

let clients = 0
/** A client that no other test counts. */
const someone = () => `203.0.113.${++clients}`

/** A client's end and the origin's end of the same connection. */
async function both(
  path: string,
  opening: Parameters<typeof open>[2] = {},
): Promise<{ client: End; far: End }> {
  const before = origin.ends.length
  const client = await opened(url, path, { client: someone(), ...opening })
  await expect.poll(() => origin.ends.length).toBe(before + 1)
  return { client, far: origin.ends[before] as End }
}

/** A handshake that was not let through, of which the origin has heard nothing. */
async function refused(path: string, opening: Parameters<typeof open>[2] = {}, base = url) {
  const before = origin.requests.length
  const handshake = await open(base, path, opening)
  expect(origin.requests).toHaveLength(before)
  if (handshake.ok) throw new Error('the handshake was let through')
  const { status, headers, body } = handshake
  return { status, reason: JSON.parse(body).reason, retry: headers['retry-after'] !== undefined }
}

describe('a handshake', () => {
  it('is judged like any request', async () => {
    expect(await refused('/desk/x')).toEqual({ status: 401, reason: 'credential_missing', retry: false })
    expect(await refused('/nowhere')).toMatchObject({ status: 403 })
    expect(await refused('/public/x', { headers: { X_Auth_User: 'root' } })).toMatchObject({ status: 400 })
  })

  it.each(['/public/x', '/desk/x'])(
    'gets to the origin with identity, proof and subprotocols (%s)',
    async (path) => {
      const [name, token] = await bearer('alice')
      const { client, far } = await both(path, {
        protocols: ['one', 'two'],
        headers: { [name]: token, 'X-Forwarded-For': '1.2.3.4' },
      })
      const headers: IncomingHttpHeaders = origin.requests.at(-1)?.headers ?? {}
      expect(headers['x-auth-method']).toBe(path === '/desk/x' ? 'jwt:company' : 'anonymous')
      expect(headers['x-postern-secret']).toBe(ORIGIN_SECRET)
      expect(headers['x-forwarded-for']).toMatch(/^203\.0\.113\./)
      expect([client.socket.protocol, far.socket.protocol]).toEqual(['two', 'two'])
      client.socket.close()
      await far.ended
    },
  )

  it('is answered without what the origin gives away, and with the state of limits', async () => {
    const handshake = await open(url, '/chat/x', { client: someone() })
    if (!handshake.ok) throw new Error('the handshake failed')
    expect(handshake.headers['x-auth-user']).toBeUndefined()
    expect(handshake.headers['x-from']).toBe('origin')
    expect(handshake.headers['ratelimit']).toMatch(/^"many";r=/)
    handshake.end.socket.close()
  })

  it.each(['/public/plain', '/chat/plain'])(
    'that the origin refuses is answered with its words, and holds no place (%s)',
    async (path) => {
      const client = someone()
      for (let round = 0; round < 4; round++)
        expect(await open(url, path, { client })).toMatchObject({
          ok: false,
          status: 403,
          body: 'no',
          headers: { 'x-from': 'origin', 'x-content-type-options': 'nosniff' },
        })
    },
  )

  it('that the origin breaks off is answered with 502, and holds no place', async () => {
    const client = someone()
    for (let round = 0; round < 4; round++)
      expect(await open(url, '/chat/reset', { client })).toMatchObject({ ok: false, status: 502 })
    for (let round = 0; round < 4; round++)
      expect(await open(workerd.url('deserted'), '/chat/x', { client })).toMatchObject({
        ok: false,
        status: 502,
      })
  })
})

/** The header of a handshake, or of another upgrade. */
const upgrade = (protocol: string) =>
  [
    ['Connection', 'Upgrade'],
    ['Upgrade', protocol],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ] as const

describe('what is no handshake', () => {
  it.each([
    ['GET', 'h2c'],
    ['GET', 'TLS/1.0'],
    ['GET', 'websocket, h2c'],
    ['POST', 'websocket'],
    ['PUT', 'h2c'],
  ])('is a request like any other: %s with Upgrade: %s', async (method, protocol) => {
    const before = plain.received.length
    const answer = await ask(workerd.url('agreeing'), '/public/x', { method, headers: upgrade(protocol) })
    expect([answer.status, answer.body]).toEqual([200, 'upstream'])
    const [received, ...others] = plain.received.slice(before)
    expect(others).toEqual([])
    expect(received?.method).toBe(method)
    expect(header(received?.lines ?? [], 'upgrade')).toBeNull()
  })
})

describe.each([
  ['a connection that nobody counts', '/public/x', { lost: 1006, left: 1006 }],
  // Of a connection that is counted we are an end, and an end cannot send 1006 (RFC 6455 section 7.4.1).
  ['a connection that is counted', '/chat/x', { lost: 1014, left: 1001 }],
])('%s', (_, path, codes) => {
  it.each([false, true])('carries messages both ways as they are (deflate: %s)', async (deflate) => {
    const { client, far } = await both(path, { deflate })
    const messages = [Buffer.from('hello'), Buffer.alloc(0), Buffer.from('grüße 🏰'), randomBytes(70_000)]
    for (const [from, to] of [
      [client, far],
      [far, client],
    ] as const) {
      for (const message of messages)
        for (const binary of [true, false])
          if (binary || message.length < 100) from.socket.send(message, { binary })
      await expect.poll(() => to.heard.length).toBe(7)
      const sent = messages.flatMap((data) =>
        data.length < 100
          ? [
              { data, binary: true },
              { data, binary: false },
            ]
          : [{ data, binary: true }],
      )
      expect(to.heard.map(({ data, binary }) => [data.toString('hex'), binary])).toEqual(
        sent.map(({ data, binary }) => [data.toString('hex'), binary]),
      )
    }
    client.socket.close()
    await far.ended
  })

  it('carries 20 MiB in one message, and many messages to whoever reads late, each once and in order', async () => {
    const { client, far } = await both(path)
    const large = randomBytes(20 << 20)
    client.socket.send(large)
    await expect.poll(() => far.heard.length, { timeout: 20_000 }).toBe(1)
    expect(far.heard[0]?.data.equals(large)).toBe(true)
    client.socket.pause()
    for (let index = 0; index < 320; index++) far.socket.send(Buffer.alloc(100_000, index & 255))
    far.socket.send('last')
    client.socket.resume()
    await expect.poll(() => client.heard.at(-1)?.data.toString(), { timeout: 20_000 }).toBe('last')
    expect(client.heard).toHaveLength(321)
    expect(
      client.heard.slice(0, -1).every(({ data }, index) => data.equals(Buffer.alloc(100_000, index & 255))),
    ).toBe(true)
    client.socket.close()
    await far.ended
  })

  it.each<[string, number | undefined, string, Ending]>([
    ['a code and a reason', 4321, 'gehört geschlossen', { code: 4321, reason: 'gehört geschlossen' }],
    ['a code alone', 1000, '', { code: 1000, reason: '' }],
    ['nothing', undefined, '', { code: 1005, reason: '' }],
  ])('is closed by either side with %s, and both hear the same', async (_name, code, reason, ending) => {
    for (const side of ['client', 'far'] as const) {
      const ends = await both(path)
      ends[side].socket.close(code, reason)
      expect(await Promise.all([ends.client.ended, ends.far.ended])).toEqual([ending, ending])
    }
  })

  it('tells each side when the other one breaks off', async () => {
    const lost = await both(path)
    lost.far.socket.terminate()
    expect(await lost.client.ended).toMatchObject({ code: codes.lost })
    const left = await both(path)
    left.client.socket.terminate()
    expect(await left.far.ended).toMatchObject({ code: codes.left })
  })
})

describe('connections of a route that bounds them', () => {
  const full = { status: 429, reason: 'limit_exceeded', retry: true }

  it('are as many as it says for a client, and no more until one of them is closed by either side', async () => {
    const client = someone()
    const first = await both('/chat/a', { client })
    const second = await both('/chat/b', { client })
    const records = workerd.events('decision').length
    expect(await refused('/chat/c', { client })).toEqual(full)
    const [record] = (await workerd.heard('decision', records + 1)).slice(records)
    expect(record).toMatchObject({ verdict: 'deny', reason: 'connections_exceeded', route: 'chat' })
    // Requests are no connections, other clients have places of their own, and so have other routes.
    expect((await ask(url, '/chat/plain', { client })).status).toBe(403)
    const other = await both('/chat/a', { client: someone() })
    const elsewhere = await both('/public/a', { client })

    first.client.socket.close()
    await first.far.ended
    let third = await open(url, '/chat/c', { client })
    await expect
      .poll(async () => {
        if (!third.ok) third = await open(url, '/chat/c', { client })
        return third.ok
      })
      .toBe(true)
    expect(await refused('/chat/d', { client })).toEqual(full)
    second.far.socket.terminate()
    await second.client.ended
    const fourth = await until(() => open(url, '/chat/d', { client }))
    expect(await refused('/chat/e', { client })).toEqual(full)
    for (const end of [third, fourth]) if (end.ok) end.end.socket.terminate()
    const fifth = await until(() => open(url, '/chat/e', { client }))
    for (const end of [other.client, elsewhere.client]) end.socket.terminate()
    if (fifth.ok) fifth.end.socket.terminate()
  })

  it('are counted by the network of an IPv6 client, as limits are', async () => {
    const ends = [
      await both('/chat/a', { client: '2001:db8:0:1::1' }),
      await both('/chat/a', { client: '2001:db8:0:1::2' }),
    ]
    expect(await refused('/chat/a', { client: '2001:db8:0:1:ffff::3' })).toEqual(full)
    ends.push(await both('/chat/a', { client: '2001:db8:0:2::1' }))
    for (const { client } of ends) client.socket.terminate()
  })

  it('are counted by the principal wherever it comes from, and nobody takes the place of another', async () => {
    const header = async (sub: string, claims = {}) => Object.fromEntries([await bearer(sub, claims)])
    const alice = await both('/desk/a', { headers: await header('alice', { org: 'acme' }) })
    expect(
      await refused('/desk/a', { client: someone(), headers: await header('alice', { org: 'acme' }) }),
    ).toEqual(full)
    const bob = await both('/desk/a', { headers: await header('bob', { org: 'acme' }) })
    for (const { client } of [alice, bob]) client.socket.terminate()
  })

  it('are never more than it says, however many handshakes come at once', async () => {
    const client = someone()
    const all = await Promise.all(Array.from({ length: 20 }, () => open(url, '/chat/a', { client })))
    const got = all.filter(({ ok }) => ok)
    expect(got).toHaveLength(2)
    expect(all.filter((one) => !one.ok).every((one) => 'status' in one && one.status === 429)).toBe(true)
    for (const one of got) if (one.ok) one.end.socket.terminate()
  })

  it.each([
    ['no version', [['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']]],
    [
      'another version',
      [
        ['Sec-WebSocket-Version', '8'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ],
    ],
    ['no key', [['Sec-WebSocket-Version', '13']]],
    [
      'a key that is none',
      [
        ['Sec-WebSocket-Version', '13'],
        ['Sec-WebSocket-Key', 'x'],
      ],
    ],
  ] as [string, Line[]][])('are not held by a handshake with %s, which is none', async (_, lines) => {
    const client = someone()
    const before = origin.ends.length
    const headers: Line[] = [['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ...lines]
    for (let round = 0; round < 3; round++)
      expect((await ask(url, '/chat/x', { client, headers })).status).toBe(403)
    expect(origin.ends).toHaveLength(before)
    for (const path of ['/chat/a', '/chat/b']) (await both(path, { client })).client.socket.terminate()
  })

  it('are free again when a message was more than the runtime takes', async () => {
    const client = someone()
    for (let round = 0; round < 3; round++) {
      const ends = await until(() => open(url, '/chat/a', { client }))
      const far = origin.ends.at(-1) as End
      if (ends.ok) ends.end.socket.send(Buffer.alloc(33 << 20))
      expect(await far.ended).toMatchObject({ code: 1001 })
      // 1009, unless it is still sending: then the connection breaks off.
      if (ends.ok) expect([1006, 1009]).toContain((await ends.end.ended).code)
    }
  })

  it('are let go of by an origin that answers no close, when the client closes or breaks off', async () => {
    for (const leave of ['close', 'terminate'] as const) {
      let gone: Promise<unknown> | null = null
      deaf.on('/chat/x', ({ socket, lines, gone: left }) => {
        socket.write(switching('websocket', header(lines, 'sec-websocket-key') ?? ''))
        gone = left
      })
      const { socket } = await opened(workerd.url('deaf'), '/chat/x', { client: someone() })
      socket[leave]()
      await gone
      socket.terminate()
    }
  })

  it('are not held by a handshake whose client went away before the answer', async () => {
    const client = someone()
    for (let round = 0; round < 3; round++) {
      const before = origin.requests.length
      const path = '/chat/silent'
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(requestBytes(path, { headers: [edge(client), ...upgrade('websocket')] }))
      await expect.poll(() => origin.requests.length).toBe(before + 1)
      socket.resetAndDestroy()
    }
    const ends = [
      await until(() => open(url, '/chat/a', { client })),
      await until(() => open(url, '/chat/a', { client })),
    ]
    for (const one of ends) if (one.ok) one.end.socket.terminate()
  })

  it('are refused while the store fails to count them, and others are not', async () => {
    const base = workerd.url('unlucky')
    const records = workerd.events('decision').length
    const unavailable = { status: 503, reason: 'unavailable', retry: true }
    expect(await refused('/chat/a', {}, base)).toEqual(unavailable)
    const [record] = (await workerd.heard('decision', records + 1)).slice(records)
    expect(record).toMatchObject({ verdict: 'deny', reason: 'limit_unavailable', route: 'chat' })
    expect((await open(base, '/public/a')).ok).toBe(true)
    expect((await ask(base, '/chat/plain')).status).toBe(403)
  })

  it('are refused where the store cannot count them, and others are not', async () => {
    const unavailable = { status: 503, reason: 'unavailable', retry: true }
    expect(await refused('/chat/a', {}, workerd.url('forgetful'))).toEqual(unavailable)
    expect((await open(workerd.url('forgetful'), '/public/a')).ok).toBe(true)
  })

  it('are refused while the store does not answer', async () => {
    const records = workerd.events('decision').length
    expect(await refused('/chat/a', {}, workerd.url('waiting'))).toEqual({
      status: 503,
      reason: 'unavailable',
      retry: true,
    })
    const [record] = (await workerd.heard('decision', records + 1)).slice(records)
    expect(record.reason).toMatch(/^(limit_unavailable|internal)$/)
  })
})

/** A handshake that succeeds as soon as a place is free again. */
async function until(attempt: () => ReturnType<typeof open>) {
  let handshake = await attempt()
  await expect
    .poll(async () => {
      if (!handshake.ok) handshake = await attempt()
      return handshake.ok
    })
    .toBe(true)
  return handshake
}
