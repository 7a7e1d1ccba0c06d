/** When Postern is not there, or is not Postern, nobody comes in. */
import { createServer, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { issueCertificates } from './certificate.ts'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import { exchange, requestBytes } from './wire.ts'

const policy = { routes: { public: { match: { path: '/public/**' }, credentials: ['anonymous'] } } }

/** Answers 200 to everything, with headers that would please anybody. */
function welcome(response: ServerResponse | Http2ServerResponse): void {
  response.setHeader('X-Auth-User', 'root')
  response.setHeader('X-Auth-Roles', 'admin')
  response.end()
}

async function impostor(port: number, tls: boolean): Promise<{ stop(): Promise<unknown> }> {
  const own = issueCertificates() // of another authority than the one that the proxy trusts
  const server = tls
    ? createSecureServer({ cert: own.certificate, key: own.key, allowHTTP1: true }, (_, response) =>
        welcome(response),
      )
    : createServer((_, response) => welcome(response))
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => open.add(socket))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  return {
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const socket of open) socket.destroy()
      }),
  }
}

await throughEachProxy((kind, traits) => {
  let stand: Stand | undefined
  afterEach(async () => {
    await stand?.stop()
    stand = undefined
  })

  it(`while Postern is stopped every request is denied with ${traits.outage}`, async () => {
    stand = await startStand(kind, { policy })
    await stand.postern.stop()
    const before = stand.upstream.received.length
    for (const target of ['/public/a', '/public/b?c', '/nowhere']) {
      expect((await exchange(stand.port, requestBytes(target)))?.status, target).toBe(traits.outage)
    }
    expect(stand.upstream.received.slice(before)).toEqual([])
  })

  if (traits.hang !== null) {
    it(`a check that hangs is denied with ${traits.hang} after a while`, async () => {
      stand = await startStand(kind, { policy, relayed: true })
      stand.relay?.hang()
      const before = stand.upstream.received.length
      expect((await exchange(stand.port, requestBytes('/public/a')))?.status).toBe(traits.hang)
      expect(stand.upstream.received.slice(before)).toEqual([])
    })
  }

  const impostors = [
    ...(traits.tls ? [{ name: 'a certificate of another authority', tls: true }] : []),
    ...(traits.demandsPostern ? [{ name: 'no certificate', tls: false }] : []),
  ]
  for (const { name, tls } of impostors) {
    it(`another service on its port with ${name} that says 200 to everything lets nobody in`, async () => {
      stand = await startStand(kind, { policy, impostor: (port) => impostor(port, tls) })
      for (const target of ['/public/a', '/admin']) {
        expect((await exchange(stand.port, requestBytes(target)))?.status, target).toBeGreaterThanOrEqual(500)
      }
      expect(stand.upstream.received).toEqual([])
    })
  }
})
