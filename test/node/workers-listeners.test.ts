import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { issueCertificates } from '../e2e/certificate.ts'
import { checkOf } from '../http/support.ts'
import { Place, parsed, type Served } from './served.ts'
import { bytesOf, exchange, portOf } from './support.ts'

let place: Place
beforeEach(() => {
  place = new Place()
})
afterEach(() => place.leave())

const TOKEN = randomBytes(32).toString('base64url')
const PEPPER = randomBytes(48).toString('base64url')

/** How many workers have answered a check: each numbers its requests behind a random part of its own. */
const workersIn = (served: Served): number =>
  new Set(
    parsed(served.out())
      .filter(({ event }) => event === 'decision')
      .map(({ request }) => String(request).slice(0, 18)),
  ).size

describe('the other listeners of several workers', () => {
  it('take h2 in every worker, and answer each check that they took before they stop', async () => {
    const { ca, certificate, key } = issueCertificates()
    place.write('tls.crt', certificate)
    place.write('tls.key', key)
    const served = await place.serve(
      `listen: { check: 127.0.0.1:0, health: 127.0.0.1:0, tls: { address: 127.0.0.1:0, certificate: { file: tls.crt }, key: { file: tls.key } } }
proxies: { traefik: { peers: [127.0.0.1/32] } }
routes: { open: { match: { path: /x/** }, credentials: [anonymous] } }
`,
      '--workers',
      '2',
    )
    expect(Object.keys(served.ready.listen)).toEqual(['check', 'health', 'tls'])
    const headers = {
      ':path': '/check/traefik',
      ...Object.fromEntries(checkOf('traefik', '/x/1').map(([name, value]) => [name.toLowerCase(), value])),
    }
    let answered = 0
    const untaken: unknown[] = []
    const client = async (): Promise<void> => {
      const session = connect(`https://${served.ready.listen['tls']}`, { ca })
      session.on('error', (error) => untaken.push(error.message))
      while (!session.closed && !session.destroyed) {
        const stream = session.request(headers)
        try {
          const [answer] = (await once(stream, 'response')) as [{ ':status': number }]
          expect(answer[':status']).toBe(200)
          answered++
          stream.resume()
        } catch (error) {
          untaken.push((error as Error).message)
        }
      }
    }
    const clients: Promise<void>[] = []
    await vi.waitFor(() => {
      if (clients.length < 200) clients.push(client())
      expect(workersIn(served)).toBe(2)
    }, 15_000)
    served.child.kill('SIGTERM')
    await Promise.all(clients)
    expect(await served.ended).toBe(0)
    expect(parsed(served.out())).toHaveLength(answered + 1)
    // Each session may have one stream behind the last that its GOAWAY names: that one was not looked at.
    expect(untaken.length).toBeLessThanOrEqual(clients.length)
    for (const message of untaken)
      expect(message).toMatch(/NGHTTP2_REFUSED_STREAM|NGHTTP2_CANCEL|GOAWAY|canceled/i)
  })

  it('change keys through any worker, and all of them know at their next decision', async () => {
    place.write('pepper', PEPPER)
    const digest = createHash('sha256').update(TOKEN).digest('hex')
    const served = await place.serve(
      `listen: { check: 127.0.0.1:0, health: 127.0.0.1:0, admin: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
admin: { tokens: { operator: { digest: "sha256:${digest}", role: writer } } }
apiKeys: { prefix: ak, peppers: { v1: { file: pepper } } }
roles: { user: { permissions: ["a:b"] } }
routes: { closed: { match: { path: /x/** }, credentials: [api-key] } }
`,
      '--workers',
      '2',
    )
    const port = portOf(served.ready.listen['check'])
    const ask = async (
      path: string,
      body: unknown,
    ): Promise<{ readonly id: string; readonly key: string }> => {
      const answer = await fetch(`http://${served.ready.listen['admin']}/v1/keys${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          connection: 'close',
        },
        body: JSON.stringify(body),
      })
      expect(answer.ok).toBe(true)
      return (await answer.json()) as { id: string; key: string }
    }
    const statuses = async (key: string): Promise<number[]> => {
      const text = bytesOf([...checkOf('traefik', '/x/1'), ['X-API-Key', key]])
      const answers = await Promise.all(Array.from({ length: 24 }, () => exchange(port, text)))
      return [...new Set(answers.map((answer) => answer?.status ?? 0))]
    }
    for (let round = 0; round < 5; round++) {
      const { id, key } = await ask('', { owner: 'build-bot', roles: ['user'] })
      expect(await statuses(key)).toEqual([200])
      await ask(`/${id}/revoke`, {})
      expect(await statuses(key)).toEqual([401])
    }
    served.child.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(workersIn(served)).toBe(2)
  })
})
