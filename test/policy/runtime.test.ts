import { describe, expect, it } from 'vitest'
import { loadPolicy } from '../../src/policy/load.ts'
import type { Runtime } from '../../src/stores/contract.ts'
import { environmentOf, strong } from '../support/policy.ts'

const ROUTES = 'routes: { app: { match: { path: /** }, credentials: [anonymous] } }'
const PEERS = 'proxies: { traefik: { peers: [127.0.0.1/32] } }'
const CERTIFICATE = `proxies: { traefik: { certificates: ["sha256:${'0'.repeat(64)}"] } }`
const TLS = 'listen: { tls: { address: 127.0.0.1:8443, certificate: { file: c.pem }, key: { file: k.pem } } }'
const SECRET = 'proxies: { traefik: { peers: [127.0.0.1/32], secret: "${SECRET}" } }'

function problemsFor(runtime: Runtime | null, ...sections: string[]): string[] {
  const loaded = loadPolicy([...sections, ROUTES].join('\n'), {
    environment: runtime === 'workers' ? null : environmentOf({ SECRET: strong('s') }),
    file: 'p',
    ...(runtime === null ? {} : { runtime }),
  })
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('a policy is checked for where it is to hold', () => {
  it.each<[Runtime | null, string]>([
    [null, PEERS],
    ['node', PEERS],
    ['node', SECRET],
    ['workers', SECRET],
    ['workers', CERTIFICATE],
    [null, CERTIFICATE],
    ['node', `${CERTIFICATE}\n${TLS}`],
    ['workers', ''],
    ['workers', 'gateway: { binding: ORIGIN }'],
    [null, 'gateway: { binding: ORIGIN }'],
    ['node', `${SECRET}\ngateway: { binding: ORIGIN }\nshield: { binding: SHIELD }`],
    ['workers', `${SECRET}\nstore: upstash-is-below`.replace('store: upstash-is-below', 'store: memory')],
    ['node', `${SECRET}\nstore: memory`],
  ])('finds nothing wrong on %s with %s', (runtime, sections) => {
    expect(problemsFor(runtime, sections)).toEqual([])
  })

  it.each<[Runtime | null, string, RegExp]>([
    ['workers', PEERS, /^proxies\.traefik: demands nothing that a Worker can see.*secret or certificates/],
    ['node', CERTIFICATE, /^proxies\.traefik\.certificates: .*configure listen\.tls/],
    ['node', 'gateway: { binding: ORIGIN }', /^proxies: names no proxy/],
    [null, '', /^proxies: names no proxy/],
    [
      'workers',
      `${SECRET}\nstore: { sqlite: ./p.db }`,
      /^store: sqlite cannot be used on Workers: write .*memory/,
    ],
    ['workers', `${SECRET}\nstore: { redis: { url: "\${R}" } }`, /^store: redis cannot be used on Workers/],
    [
      'node',
      `${SECRET}\nstore: durableObject`,
      /^store: durableObject cannot be used on Node: write .*sqlite/,
    ],
    [
      'workers',
      'proxies: { traefik: { secret: { file: ./secret } } }',
      /^proxies\.traefik\.secret: refers to a file, and a Worker has none/,
    ],
  ])('on %s refuses %s', (runtime, sections, problem) => {
    expect(problemsFor(runtime, sections)).toEqual([expect.stringMatching(problem)])
  })

  it('refuses connections that the store of a Worker cannot count', () => {
    const counted = (store: string) =>
      loadPolicy(
        `gateway: { binding: ORIGIN }
store: ${store}
routes: { app: { match: { path: /** }, credentials: [anonymous], connections: { client: 3 } } }`,
        { environment: null, file: 'p', runtime: 'workers' },
      )
    expect(counted('durableObject').ok).toBe(true)
    const refused = counted('memory')
    expect(refused.ok ? [] : refused.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'routes.app.connections: cannot be counted in memory: use the store durableObject, or leave it out',
    ])
  })

  it('leaves secrets for Workers to be bound later, and asks nobody for them now', () => {
    expect(problemsFor('workers', SECRET)).toEqual([])
    expect(problemsFor('node', 'proxies: { traefik: { secret: "${NOWHERE}" } }')).toEqual([
      expect.stringMatching(/refers to NOWHERE, which is not in the environment/),
    ])
  })
})
