/** When Postern is not there, or is not Postern, nobody comes in. */
import { createServer, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { issueCertificates } from './certificate.ts'
import { tokenOfUnreachableIssuer } from './credentials.ts'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import { exchange, header, requestBytes } from './wire.ts'

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

await throughEachProxy(
  (kind) => {
    it('an outage behind Postern reaches its client whole where the policy has it told as 403', async () => {
      const stand = await startStand(kind, {
        policy: {
          routes: {
            ...policy.routes,
            outage: { match: { path: '/outage' }, credentials: ['jwt:unreachable'] },
          },
        },
        proxy: { unavailable: 403 },
      })
      try {
        const headers = [await tokenOfUnreachableIssuer()]
        const answer = await exchange(stand.port, requestBytes('/outage', { headers }))
        expect(answer?.status, stand.output()).toBe(403)
        expect(header(answer?.lines ?? [], 'X-Postern-Status')).toBe('503')
        expect(header(answer?.lines ?? [], 'Retry-After')).toMatch(/^\d+$/)
        expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status: 503, reason: 'unavailable' })
      } finally {
        await stand.stop()
      }
    })
  },
  ({ adapter }) => adapter === 'envoy', // the one that hides a 503, and the one with the option
)

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
