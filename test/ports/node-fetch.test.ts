import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { FetchRules } from '../../src/credentials/contract.ts'
import { FetchRefused } from '../../src/ports/fetch-rules.ts'
import { fetchText } from '../../src/ports/node-fetch.ts'

const rules: FetchRules = { maxBytes: 1000, timeout: 2000, http: true, private: true }
const open: Server[] = []

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The code of the refusal, or what else became of it. */
const outcome = (url: string, given: Partial<FetchRules> = {}): Promise<string> =>
  fetchText(url, { ...rules, ...given }).then(
    (text) => `body ${text}`,
    (error: unknown) => (error instanceof FetchRefused ? error.code : String(error)),
  )

afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

describe('fetchText', () => {
  it('gives the body of a 200, and asks for it plain and without a kept connection', async () => {
    let seen: NodeJS.Dict<string | string[]> = {}
    const url = await serve((request, response) => {
      seen = request.headers
      response.end('{"grüße":1}')
    })
    expect(await outcome(url)).toBe('body {"grüße":1}')
    expect(seen).toMatchObject({ 'accept-encoding': 'identity', connection: 'close' })
    expect(seen['cookie'] ?? seen['authorization']).toBeUndefined()
  })

  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    let asked = 0
    const url = await serve((_, response) => {
      asked++
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    expect([await outcome(url), asked]).toEqual(['status', 1])
  })

  it.each([201, 204, 206, 304, 404, 500, 503])('refuses a %i', async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end())
    expect(await outcome(url)).toBe('status')
  })

  it('takes a body of exactly the permitted size and refuses one byte more, also without a length', async () => {
    for (const [size, expected] of [
      [1000, `body ${'x'.repeat(1000)}`],
      [1001, 'size'],
    ] as const) {
      const whole = await serve((_, response) => response.end('x'.repeat(size)))
      const chunked = await serve((_, response) => {
        response.write('x'.repeat(500))
        response.end('x'.repeat(size - 500))
      })
      expect([await outcome(whole), await outcome(chunked)]).toEqual([expected, expected])
    }
  })

  it('hangs up on an endless body as soon as it is too long', async () => {
    let hungUp = (): void => {}
    const closed = new Promise<void>((resolve) => {
      hungUp = resolve
    })
    const url = await serve((_, response) => {
      response.on('close', () => hungUp())
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(100), () => setImmediate(more))
      }
      more()
    })
    expect(await outcome(url)).toBe('size')
    await closed
  })

  it('refuses a compressed body, one that is cut and one that is not UTF-8', async () => {
    const gzip = await serve((_, response) => response.setHeader('content-encoding', 'gzip').end('x'))
    const cut = await serve((_, response) => {
      response.setHeader('content-length', 100).write('x', () => response.destroy())
    })
    const latin = await serve((_, response) => response.end(Buffer.from([0x22, 0xe9, 0x22])))
    expect(await outcome(gzip)).toBe('encoding')
    expect(await outcome(cut)).not.toContain('body')
    expect(await outcome(latin)).toBe('encoding')
  })

  it('counts its time over the whole exchange: a body that drips is cut off, as is a silent server', async () => {
    const drip = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'), 5)
      response.on('close', () => clearInterval(timer))
    })
    const silent = createTcp(() => {}) as unknown as Server
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    expect(await outcome(drip, { timeout: 60 })).toBe('timeout')
    expect(await outcome(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, { timeout: 60 })).toBe(
      'timeout',
    )
    silent.close()
  })

  it('speaks http only where that is permitted, and no other scheme ever', async () => {
    const url = await serve((_, response) => response.end('x'))
    expect(await outcome(url, { http: false })).toBe('url')
    for (const other of ['file:///etc/passwd', 'data:text/plain,x', 'ftp://192.0.2.1/', 'not a url']) {
      expect(await outcome(other)).toBe('url')
    }
  })

  it('sends no credentials that stand in a URL', async () => {
    expect(await outcome('https://user:word@example.com/')).toBe('url')
  })

  it('judges the address behind a name, so that a public name for a private address opens nothing', async () => {
    const url = await serve((_, response) => response.end('x'))
    const named = url.replace('127.0.0.1', 'localhost')
    expect(await outcome(named, { private: false })).toBe('address')
    expect(await outcome(named)).toBe('body x')
  })

  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '0',
  ])('judges the literal address %s, for which no resolver is asked', async (host) =>
    expect(await outcome(`http://${host}:9/`, { private: false })).toBe('address'),
  )
})
