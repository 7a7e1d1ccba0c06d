import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Certificates, issueCertificates } from '../e2e/certificate.ts'
import { allow, checkOf, deny, SECRET } from '../http/support.ts'
import { bytesOf, LOOPBACK, portOf, type Started, type Starting, startService, Wire } from './support.ts'

let folder = ''
let current: Certificates
let started: Started | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-tls-'))
  current = issueCertificates()
  write(current)
})
afterEach(async () => {
  await started?.service.stop(0)
  started = null
  rmSync(folder, { recursive: true })
})

const files = () => ({ certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') })

/** Replaces a file as a renewal does: at once. */
function put(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.new`), text)
  renameSync(join(folder, `${name}.new`), join(folder, name))
}
function write({ certificate, key }: Certificates): void {
  put('tls.crt', certificate)
  put('tls.key', key)
}

async function serve(starting: Starting = {}): Promise<number> {
  started = await startService({ ...starting, listening: { tls: { endpoint: LOOPBACK, files: files() } } })
  return portOf(started.listen['tls'])
}

async function session(port: number, ca = current.ca): Promise<ClientHttp2Session> {
  const client = connect(`https://127.0.0.1:${port}`, { ca })
  client.on('error', () => {})
  await once(client, 'connect')
  return client
}

const h2Check = (part: Record<string, string | string[]> = {}): Record<string, string | string[]> => ({
  ':path': '/check/traefik',
  ...Object.fromEntries(checkOf('traefik').map(([name, value]) => [name.toLowerCase(), value])),
  ...part,
})

async function ask(
  client: ClientHttp2Session,
  headers = h2Check(),
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  const stream = client.request(headers)
  const [[answer], body] = await Promise.all([
    once(stream, 'response') as Promise<[IncomingHttpHeaders]>,
    (async () => {
      let text = ''
      for await (const chunk of stream.setEncoding('utf8')) text += chunk
      return text
    })(),
  ])
  return { headers: answer, body }
}

async function tlsSocket(port: number, protocols: string[], ca = current.ca): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: protocols })
  await once(socket, 'secureConnect')
  return socket
}

describe('the TLS listener', () => {
  it('speaks h2 and HTTP/1.1, by ALPN, with the same answers', async () => {
    const port = await serve({
      decide: (request) => (request.target === '/x' ? allow() : deny('role_missing')),
    })
    const client = await session(port)
    const good = await ask(client)
    expect(good.headers).toMatchObject({
      ':status': 200,
      'x-postern-status': '200',
      'x-auth-user': 'ann',
      'content-length': '0',
    })
    expect(good.headers).not.toHaveProperty('connection')
    const bad = await ask(client, h2Check({ 'x-forwarded-uri': '/y' }))
    expect(bad.headers).toMatchObject({ ':status': 403, 'x-postern-status': '403' })
    expect(JSON.parse(bad.body)).toMatchObject({ status: 403, reason: 'forbidden' })
    client.destroy()

    for (const protocols of [['http/1.1'], []]) {
      const wire = new Wire(await tlsSocket(port, protocols))
      wire.send(bytesOf())
      expect(await wire.answer()).toMatchObject({
        status: 200,
        headers: { 'x-auth-user': 'ann', connection: 'keep-alive' },
      })
      wire.close()
    }
  })

  it('answers many checks of one connection at once', async () => {
    const port = await serve({ decide: async () => allow() })
    const client = await session(port)
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(client)))
    expect(new Set(answers.map(({ headers }) => headers[':status']))).toEqual(new Set([200]))
    expect(started?.records).toHaveLength(200)
    client.destroy()
  })

  it('knows the peer and every repeated line over h2', async () => {
    const port = await serve()
    const client = await session(port)
    const doubled = await ask(client, h2Check({ 'x-forwarded-uri': ['/x', '/admin'] }))
    expect(doubled.headers['x-postern-status']).toBe('400')
    const secret = await ask(client, h2Check({ 'x-postern-secret': [SECRET, SECRET] }))
    expect(secret.headers['x-postern-status']).toBe('403')
    const authority = await ask(client, h2Check({ ':authority': 'app,evil:99999' }))
    expect(authority.headers['x-postern-status']).toBe('200')
    client.destroy()
  })

  it('takes as many lines over h2 as a header of 64 KiB can hold', async () => {
    const port = await serve()
    const client = await session(port)
    // Each counts for 32 bytes beside its own (RFC 9113 section 6.5.2).
    const many = Object.fromEntries(Array.from({ length: 1400 }, (_, at) => [`many-${at}`, '1']))
    expect((await ask(client, h2Check(many))).headers[':status']).toBe(200)
    client.destroy()
  })

  it('J26: overlooks no line over h2 for the blanks around its value (RFC 9113 section 8.2.1)', async () => {
    const seen: (readonly string[])[] = []
    const port = await serve({
      decide: ({ headers }) => {
        seen.push(headers.lines('authorization'), headers.lines('x_auth_user'))
        return allow()
      },
    })
    const client = await session(port)
    await ask(client, h2Check({ authorization: 'Bearer forged ', x_auth_user: '\troot' }))
    expect(seen).toEqual([['Bearer forged'], ['root']])
    const hidden = await ask(client, h2Check({ 'x-forwarded-uri': ['/x', '/admin '] }))
    expect(hidden.headers['x-postern-status']).toBe('400')
    client.destroy()
  })

  it('W01: opens no tunnel over h2 and sends no 1xx', async () => {
    const port = await serve()
    const client = await session(port)
    const tunnel = client.request({ ':method': 'CONNECT', ':authority': '127.0.0.1:22' })
    const [refused] = (await once(tunnel, 'response')) as [IncomingHttpHeaders]
    expect(refused[':status']).toBe(404)
    tunnel.close()
    const stream = client.request(h2Check({ expect: '100-continue' }))
    let continued = false
    stream.on('continue', () => {
      continued = true
    })
    const [given] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    expect([given[':status'], continued]).toEqual([200, false])
    client.destroy()
  })

  it('H08: a control byte denies over h2 too, and the session lives', async () => {
    let identity: Record<string, string> = { 'X-Auth-User': 'a\u000b' }
    const port = await serve({ decide: () => allow({ identity }) })
    const client = await session(port)
    expect((await ask(client)).headers['x-postern-status']).toBe('503')
    identity = { 'X-Auth-User': 'ann' }
    expect((await ask(client)).headers['x-auth-user']).toBe('ann')
    client.destroy()
  })

  it('answers what is under way over h2 when it stops, and then lets go', async () => {
    let finish: () => void = () => {}
    const port = await serve({
      decide: () =>
        new Promise((resolve) => {
          finish = () => resolve(allow())
        }),
    })
    const client = await session(port)
    const answer = ask(client)
    await new Promise((resolve) => setTimeout(resolve, 30))
    const stopped = started?.service.stop()
    await once(client, 'goaway')
    finish()
    expect((await answer).headers).toMatchObject({ ':status': 200, 'x-auth-user': 'ann' })
    await Promise.all([stopped, once(client, 'close')])
    started = null
  })

  it('survives whoever speaks no TLS', async () => {
    const port = await serve()
    const wire = await Wire.open(port)
    wire.send(bytesOf())
    await wire.closed()
    const client = await session(port)
    expect((await ask(client)).headers[':status']).toBe(200)
    client.destroy()
  })
})

describe('renewal', () => {
  const fingerprint = async (port: number, ca: string): Promise<string> => {
    const socket = await tlsSocket(port, ['h2'], ca)
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  const eventsOf = (name: string) => started?.events.filter(({ event }) => event === name) ?? []

  it('uses a new pair for new connections while the old ones go on', async () => {
    const port = await serve({ certificateInterval: 10 })
    const before = current
    const client = await session(port)
    const old = await fingerprint(port, before.ca)
    current = issueCertificates()
    write(current)
    await vi.waitFor(() => expect(eventsOf('certificate_renewed').length).toBeGreaterThan(0), 5000)
    await vi.waitFor(async () => expect(await fingerprint(port, current.ca)).not.toBe(old), 5000)
    expect((await ask(client)).headers[':status']).toBe(200)
    client.destroy()
    const again = await session(port)
    expect((await ask(again)).headers[':status']).toBe(200)
    again.destroy()
  })

  it.each([
    ['a key that belongs to another certificate', () => put('tls.key', issueCertificates().key)],
    ['half a certificate', () => put('tls.crt', current.certificate.slice(0, 200))],
    ['no file', () => rmSync(join(folder, 'tls.crt'))],
  ])('keeps the old pair when the new one is broken: %s', async (_what, damage) => {
    const port = await serve({ certificateInterval: 10 })
    const old = await fingerprint(port, current.ca)
    damage()
    await vi.waitFor(() => expect(eventsOf('certificate_refused')).toHaveLength(1), 5000)
    expect(await fingerprint(port, current.ca)).toBe(old)
    // Reported once, not at every look.
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(eventsOf('certificate_refused')).toHaveLength(1)
    current = issueCertificates()
    write(current)
    await vi.waitFor(async () => expect(await fingerprint(port, current.ca)).not.toBe(old), 5000)
  })

  it('looks at once when it is told to reload', async () => {
    const port = await serve({ certificateInterval: 3_600_000 })
    const old = await fingerprint(port, current.ca)
    current = issueCertificates()
    write(current)
    started?.service.reload()
    await vi.waitFor(async () => expect(await fingerprint(port, current.ca)).not.toBe(old), 5000)
  })

  it('does not start with a pair that does not hold together', async () => {
    put('tls.key', issueCertificates().key)
    await expect(serve()).rejects.toThrow(/cannot use the certificate and key of listen\.tls: /)
  })
})
