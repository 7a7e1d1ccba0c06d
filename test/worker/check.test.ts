import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROXIES } from '../../src/proxies/index.ts'
import { checkOf, SECRET } from '../http/support.ts'
import { type Answer, bytesOf } from '../node/support.ts'
import { type Answered, type Lines, type Service, serviceOf } from '../support/service.ts'
import {
  ask,
  bearer,
  check,
  edge,
  policyWith,
  recordOf,
  send,
  startCheck,
  VARIABLES,
} from './support/check.ts'
import type { Workerd } from './support/workerd.ts'

const NAMES = Object.keys(PROXIES)
const DIGEST = 'ab'.repeat(32)

/** Of an answer what has to be the same wherever it is given: not the id of the request, nor the jitter. */
function comparable(status: number, header: (name: string) => string | null, body: string) {
  const names = ['x-postern-status', 'cache-control', 'content-type', 'www-authenticate', 'ratelimit-policy']
  const identity = ['user', 'email', 'roles', 'permissions', 'tenant', 'method'].map((one) => `x-auth-${one}`)
  return {
    status,
    header: Object.fromEntries([...names, ...identity, 'ratelimit'].map((name) => [name, header(name)])),
    body: body.replace(/urn:uuid:[0-9a-f-]{36}/, 'urn:uuid:'),
  }
}

const ofWorker = ({ status, headers, body }: Answer) =>
  comparable(status, (name) => headers[name] ?? null, body)
const ofNode = ({ status, headers, body }: Answered) => comparable(status, (name) => headers.get(name), body)

describe('each contract is answered as on Node', () => {
  const policy = policyWith({
    proxies: Object.fromEntries(NAMES.map((name) => [name, { secret: '${PROXY_SECRET}' }])),
  })
  let workerd: Workerd
  let node: Service
  beforeAll(async () => {
    workerd = await startCheck(policy)
    node = serviceOf(policy, { variables: VARIABLES })
  })
  afterAll(() => workerd?.stop())

  it.each(NAMES)('%s', async (proxy) => {
    const cases: readonly (readonly [target: string, lines: Lines])[] = [
      ['/public/x?y=1', []],
      ['/docs/x', [await bearer()]],
      ['/docs/x', []],
      ['/docs/x', [await bearer({}, VARIABLES.PROXY_SECRET)]],
      ['/admin/x', [await bearer()]],
      ['/public/..%2fadmin/x', []],
      ['/nowhere', []],
      ['/public/x', [['X_Auth_User', 'root']]],
      ['/public/x', [['X-Postern-Secret', 'another']]],
      ['', []],
      ['/few', []],
      ['/few', []],
      ['/few', []],
    ]
    for (const [target, lines] of cases) {
      // Each proxy's clients are clients of their own, since the limits are the same for all.
      const from = `203.0.113.${NAMES.indexOf(proxy)}`
      const place = (all: Lines): Lines =>
        all.map(([name, value]) => [name, /^X-(?:Forwarded-For|Real-IP)$/.test(name) ? from : value])
      const all = [...place(checkOf(proxy, target)), ...lines]
      const there = await node.check(proxy, all)
      const record = await recordOf(workerd, async () => {
        expect(ofWorker(await check(workerd, proxy, all)), `${proxy} ${target}`).toEqual(ofNode(there))
      })
      expect(record, `${proxy} ${target}`).toMatchObject({ proxy, reason: there.reason })
    }
  })

  it('nothing else is an endpoint', async () => {
    for (const path of [
      '/',
      '/check',
      '/check/traefik/',
      '/check/unknown',
      '/check/TRAEFIK',
      '/readyz',
      '/metrics',
    ])
      expect((await fetch(workerd.url('check') + path)).status, path).toBe(404)
  })

  it('the method, query and Host of the check itself say nothing', async () => {
    for (const [start, host] of [
      ['DELETE /check/traefik?uri=/admin/x HTTP/1.1', 'app.example.com'],
      ['HEAD /check/traefik HTTP/1.1', 'evil.example.com'],
    ] as const) {
      const text = bytesOf(checkOf('traefik', '/public/x'), start, host)
      const record = await recordOf(workerd, async () => {
        expect((await send(workerd, text, false)).status).toBe(200)
      })
      expect(record).toMatchObject({ host: 'app.example.com', path: '/public/x' })
    }
  })
})

describe('trust', () => {
  const of = (proxy: object) => policyWith({ proxies: { traefik: proxy } })
  const presented = (digest: string, verified = 'SUCCESS', revoked = '0') =>
    edge({
      tlsClientAuth: {
        certPresented: '1',
        certVerified: verified,
        certRevoked: revoked,
        certFingerprintSHA256: digest.toUpperCase(),
      },
    })

  it('by a secret: it alone, once and exactly', async () => {
    const workerd = await startCheck(of({ peers: ['127.0.0.1/32'], secret: '${PROXY_SECRET}' }))
    try {
      await recordOf(workerd, async () => expect((await ask(workerd, '/public/x')).status).toBe(200))
      const denied: readonly (readonly [string, Lines])[] = [
        ['none, from an address that peers names', []],
        ['another', [['X-Postern-Secret', `${SECRET.slice(0, -1)}x`]]],
        ['a part of it', [['X-Postern-Secret', SECRET.slice(0, -1)]]],
        ['nothing', [['X-Postern-Secret', '']]],
        [
          'two lines',
          [
            ['X-Postern-Secret', SECRET],
            ['X-Postern-Secret', SECRET],
          ],
        ],
        ['another name', [['X_Postern_Secret', SECRET]]],
      ]
      for (const [what, lines] of denied) {
        const record = await recordOf(workerd, async () => {
          expect((await ask(workerd, '/public/x', lines, { secret: false })).status, what).toBe(403)
        })
        expect(record, what).toMatchObject({
          reason: 'proxy_untrusted',
          path: null,
        })
      }
    } finally {
      await workerd.stop()
    }
  })

  it('by a client certificate: only one that the edge has verified, that was not revoked, and that the policy names', async () => {
    const workerd = await startCheck(of({ certificates: [`sha256:${DIGEST}`] }))
    try {
      const status = async (...lines: Lines) =>
        (await ask(workerd, '/public/x', lines, { secret: false })).status
      expect(await status(presented(DIGEST))).toBe(200)
      expect(await status(presented(DIGEST, 'NONE'))).toBe(403)
      expect(await status(presented(DIGEST, 'FAILED:self signed certificate'))).toBe(403)
      expect(await status(presented(DIGEST, 'SUCCESS', '1'))).toBe(403)
      expect(await status(presented('cd'.repeat(32)))).toBe(403)
      expect(await status(edge({}))).toBe(403)
      expect(await status(edge({ tlsClientAuth: {} }))).toBe(403)
      expect(
        await status(
          edge({
            tlsClientAuth: { certPresented: '0', certVerified: 'SUCCESS', certFingerprintSHA256: DIGEST },
          }),
        ),
      ).toBe(403)
      // A local run knows nothing of certificates, and neither does a header.
      expect(await status()).toBe(403)
      expect(await status(['Cf-Cert-Fingerprint-Sha256', DIGEST])).toBe(403)
    } finally {
      await workerd.stop()
    }
  })

  it('by both: neither stands for the other', async () => {
    const workerd = await startCheck(of({ secret: '${PROXY_SECRET}', certificates: [`sha256:${DIGEST}`] }))
    try {
      expect((await ask(workerd, '/public/x', [presented(DIGEST)])).status).toBe(200)
      expect((await ask(workerd, '/public/x')).status).toBe(403)
      expect((await ask(workerd, '/public/x', [presented(DIGEST)], { secret: false })).status).toBe(403)
    } finally {
      await workerd.stop()
    }
  })
})

describe('places', () => {
  it('are what the headers say that the policy names, never where the check comes from', async () => {
    const workerd = await startCheck(
      policyWith({
        proxies: {
          traefik: { secret: '${PROXY_SECRET}', place: { country: 'X-Client-Country', asn: 'X-Client-ASN' } },
        },
      }),
    )
    try {
      const status = async (target: string, ...lines: Lines) => (await ask(workerd, target, lines)).status
      expect(await status('/domestic/x', ['X-Client-Country', 'DE'])).toBe(200)
      expect(await status('/domestic/x', ['X-Client-Country', 'FR'])).toBe(403)
      expect(await status('/domestic/x')).toBe(403)
      expect(await status('/domestic/x', ['X-Client-Country', 'XX'])).toBe(403)
      expect(await status('/domestic/x', ['X-Client-Country', 'DE'], ['X-Client-Country', 'DE'])).toBe(403)
      expect(await status('/carrier/x', ['X-Client-ASN', '64501'])).toBe(200)
      expect(await status('/carrier/x', ['X-Client-ASN', 'AS64500'])).toBe(403)
      expect(await status('/carrier/x')).toBe(403)
      // The edge speaks of the proxy, and of nobody behind it.
      expect(await status('/domestic/x', edge({ country: 'DE', asn: 64501 }))).toBe(403)
      expect(await status('/domestic/x', ['CF-IPCountry', 'DE'])).toBe(403)
    } finally {
      await workerd.stop()
    }
  })
})
