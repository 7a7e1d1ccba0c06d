import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { ISSUER_ANSWERS, ISSUER_FAULTS, type IssuerFaultName } from '../../scripts/outcomes.ts'
import type { Line } from './credentials.ts'
import { holds, Stand } from './stand.ts'

/** A key that tokens are signed with, and what the issuer says of it. */
interface SigningKey {
  readonly kid: string
  readonly secret: CryptoKey
  readonly jwk: JWK
}

async function newSigningKey(kid: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { kid, secret: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

async function tokenOf(issuer: string, { kid, secret }: SigningKey): Promise<Line> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: `https://${issuer}.example`, aud: 'app', sub: 'ann', iat: now, exp: now + 600 }
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(secret)
  return ['Authorization', `Bearer ${token}`]
}

/** The server of two issuers: one that has served a good set before the fault, and one that has not. */
class IssuerServer {
  readonly #server: Server
  #answer: RequestListener
  #port = 0

  constructor(answer: RequestListener) {
    this.#answer = answer
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** From now on it answers so. */
  async answers(answer: RequestListener): Promise<void> {
    this.#answer = answer
    if (!this.#server.listening) await this.open()
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

const says =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end(body)

/** How each fault answers instead of `good`; null: nobody listens. */
const FAULTY: Readonly<Record<IssuerFaultName, ((response: ServerResponse, good: string) => void) | null>> = {
  'issuer-down': null,
  'issuer-hangs': () => {},
  'issuer-slow': (response, good) => void setTimeout(() => response.end(good), 2000).unref(),
  'issuer-oversized': (response, good) => response.end(good.padEnd(300 * 1024)),
  'issuer-redirects': says(302, '', { location: '/good' }),
  'issuer-empty': says(200, '{"keys":[]}'),
  'issuer-gateway': says(502, '<html><body><h1>502 Bad Gateway</h1></body></html>'),
}

const issuerYaml = (name: string, url: string): string =>
  `  ${name}: { issuer: https://${name}.example, audience: app, algorithms: [ES256], keys: { jwks: "${url}/${name}", allow: [http, private] } }\n`
const routeYaml = (name: string): string =>
  `  ${name}: { match: { path: /${name}/** }, credentials: ["jwt:${name}"] }\n`

async function show(name: IssuerFaultName): Promise<void> {
  const [first, second] = await Promise.all([newSigningKey('first'), newSigningKey('second')])
  const [before, both] = [[first], [first, second]].map((keys) =>
    JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }),
  ) as [string, string]
  const faulty = FAULTY[name]
  // Until the fault begins, one of the two issuers is well.
  const server = new IssuerServer(({ url }, response) => {
    if (url === '/held') response.end(before)
    else if (faulty === null) response.destroy()
    else faulty(response, both)
  })
  await server.open()
  const stand = await Stand.start({
    store: 'memory',
    issuers: issuerYaml('held', server.url) + issuerYaml('cold', server.url),
    routes: routeYaml('held') + routeYaml('cold'),
  })
  const ask = async (issuer: string, key: SigningKey) =>
    (await stand.ask(issuer, await tokenOf(issuer, key))).text
  try {
    await holds(async () => (await ask('held', first)) === '200', 'the set of the good issuer has come in')
    if (faulty === null) await server.close()
    else
      await server.answers(({ url }, response) =>
        url === '/good' ? response.end(both) : faulty(response, both),
      )
    const [others, ...texts] = await Promise.all([
      stand.others(50),
      ask('held', first),
      ask('held', second),
      ask('cold', first),
    ])
    expect(others).toBe(50)
    const { held, cold } = ISSUER_ANSWERS
    expect(texts).toEqual([held, ISSUER_FAULTS[name].rotated, cold])
    expect(await stand.ready()).toBe(true)

    await server.answers((_, response) => void response.end(both))
    await holds(async () => (await ask('cold', first)) === '200', 'the cold issuer is well', 25_000)
    const events = stand.events.map(({ event }) => event)
    expect(events).toEqual(expect.arrayContaining([...ISSUER_FAULTS[name].events]))
  } catch (problem) {
    throw new Error(`${name}: ${problem instanceof Error ? problem.message : problem}\n${stand.errors}`)
  } finally {
    await stand.stop()
    await server.close()
  }
}

describe('when an issuer', () => {
  const outcomes = new Map<IssuerFaultName, Promise<unknown>>()
  const names = Object.keys(ISSUER_FAULTS) as IssuerFaultName[]
  beforeAll(() => {
    for (const name of names)
      outcomes.set(
        name,
        show(name).catch((problem: unknown) => problem),
      )
  })
  for (const name of names) {
    it(ISSUER_FAULTS[name].what, { timeout: 90_000 }, async () => {
      const problem = await outcomes.get(name)
      if (problem !== undefined) throw problem
    })
  }
})
