/** Answers of an origin on their way to the client, and what the client gets where there is none. */
import { connect, createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, header, headerValues, type Line, Reader, requestBytes } from '../e2e/wire.ts'
import { ask, bearer, edge, gatewaySpec, ORIGIN_SECRET } from './support/gateway.ts'
import { type ScriptedOrigin, startOrigin, type Visit } from './support/origin.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

let origin: ScriptedOrigin
let workerd: Workerd
let url: string
beforeAll(async () => {
  origin = await startOrigin()
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const nobody = (closed.address() as { port: number }).port
  await new Promise((resolve) => closed.close(resolve))
  const section = (port: number, timeout = '500ms') =>
    `{ origin: "http://127.0.0.1:${port}", secret: "\${ORIGIN_SECRET}", timeout: ${timeout} }`
  workerd = await startWorkerd([
    gatewaySpec('gateway', section(origin.port)),
    gatewaySpec('deserted', section(nobody)),
    gatewaySpec('patient', section(origin.port, '5m')),
  ])
  url = workerd.url('gateway')
})
afterAll(async () => {
  await workerd?.stop()
  await origin?.stop()
})

let paths = 0

/** A path of its own for each script. */
function at(act: (visit: Visit) => unknown, under = '/public'): string {
  const path = `${under}/${++paths}`
  origin.on(path, act)
  return path
}

/** Always the same bytes. */
const says = (bytes: string) => at(({ socket }) => void socket.write(bytes, 'latin1'))

/** A client's connection, for tests that look at parts of a message. */
function client(bytes: string, base = url) {
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  socket.on('error', () => {})
  const reader = new Reader(socket)
  socket.write(bytes, 'latin1')
  return { socket, reader }
}

describe('what the client gets', () => {
  it('is the answer as it was: status, words, header lines and body', async () => {
    const path = says(
      'HTTP/1.1 207 Fine Indeed\r\nContent-Length: 4\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Type: text/x\r\nServer: own\r\nX-One: a\r\nX-One: b\r\n\r\nbody',
    )
    const { start, lines, body } = await ask(url, path)
    expect(start).toBe('HTTP/1.1 207 Fine Indeed')
    expect(headerValues(lines, 'set-cookie')).toEqual(['a=1; Path=/', 'b=2'])
    expect(headerValues(lines, 'x-one')).toEqual(['a', 'b'])
    expect(header(lines, 'content-type')).toBe('text/x')
    expect(header(lines, 'server')).toBe('own')
    expect(header(lines, 'content-length')).toBe('4')
    expect(body).toBe('body')
  })

  it.each([
    ['gzip', gzipSync('hello '.repeat(99), { level: 1 }).toString('latin1')],
    ['gzip', 'no gzip at all'],
    ['br', 'no brotli at all'],
    ['zstd', '\x28\xb5\x2f\xfd'],
  ])('is a body encoded as the origin has it, byte for byte (%s)', async (encoding, bytes) => {
    const path = says(
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes}`,
    )
    const { lines, body } = await ask(url, path, { headers: [['Accept-Encoding', encoding]] })
    expect([header(lines, 'content-encoding'), header(lines, 'content-length')]).toEqual([
      encoding,
      String(bytes.length),
    ])
    expect(body === bytes).toBe(true)
  })

  it.each(['GET', 'HEAD', 'POST', 'DELETE'])(
    'is a redirect, which nobody follows here (%s)',
    async (method) => {
      for (const status of ['302 Found', '307 Temporary Redirect']) {
        const path = says(`HTTP/1.1 ${status}\r\nLocation: /public/elsewhere\r\nContent-Length: 0\r\n\r\n`)
        const { start, lines } = await ask(url, path, {
          method,
          ...(method === 'POST' ? { body: 'body' } : {}),
        })
        expect([start, header(lines, 'location')]).toEqual([`HTTP/1.1 ${status}`, '/public/elsewhere'])
        expect(origin.visits.at(-1)).toBe(path)
      }
    },
  )

  it.each([
    ['204 No Content', ''],
    ['304 Not Modified', 'ETag: "x"\r\n'],
  ])('is an answer without a body: %s', async (status, more) => {
    const { start, lines, body } = await ask(url, says(`HTTP/1.1 ${status}\r\n${more}\r\n`))
    expect([start, body]).toEqual([`HTTP/1.1 ${status}`, ''])
    expect(header(lines, 'etag')).toBe(more === '' ? null : '"x"')
  })

  it('is a part where a part was asked for, and for HEAD the length of what GET would give', async () => {
    let range: string | null = null
    const part = at(({ lines, socket }) => {
      range = header(lines, 'range')
      socket.write(
        'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/4\r\nContent-Length: 2\r\n\r\nod',
      )
    })
    const partial = await ask(url, part, { headers: [['Range', 'bytes=1-2']] })
    expect([range, partial.status, header(partial.lines, 'content-range'), partial.body]).toEqual([
      'bytes=1-2',
      206,
      'bytes 1-2/4',
      'od',
    ])
    const head = await ask(url, says('HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n'), { method: 'HEAD' })
    expect([head.status, header(head.lines, 'content-length'), head.body]).toEqual([200, '12345', ''])
  })

  it('is the final answer after an interim one', async () => {
    const path = says(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    )
    expect(await ask(url, path)).toMatchObject({ status: 200, body: 'ok' })
  })

  it('is the state of its limits beside what the origin says of its own', async () => {
    const path = at(
      ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nRateLimit: "own";r=1\r\nContent-Length: 0\r\n\r\n'),
      '/counted',
    )
    const { lines } = await ask(url, path)
    expect(headerValues(lines, 'ratelimit')).toEqual(['"own";r=1', expect.stringMatching(/^"many";r=999;t=/)])
    expect(header(lines, 'ratelimit-policy')).toBe('"many";q=1000;w=3600')
  })

  it('is told to come back later when a limit is used up, and the origin is not asked', async () => {
    const path = at(({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), '/few')
    const answers: Answer[] = []
    for (let round = 0; round < 3; round++) answers.push(await ask(url, path, { client: '198.51.100.99' }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
    expect(Number(header(answers[2]?.lines ?? [], 'retry-after'))).toBeGreaterThan(1)
    expect(origin.visits.filter((target) => target === path)).toHaveLength(2)
  })

  it('is what the policy wants every client to get, unless the origin says it itself', async () => {
    const path = says('HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=1\r\nContent-Length: 0\r\n\r\n')
    const { lines } = await ask(url, path)
    expect(headerValues(lines, 'strict-transport-security')).toEqual(['max-age=1'])
    expect(headerValues(lines, 'x-content-type-options')).toEqual(['nosniff'])
  })

  it('is no identity header, secret or hop-by-hop header of ours, when the origin gives them away', async () => {
    const path = at(({ lines, socket }) => {
      const echo = ['x-auth-user', 'x-auth-roles', 'x-postern-secret'].map(
        (name) => `${name}: ${header(lines, name)}`,
      )
      socket.write(
        `HTTP/1.1 200 OK\r\n${echo.join('\r\n')}\r\nX_Auth_User: alice\r\nX-Postern-Status: 200\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`,
      )
    }, '/docs')
    const { status, lines } = await ask(url, path, { headers: [await bearer('alice')] })
    expect(status).toBe(200)
    expect(
      lines.map(([name]) => name.toLowerCase()).filter((name) => /auth|postern|hop|alive/.test(name)),
    ).toEqual([])
    expect(JSON.stringify(lines)).not.toContain(ORIGIN_SECRET)
  })

  it('comes while the origin is still writing', async () => {
    let finish = () => {}
    const path = at(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
      finish = () => socket.write('6\r\nsecond\r\n0\r\n\r\n')
    })
    const { reader, socket } = client(requestBytes(path, { headers: [edge()] }))
    await reader.head()
    expect(await reader.until('first\r\n')).toBe('5\r\n')
    finish()
    expect(await reader.until('0\r\n\r\n')).toBe('6\r\nsecond\r\n')
    socket.destroy()
  })

  it('waits for an upload that takes longer than the origin may take to answer, and the origin has it as it comes', async () => {
    const seen: string[] = []
    const path = at(async ({ reader, socket }) => {
      seen.push(await reader.take(5))
      seen.push(await reader.take(6))
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const { reader, socket } = client(
      `${requestBytes(path, { method: 'POST', headers: [edge(), ['Content-Length', '11']] })}first`,
    )
    await expect.poll(() => seen).toEqual(['first'])
    // Longer than the time-out by the clock of the runtime: that is what is shown.
    await ask(
      url,
      at(() => {}),
    )
    socket.write('second')
    expect((await reader.head())?.start).toBe('HTTP/1.1 200 OK')
    expect(seen).toEqual(['first', 'second'])
    socket.destroy()
  })

  it('has 2 MiB both ways, byte for byte', async () => {
    const size = 2 << 20
    const path = at(async ({ reader, socket }) => {
      const body = await reader.take(size)
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(body, 'latin1')
    })
    const body = 'abcdefghijklmnop'.repeat(size / 16)
    const answer = await ask(url, path, { method: 'POST', body })
    expect(answer.body === body).toBe(true)
  })
})

/** A problem document of ours, and nothing of the decision beside it. */
function expectProblem({ status, lines, body }: Answer, wanted: number, reason: string): void {
  expect(status).toBe(wanted)
  expect(JSON.parse(body)).toMatchObject({ status: wanted, reason, type: `urn:postern:reason:${reason}` })
  const names = lines.map(([name]) => name.toLowerCase())
  expect(names.filter((name) => /^x-auth|secret/.test(name))).toEqual([])
  expect(header(lines, 'content-type')).toBe('application/problem+json')
  expect(header(lines, 'cache-control')).toBe('no-store')
  expect(header(lines, 'x-content-type-options')).toBe('nosniff')
}

describe('when the origin does not answer', () => {
  const secret = async (): Promise<Line[]> => [await bearer('alice')]

  it('because nobody is there, the client gets 502, and the log says which request it was', async () => {
    const answer = await ask(workerd.url('deserted'), '/docs/x', { headers: await secret() })
    expectProblem(answer, 502, 'bad_gateway')
    const { instance } = JSON.parse(answer.body)
    const events = await workerd.heard('origin_failed')
    expect(instance).toBe(`urn:uuid:${events.at(-1)?.request}`)
  })

  it.each([
    ['hangs up', (socket: Visit['socket']) => socket.end()],
    ['resets', (socket: Visit['socket']) => socket.resetAndDestroy()],
    ['hangs up in the header', (socket: Visit['socket']) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
    ['speaks something else', (socket: Visit['socket']) => socket.end('SSH-2.0-OpenSSH_9.2\r\n\r\n')],
    [
      'has a status that is none',
      (socket: Visit['socket']) => socket.end('HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n'),
    ],
    [
      'switches to what nobody asked for',
      (socket: Visit['socket']) =>
        socket.end('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
    ],
    [
      'has more header than anybody takes',
      (socket: Visit['socket']) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`),
    ],
  ])('because it %s, the client gets 502, and it is not asked again', async (_, act) => {
    for (const method of ['GET', 'POST']) {
      const path = at(({ socket }) => act(socket), '/docs')
      const answer = await ask(url, path, { method, headers: await secret() })
      expectProblem(answer, 502, 'bad_gateway')
      expect(origin.visits.filter((target) => target === path)).toHaveLength(1)
    }
  })

  it.each([
    ['with a key that is not the answer', 'Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n'],
    ['with none', 'Upgrade: websocket\r\n'],
    ['of something else', 'Upgrade: x\r\n'],
  ])('because it completes a handshake %s, the client gets 502', async (_, lines) => {
    const path = at(
      ({ socket }) => socket.write(`HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n${lines}\r\n`),
      '/docs',
    )
    const handshake: Line[] = [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
    ]
    expectProblem(
      await ask(url, path, { headers: [await bearer('alice'), ...handshake] }),
      502,
      'bad_gateway',
    )
  })

  it('because it is too slow to begin, the client gets 504, and its connection to the origin ends', async () => {
    for (const method of ['GET', 'POST']) {
      let gone: Promise<unknown> = Promise.resolve()
      const path = at((visit) => {
        gone = visit.gone
      }, '/docs')
      expectProblem(await ask(url, path, { method, headers: await secret() }), 504, 'gateway_timeout')
      await gone
      expect(origin.visits.filter((target) => target === path)).toHaveLength(1)
    }
  })

  it('to the end, what the client has begun to get breaks off and does not look whole', async () => {
    const chunked = at(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', () =>
        socket.resetAndDestroy(),
      )
    })
    const { reader } = client(requestBytes(chunked, { headers: [edge()] }))
    await reader.head()
    expect(await reader.rest()).not.toContain('0\r\n\r\n')
    const sized = at(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart', () => socket.resetAndDestroy())
    })
    const answer = await ask(url, sized)
    expect(answer.body.length).toBeLessThan(10)
  })

  it('slow parts of a body are waited for, once it has begun', async () => {
    let more = () => {}
    const path = at(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na')
      more = () => socket.write('b')
    })
    const { reader, socket } = client(requestBytes(path, { headers: [edge()] }))
    await reader.head()
    expect(await reader.take(1)).toBe('a')
    await ask(
      url,
      at(() => {}),
    )
    more()
    expect(await reader.take(1)).toBe('b')
    socket.destroy()
  })
})

describe('when the client goes away', () => {
  it.each([
    ['before the answer', () => {}],
    [
      'in the middle of the answer',
      (socket: Visit['socket']) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na'),
    ],
  ])('%s, the request to the origin ends', async (_, act) => {
    let gone: Promise<unknown> | null = null
    const path = at((visit) => {
      gone = visit.gone
      act(visit.socket)
    })
    const { socket } = client(requestBytes(path, { headers: [edge()] }), workerd.url('patient'))
    await expect.poll(() => gone !== null).toBe(true)
    socket.resetAndDestroy()
    await gone
  })

  it('in the middle of an upload, the request to the origin ends', async () => {
    let gone: Promise<unknown> | null = null
    const path = at((visit) => {
      gone = visit.gone
    })
    const { socket } = client(
      `${requestBytes(path, { method: 'POST', headers: [edge(), ['Content-Length', '9']] })}a`,
      workerd.url('patient'),
    )
    await expect.poll(() => gone !== null).toBe(true)
    socket.resetAndDestroy()
    await gone
  })
})

describe('what asks too much', () => {
  it('is a header of 100 KiB or a token of 64 KiB: refused, and the origin hears nothing', async () => {
    const visits = origin.visits.length
    const big = await ask(url, '/docs/x', { headers: [['Authorization', `Bearer ${'a'.repeat(1 << 16)}`]] })
    expect([401, 431]).toContain(big.status)
    const huge = await ask(url, '/docs/x', { headers: [['X-Large', 'a'.repeat(100 << 10)]] })
    expect([401, 431]).toContain(huge.status)
    expect(origin.visits).toHaveLength(visits)
  })
})
