/** Attacks on tokens that are no single request: addresses of keys, floods, and what is remembered. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serviceOf } from '../support/service.ts'
import { type Attempt, titled } from './attack.ts'
import { attack } from './catalogue.ts'
import {
  bearer,
  byPartner,
  byStranger,
  byVendor,
  claims,
  hmac,
  input,
  PARTNER,
  PARTNER_JWK,
  STRANGER_JWK,
  VENDOR,
} from './forge.ts'
import { ask, type Served, serve } from './served.ts'
import { CONTRACTS, calmly, checkOf, POLICY, proxiesWith, VARIABLES } from './stage.ts'

const named = (id: string, says: string) => titled(attack(id), says)

/** A server that counts who asks it for keys. */
class Keys {
  readonly asked: string[] = []
  up = true
  readonly #server: Server

  constructor(keys: readonly unknown[]) {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`)
      if (!this.up) response.writeHead(500).end()
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }))
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

describe('where keys come from', () => {
  const ours = new Keys([PARTNER_JWK])
  const dead = new Keys([])
  const theirs = new Keys([STRANGER_JWK])
  let served: Served
  let evil = ''
  beforeAll(async () => {
    dead.up = false
    evil = await theirs.start()
    const allow = ['http', 'private']
    const remote = (jwks: string, issuer: string, algorithms: string[]) => ({
      issuer,
      audience: ['app'],
      keys: { jwks, allow },
      algorithms,
    })
    served = await serve({
      issuers: {
        ...POLICY.issuers,
        partner: remote(await ours.start(), PARTNER, ['ES256']),
        vendor: remote(await dead.start(), VENDOR, ['RS256']),
      },
    })
  })
  afterAll(async () => {
    await served?.stop()
    for (const keys of [ours, dead, theirs]) keys.stop()
  })

  const statusOf = async (target: string, token: string, more: Attempt['headers'] = []) => {
    const lines = typeof more === 'function' ? more() : more
    return (await ask(served.ports.check, { target, headers: [bearer(token), ...lines], status: 200 })).status
  }

  it(named('J20', 'a thousand made-up key ids cause one fetch'), async () => {
    expect(await statusOf('/partner/x', byPartner())).toBe(200)
    const before = ours.asked.length
    expect(before).toBe(1)
    const [, payload = '', signature = ''] = byPartner().split('.')
    const found = new Set<number>()
    for (let round = 0; round < 20; round++) {
      const tokens = Array.from({ length: 50 }, (_, at) => {
        const [header] = input({ alg: 'ES256', kid: `made-up-${round}-${at}` }, {}).split('.')
        return `${header}.${payload}.${signature}`
      })
      for (const status of await Promise.all(tokens.map((token) => statusOf('/partner/x', token))))
        found.add(status)
    }
    expect([...found]).toEqual([401])
    expect(ours.asked.length - before).toBeLessThanOrEqual(1)
    expect(await statusOf('/partner/x', byPartner())).toBe(200)
  })

  it(named('J20', 'while the issuer is down they are 503, and cause one fetch'), async () => {
    const found = new Set<number>()
    for (let at = 0; at < 200; at++)
      found.add(await statusOf('/vendor/x', byVendor({}, { alg: 'RS256', kid: `x-${at}` })))
    expect([...found]).toEqual([503])
    // One at the start and one for each pause that passes, which grows from a second on.
    expect(dead.asked.length).toBeLessThan(8)
  })

  const fetchesNothing = async () => {
    const host = evil.slice('http://'.length)
    const headers = [
      { jku: evil, kid: 'mine' },
      { x5u: evil },
      { jwk: STRANGER_JWK, jku: evil },
      { kid: evil },
      { jwks_uri: evil, issuer: evil },
    ]
    for (const header of headers) {
      expect(await statusOf('/vendor/x', byStranger(header))).toBe(503) // its own keys cannot be had
      expect(await statusOf('/vendor/x', byStranger(header, { iss: evil }))).toBe(401)
      expect(await statusOf('/docs/x', byStranger(header, { iss: evil, jwks_uri: evil }))).toBe(401)
    }
    for (const name of [
      'X-Forwarded-Host',
      'Host',
      'X-Jwks-Uri',
      'X-Issuer',
      'Issuer',
      'X-Original-URL',
      'Referer',
      'Origin',
    ])
      await statusOf('/partner/x', byPartner({ iss: evil }), [
        [name === 'X-Forwarded-Host' ? 'X-Host' : name, host],
      ])
    expect(theirs.asked).toEqual([])
  }
  it(named('J05', 'no token and no header makes Postern fetch from where it says'), fetchesNothing)
  it(named('J22', 'no token and no header makes Postern fetch from where it says'), fetchesNothing)
})

describe('what is remembered of a token', () => {
  const policy = JSON.stringify({ ...POLICY, proxies: proxiesWith({ peers: ['127.0.0.1'] }) })

  it(named('J28', 'a token that was remembered opens nothing that it does not open fresh'), async () => {
    const tokens = [
      hmac(),
      hmac(claims({ scope: 'write' })),
      hmac(claims({ roles: ['admin'] })),
      byVendor(),
      byPartner(),
      hmac(claims({ aud: 'x' })),
    ]
    const targets = [
      '/docs/x',
      '/admin/x',
      '/scoped/x',
      '/vendor/x',
      '/partner/x',
      '/access/x',
      '/inside/x',
      '/api/x',
      '/public/x',
    ]
    const statusOf = async (service: ReturnType<typeof serviceOf>, token: string, target: string, at = 0) => {
      const contract = CONTRACTS[at % CONTRACTS.length] ?? 'traefik'
      const lines = checkOf({ target, headers: [bearer(token)], status: 200 }, contract)
      return calmly(async () => (await service.check(contract, lines)).trueStatus)
    }
    const warm = serviceOf(policy, { variables: VARIABLES })
    for (const token of tokens) for (const target of targets) await statusOf(warm, token, target)
    let allowed = 0
    for (const [at, token] of tokens.entries())
      for (const target of targets) {
        const fresh = await statusOf(serviceOf(policy, { variables: VARIABLES }), token, target)
        expect([at, target, await statusOf(warm, token, target, at)]).toEqual([at, target, fresh])
        if (fresh === 200) allowed++
      }
    expect(allowed).toBeGreaterThan(8)
  })

  it(named('J28', 'a remembered token dies with its exp'), async () => {
    const service = serviceOf(policy, { variables: VARIABLES })
    const token = hmac(claims({ exp: Math.floor(Date.now() / 1000) + 120 }))
    const status = async (one = token) =>
      calmly(async () => (await service.ask({ target: '/docs/x', headers: [bearer(one)] })).trueStatus)
    for (let at = 0; at < 5; at++) expect(await status()).toBe(200)
    service.pass(100_000)
    expect(await status()).toBe(200)
    service.pass(100_000)
    for (let at = 0; at < 3; at++) expect(await status()).toBe(401)
    // One bit more or less is another token.
    for (const other of [`${token}A`, token.slice(0, -1), token.replace('e', 'f'), token.toLowerCase()])
      expect(await status(other)).toBe(401)
  })
})
