import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Decision } from '../../src/core/model.ts'
import { allow, checkOf, deny, IDENTITY, SECRET } from '../http/support.ts'
import { bytesOf, exchange, portOf, type Started, startService, Wire } from './support.ts'

let started: Started
let port = 0
let decided = 0
let answer: () => Decision | Promise<Decision> = () => allow()

beforeAll(async () => {
  started = await startService({
    decide: () => {
      decided++
      return answer()
    },
  })
  port = portOf(started.listen['check'])
})
afterAll(() => started.service.stop(0))
beforeEach(() => {
  decided = 0
  answer = () => allow()
  started.records.length = 0
})

/** The service still answers as ever. */
const lives = async (): Promise<void> => {
  answer = () => allow()
  expect((await exchange(port, bytesOf()))?.status).toBe(200)
}

describe('an answer on the wire', () => {
  it('has an explicit length, so that proxies keep the connection', async () => {
    const wire = await Wire.open(port)
    for (const decision of [allow(), deny('role_missing'), allow()]) {
      answer = () => decision
      wire.send(bytesOf())
      const { headers } = (await wire.answer()) ?? { headers: {} }
      expect(headers).toMatchObject({ connection: 'keep-alive', 'content-length': expect.any(String) })
      expect(headers).not.toHaveProperty('transfer-encoding')
    }
    wire.close()
  })

  it('carries every identity header, the empty ones too', async () => {
    const { headers } = (await exchange(port, bytesOf())) ?? {}
    for (const [name, value] of Object.entries(IDENTITY)) expect(headers?.[name.toLowerCase()]).toBe(value)
    expect(headers?.['content-length']).toBe('0')
  })

  it('is the same for HEAD, without the body', async () => {
    for (const decision of [allow(), deny('credential_missing')]) {
      answer = () => decision
      const get = await exchange(port, bytesOf())
      const head = await exchange(port, bytesOf(checkOf('traefik'), 'HEAD /check/traefik HTTP/1.1'), false)
      const bare = ({ date: _, ...headers }: Readonly<Record<string, string>>) => headers
      expect([head?.status, bare(head?.headers ?? {})]).toEqual([get?.status, bare(get?.headers ?? {})])
    }
  })
})

describe('H08: a control byte', () => {
  it.each(['\u000b', '\u007f', '\r\nX-Admin: 1', '\u0000', 'é', '€'])(
    'as in %j in an identity header denies, and the process lives',
    async (bad) => {
      for (const wait of [false, true]) {
        const decision = allow({ identity: { 'X-Auth-User': `a${bad}` } })
        answer = () => (wait ? Promise.resolve(decision) : decision)
        const given = await exchange(port, bytesOf())
        expect([given?.status, given?.headers['x-postern-status']]).toEqual([503, '503'])
        expect(JSON.stringify(given)).not.toMatch(/x-auth|x-admin/)
      }
      await lives()
    },
  )

  it.each(['\u0001', '\u000b', '\u007f', '\u0080', '\u00ff'])('%j in a request harms nobody', async (bad) => {
    await exchange(port, bytesOf([...checkOf('traefik'), ['X-Odd', `a${bad}b`]]))
    await exchange(port, bytesOf([...checkOf('traefik'), [`X-O${bad}dd`, 'b']]))
    await lives()
  })
})

describe('H10: repeated lines', () => {
  const contracts = {
    traefik: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
    caddy: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
    nginx: ['X-Original-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Original-URI'],
  }
  const cases = Object.entries(contracts).flatMap(([proxy, fields]) =>
    fields.flatMap((field) =>
      [field, field.toLowerCase(), field.toUpperCase()].map((second) => [proxy, second] as const),
    ),
  )
  it.each(cases)('%s with a second %s is refused, whichever comes first', async (proxy, second) => {
    const lines = checkOf(proxy)
    for (const both of [
      [...lines, [second, 'evil'] as const],
      [[second, 'evil'] as const, ...lines],
    ]) {
      const given = await exchange(port, bytesOf(both, `GET /check/${proxy} HTTP/1.1`))
      expect(given?.status).toBe(proxy === 'nginx' ? 403 : 400)
      expect(given?.headers['x-postern-status']).toBe('400')
    }
    expect(decided).toBe(0)
    expect(started.records).toMatchObject([{ reason: 'request_malformed' }, { reason: 'request_malformed' }])
  })

  it.each([SECRET, 'x', ''])('X01: a second X-Postern-Secret %j is no proof', async (second) => {
    for (const name of ['X-Postern-Secret', 'x-postern-secret', 'X-POSTERN-SECRET']) {
      const given = await exchange(port, bytesOf([...checkOf('traefik'), [name, second]]))
      expect(given?.headers['x-postern-status']).toBe('403')
    }
    expect(decided).toBe(0)
  })
})

describe('what proxies relay of the client besides', () => {
  it.each([
    ['an odd Host', bytesOf(checkOf('caddy'), 'GET /check/caddy HTTP/1.1', 'u@app#x\\y,evil:99999')],
    ['no Host', bytesOf(checkOf('caddy'), 'GET /check/caddy HTTP/1.1', null)],
    ['an empty Host', bytesOf(checkOf('caddy'), 'GET /check/caddy HTTP/1.1', '')],
    ['two Hosts', bytesOf([...checkOf('caddy'), ['Host', 'evil']], 'GET /check/caddy HTTP/1.1')],
    ['HTTP/1.0', bytesOf(checkOf('caddy'), 'GET /check/caddy HTTP/1.0', null)],
    ['a query', bytesOf(checkOf('caddy'), 'GET /check/caddy?x=/../admin&y=%zz\\ HTTP/1.1')],
    ['another method', bytesOf(checkOf('caddy'), 'PROPFIND /check/caddy HTTP/1.1')],
    ['TRACE', bytesOf(checkOf('caddy'), 'TRACE /check/caddy HTTP/1.1')],
  ])('is no matter: %s', async (_what, text) => {
    expect((await exchange(port, text))?.headers['x-postern-status']).toBe('200')
    await lives()
  })

  it.each([
    'GET http://127.0.0.1/check/traefik HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'GET /x/../check/traefik HTTP/1.1',
    'GET /check/%74raefik HTTP/1.1',
    'GET /check/traefik/ HTTP/1.1',
    'GET /check\\traefik HTTP/1.1',
    'GET //check/traefik HTTP/1.1',
    'GET ftp://x/check/traefik HTTP/1.1',
    'GET /readyz HTTP/1.1',
    'GET /metrics HTTP/1.1',
    'CONNECT /check/traefik HTTP/1.1',
    'CONNECT 127.0.0.1:22 HTTP/1.1',
  ])('X04: %s is no check', async (start) => {
    const given = await exchange(port, bytesOf(checkOf('traefik'), start))
    expect(given?.status).toBeGreaterThanOrEqual(400)
    expect(given?.headers['x-postern-status']).toBe(String(given?.status))
    expect(decided).toBe(0)
    await lives()
  })

  it.each(['websocket', 'h2c', 'TLS/1.0, HTTP/1.1', 'junk'])(
    'W01: an Upgrade to %s in the check gets a plain answer, never 101',
    async (protocol) => {
      const upgrade = [
        ['Connection', 'Upgrade, HTTP2-Settings'],
        ['Upgrade', protocol],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
        ['Sec-WebSocket-Version', '13'],
        ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
      ] as const
      for (const decision of [allow(), deny('credential_missing')]) {
        answer = () => decision
        const wire = await Wire.open(port)
        wire.send(bytesOf([...checkOf('caddy'), ...upgrade], 'GET /check/caddy HTTP/1.1'))
        expect((await wire.answer())?.status).toBe(decision.reason === null ? 200 : 401)
        wire.close()
      }
      await lives()
    },
  )

  it('Expect: 100-continue never leads to a 1xx, nor any other expectation to a refusal', async () => {
    for (const expectation of ['100-continue', 'gold']) {
      const given = await exchange(port, bytesOf([...checkOf('traefik'), ['Expect', expectation]]))
      expect(given?.status).toBe(200)
    }
    const wire = await Wire.open(port)
    wire.send(bytesOf([...checkOf('traefik'), ['Expect', '100-continue'], ['Content-Length', '1000']]))
    const given = await wire.answer()
    expect([given?.status, given?.headers['connection']]).toEqual([200, 'close'])
    await wire.closed()
  })

  it.each(['GET', 'POST'])('a body of %s is neither waited for nor kept', async (method) => {
    const before = process.memoryUsage().rss
    const size = 200_000_000
    const wire = await Wire.open(port)
    wire.send(
      bytesOf([...checkOf('traefik'), ['Content-Length', String(size)]], `${method} /check/traefik HTTP/1.1`),
    )
    // Decided on the header alone: nothing of the body has been sent yet.
    expect((await wire.answer())?.status).toBe(200)
    const chunk = Buffer.alloc(1_000_000)
    for (let sent = 0; sent < size && !wire.socket.destroyed; sent += chunk.length) {
      if (!wire.socket.write(chunk)) {
        await Promise.race([once(wire.socket, 'drain').catch(() => {}), wire.closed()])
      }
    }
    wire.close()
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
    await lives()
  })
})

describe('bounds', () => {
  it.each([
    ['of a stated length', 'Content-Length', '1000000000000', Buffer.alloc(65_536)],
    ['in chunks', 'Transfer-Encoding', 'chunked', Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`)],
  ])('a body %s that goes on for ever ends with its connection', async (_, name, value, chunk) => {
    const wire = await Wire.open(port)
    wire.send(bytesOf([...checkOf('traefik'), [name, value]], 'POST /check/traefik HTTP/1.1'))
    expect((await wire.answer())?.status).toBe(200)
    let sent = 0
    for (; sent < 512 * 1024 * 1024 && !wire.socket.destroyed; sent += chunk.length) {
      if (!wire.socket.write(chunk))
        await Promise.race([once(wire.socket, 'drain').catch(() => {}), wire.closed()])
    }
    expect(wire.socket.destroyed).toBe(true)
    await lives()
  })

  it('a body that ends leaves its connection to the next check', async () => {
    for (const decision of [allow(), Promise.resolve(allow())]) {
      answer = () => decision
      const wire = await Wire.open(port)
      for (const size of [5, 300_000, 0, 5]) {
        const lines: [string, string][] = [...checkOf('traefik'), ['Content-Length', String(size)]]
        wire.send(`${bytesOf(lines, 'POST /check/traefik HTTP/1.1')}${'x'.repeat(size)}`)
        expect((await wire.answer())?.status).toBe(200)
      }
      wire.close()
    }
  })

  it('takes a header of 60 KiB and refuses one beyond 64 KiB', async () => {
    const padded = (bytes: number) => bytesOf([...checkOf('traefik'), ['X-Long', 'x'.repeat(bytes)]])
    expect((await exchange(port, padded(60_000)))?.status).toBe(200)
    const refused = await exchange(port, padded(70_000))
    expect([refused?.status, refused?.headers['x-postern-status']]).toEqual([431, '431'])
    await lives()
  })

  it('H10: overlooks no line, however many stand before it', async () => {
    const many = Array.from({ length: 3000 }, (): [string, string] => ['a', '1'])
    expect((await exchange(port, bytesOf([...checkOf('traefik'), ...many])))?.status).toBe(200)
    const repeated = [...checkOf('traefik'), ...many, ['X-Forwarded-Uri', '/admin'] as [string, string]]
    expect((await exchange(port, bytesOf(repeated)))?.headers['x-postern-status']).toBe('400')
  })

  it.each([
    '\r\n\r\nGET',
    'GET / HTTP/9.9\r\n\r\n',
    'FOO /check/traefik HTTP/1.1\r\n\r\n',
    '\u0016\u0003\u0001\u0002',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ])('X03: %j ends that connection and nothing else', async (junk) => {
    const wire = await Wire.open(port)
    wire.send(`${junk}\r\n\r\n`)
    const text = await wire.closed()
    if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 4\d\d /)
    await lives()
  })

  it('reads two messages in one as what they are: smuggling finds nothing', async () => {
    const wire = await Wire.open(port)
    wire.send(
      bytesOf(
        [...checkOf('traefik'), ['Content-Length', '5'], ['Transfer-Encoding', 'chunked']],
        'POST /check/traefik HTTP/1.1',
      ),
    )
    const text = await wire.closed()
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(decided).toBe(0)
  })
})
