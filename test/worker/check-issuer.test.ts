/** Issuers that are slow, down or asked by somebody who has gone: who waits for them is answered in time. */

import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { checkOf } from '../http/support.ts'
import { bytesOf, Wire } from '../node/support.ts'
import { until } from '../support/redis.ts'
import type { Lines } from '../support/service.ts'
import { ask, policyWith, portOf, startCheck } from './support/check.ts'
import type { Workerd } from './support/workerd.ts'

/** Milliseconds in which every check is answered, with room for a busy machine. */
const SOON = 3000

let token: Lines[number]
let keys: string
/** Fetches that the issuer has not answered yet, and how many there were. */
const waiting: ServerResponse[] = []
let fetches = 0
/** What the last fetch said of caches. */
let caches: string | undefined
let holding = true
let issuer: Server
let port: number
let workerd: Workerd

const answer = (response: ServerResponse) =>
  void response.setHeader('Content-Type', 'application/json').end(keys)
const release = () => {
  holding = false
  waiting.splice(0).forEach(answer)
}

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] })
  const jwt = await new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer('https://login.example.com')
    .setAudience('app')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  token = ['Authorization', `Bearer ${jwt}`]
})

beforeEach(async () => {
  fetches = 0
  holding = true
  issuer = createServer((request, response) => {
    fetches++
    caches = request.headers['cache-control']
    if (holding) waiting.push(response)
    else answer(response)
  })
  issuer.listen(0, '127.0.0.1')
  await once(issuer, 'listening')
  port = (issuer.address() as AddressInfo).port
  workerd = await startCheck(
    policyWith({
      store: 'memory',
      issuers: {
        company: {
          issuer: 'https://login.example.com',
          audience: ['app'],
          keys: { jwks: `http://127.0.0.1:${port}/keys`, allow: ['http', 'private'] },
          algorithms: ['ES256'],
        },
      },
    }),
  )
})
afterEach(async () => {
  waiting.splice(0)
  await workerd?.stop()
  issuer.closeAllConnections()
  issuer.close()
})

/** Opens a connection and sends a check that needs the keys. */
async function begin(): Promise<Wire> {
  const wire = await Wire.open(portOf(workerd))
  wire.send(bytesOf([...checkOf('traefik', '/docs/x'), token]))
  return wire
}

/** The status of a check, which comes soon whatever it is. */
async function statusSoon(work: Promise<{ status: number } | null>): Promise<number> {
  const began = performance.now()
  const status = (await work)?.status ?? 0
  expect(performance.now() - began).toBeLessThan(SOON)
  return status
}

/** Whether tokens can be verified: then a role is missing, on a route without limits. */
const verified = async (): Promise<boolean> => (await ask(workerd, '/admin/x', [token])).status === 403

describe('the key set of an issuer', () => {
  it('is fetched once for all who wait for it', async () => {
    const all = Array.from({ length: 20 }, () => statusSoon(ask(workerd, '/docs/x', [token])))
    await until(() => waiting.length > 0, 'a fetch')
    release()
    expect(new Set(await Promise.all(all))).toEqual(new Set([200]))
    expect(fetches).toBe(1)
  })

  it('is asked of the issuer itself, past every cache on the way', async () => {
    release()
    await until(verified, 'the keys')
    expect(caches).toBe('no-cache')
  })

  it('comes for the others too when the client has gone whose check began the fetch', async () => {
    const first = await begin()
    await until(() => waiting.length === 1, 'the fetch of the first')
    const second = begin().then((wire) => wire.answer())
    first.close()
    const third = ask(workerd, '/docs/x', [token])
    release()
    expect(await statusSoon(second)).toBe(200)
    expect(await statusSoon(third)).toBe(200)
    expect(fetches).toBe(1)
  })

  it('is not waited for without end: who waits is told 503, and who asks when it is there is let in', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 5 }, () => statusSoon(ask(workerd, '/docs/x', [token]))),
    )
    expect(statuses).toEqual([503, 503, 503, 503, 503])
    release()
    // What was begun goes on by itself, without anybody who waits for it.
    await until(verified, 'the keys')
    expect(fetches).toBe(1)
  })

  it('that cannot be had is 503 with a time to come back, said in the log, and asked for again later', async () => {
    issuer.closeAllConnections()
    issuer.close()
    const refused = await ask(workerd, '/docs/x', [token])
    expect(refused.status).toBe(503)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    const [line] = await workerd.heard('key_set_failed')
    expect(line).toMatchObject({ issuer: 'company', held: false })
    expect((await ask(workerd, '/public/x')).status).toBe(200)
    release()
    issuer.listen(port, '127.0.0.1')
    await until(verified, 'another attempt')
  })
})
