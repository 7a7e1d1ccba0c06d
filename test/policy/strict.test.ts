import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  type Address,
  AddressSet,
  type Network,
  networkOf,
  parseAddress,
  textOfNetwork,
} from '../../src/core/address.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import type { Policy } from '../../src/policy/schema.ts'
import { HOP_ITEMS } from '../../src/policy/strict/hops.ts'
import { findingsIn, ITEMS } from '../../src/policy/strict.ts'
import { environmentOf, strong } from '../support/policy.ts'

const HARDENED = readFileSync(new URL('../../examples/hardened.yaml', import.meta.url), 'utf8')
const ENVIRONMENT = environmentOf({
  ...Object.fromEntries(
    ['TRAEFIK_SECRET', 'REDIS_PASSWORD', 'MESSAGE_KEY', 'API_KEY_PEPPER', 'JWT_SECRET', 'OTHER'].map(
      (name) => [name, strong(name)],
    ),
  ),
  COPY: strong('TRAEFIK_SECRET'),
  OPEN_REDIS: 'redis://redis.example.com:6379',
  BARE_REDIS: 'rediss://redis.example.com:6379',
  WHOLE_REDIS: 'rediss://postern:word@redis.example.com:6379',
  PLAIN_DIGEST: `sha256:${strong('plain')}`,
})

// biome-ignore lint/suspicious/noExplicitAny: rows change whatever they like in what the YAML parser made
type Data = any

/** What the checklist says of the hardened example, changed by `change` and written as JSON. */
function findings(change: (data: Data) => void = () => {}): string[] {
  const data = parse(HARDENED)
  change(data)
  return findingsInText(JSON.stringify(data))
}

function findingsInText(text: string): string[] {
  return findingsIn(loadOrThrow(text), text, 'p.json').map(({ item, path }) => `${item} ${path}`)
}

function loadOrThrow(text: string): Policy {
  const loaded = loadPolicy(text, { environment: ENVIRONMENT, file: 'p.json' })
  if (!loaded.ok)
    throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return loaded.policy
}

function address(text: string): Address {
  const read = parseAddress(text)
  if (read === null) throw new Error(`${text} is no address`)
  return read
}

/** Every item that a file can show: what makes it fail, and where it is then found. */
const WEAK: readonly (readonly [finding: string, change: (data: Data) => void])[] = [
  [
    'proxy-proof proxies.nginx',
    (data) => {
      data.proxies.nginx = { peers: ['10.20.0.9/32'] }
    },
  ],
  [
    'proxy-peers proxies.nginx',
    (data) => {
      data.proxies.nginx = { secret: '${OTHER}' }
    },
  ],
  [
    'proxy-peers-narrow proxies.traefik.peers[1]',
    (data) => {
      data.proxies.traefik.peers = ['10.20.0.0/24', '10.21.0.0/23', '2001:db8::/64']
    },
  ],
  [
    'proxy-peers-narrow proxies.traefik.peers[0]',
    (data) => {
      data.proxies.traefik.peers = ['2001:db8::/63']
    },
  ],
  [
    'hops-narrow trustedHops[0]',
    (data) => {
      data.trustedHops = ['172.0.0.0/11', '104.16.0.0/13', '2400:cb00::/32']
    },
  ],
  [
    'hops-apart trustedHops[1]',
    (data) => {
      data.trustedHops = ['10.20.0.2/32', '10.40.7.0/24']
    },
  ],
  [
    'hops-apart trustedHops[0]',
    (data) => {
      data.trustedHops = ['10.30.0.0/16']
    },
  ],
  [
    'checks-encrypted listen.check',
    (data) => {
      data.listen.check = '0.0.0.0:8081'
    },
  ],
  [
    'health-private listen.health',
    (data) => {
      data.listen.health = '[::]:8082'
    },
  ],
  [
    'health-private listen.health',
    (data) => {
      data.listen.health = '8.8.8.8:8082'
    },
  ],
  [
    'admin-loopback listen.admin',
    (data) => {
      data.listen.admin = '10.20.0.5:8083'
    },
  ],
  [
    'issuer-https issuers.company.keys.allow[0]',
    (data) => {
      data.issuers.company.keys.allow = ['http']
    },
  ],
  [
    'issuer-public issuers.company.keys.allow[0]',
    (data) => {
      data.issuers.company.keys.allow = ['private']
    },
  ],
  [
    'issuer-asymmetric issuers.company.algorithms',
    (data) => {
      Object.assign(data.issuers.company, { keys: { secret: '${JWT_SECRET}' }, algorithms: ['HS512'] })
    },
  ],
  [
    'issuer-max-age issuers.company',
    (data) => {
      delete data.issuers.company.maxAge
    },
  ],
  [
    'issuer-max-age issuers.company.maxAge',
    (data) => {
      data.issuers.company.maxAge = '61m'
    },
  ],
  [
    'issuer-skew issuers.company.clockSkew',
    (data) => {
      data.issuers.company.clockSkew = '61s'
    },
  ],
  [
    'issuer-typ issuers.company',
    (data) => {
      delete data.issuers.company.typ
    },
  ],
  [
    'issuer-permissions issuers.company.claims.permissions',
    (data) => {
      data.issuers.company.claims.permissions = 'permissions'
    },
  ],
  [
    'key-pepper apiKeys.keys.build-bot.digest',
    (data) => {
      data.apiKeys.keys['build-bot'].digest = `sha256:${strong('imported')}`
    },
  ],
  [
    'key-pepper apiKeys.keys.build-bot.digest',
    (data) => {
      data.apiKeys.keys['build-bot'].digest = '${PLAIN_DIGEST}'
    },
  ],
  [
    'key-expires apiKeys.keys.build-bot',
    (data) => {
      delete data.apiKeys.keys['build-bot'].expires
    },
  ],
  [
    'key-networks apiKeys.keys.build-bot',
    (data) => {
      delete data.apiKeys.keys['build-bot'].networks
    },
  ],
  [
    'role-all roles.admin.permissions[1]',
    (data) => {
      data.roles.admin.permissions = ['users:*', '*']
    },
  ],
  [
    'role-all apiKeys.keys.build-bot.permissions[0]',
    (data) => {
      data.apiKeys.keys['build-bot'].permissions = ['*']
    },
  ],
  [
    'route-host routes.mcp.match',
    (data) => {
      delete data.routes.mcp.match.host
    },
  ],
  [
    'route-anonymous routes.health.match.path',
    (data) => {
      data.routes.health.match.path = '/:area/**'
    },
  ],
  [
    'route-rest routes.mcp.match.path',
    (data) => {
      data.routes.mcp.match.path = '/**'
    },
  ],
  [
    'route-require routes.mcp',
    (data) => {
      delete data.routes.mcp.require
    },
  ],
  [
    'route-require routes.admin',
    (data) => {
      data.routes.admin.require = { authentication: { within: '5m' } }
    },
  ],
  [
    'route-methods routes.health.match',
    (data) => {
      delete data.routes.health.match.methods
    },
  ],
  [
    'route-origins routes.status',
    (data) => {
      delete data.routes.status.origins
    },
  ],
  [
    'route-preflight routes.mcp.preflight',
    (data) => {
      delete data.routes.mcp.origins
    },
  ],
  [
    'route-client-limit routes.mcp',
    (data) => {
      data.routes.mcp.limits = ['per-principal']
    },
  ],
  [
    'route-client-limit routes.health',
    (data) => {
      delete data.routes.health.limits
    },
  ],
  [
    'route-client-limit routes.mcp',
    (data) => {
      // Known only once somebody is authenticated, so that it bounds no guessing.
      data.limits.both = { by: ['client', 'principal'], rate: '10/minute' }
      data.routes.mcp.limits = ['both']
    },
  ],
  [
    'route-principal-limit routes.admin',
    (data) => {
      data.routes.admin.limits = ['per-client']
    },
  ],
  [
    'limit-outage limits.per-client.onOutage',
    (data) => {
      data.limits['per-client'].onOutage = 'allow'
    },
  ],
  [
    'limit-ipv6 limits.per-client.ipv6',
    (data) => {
      data.limits['per-client'].ipv6 = 65
    },
  ],
  [
    'bans bans',
    (data) => {
      delete data.bans
    },
  ],
  [
    'store-kept store',
    (data) => {
      data.store = 'memory'
    },
  ],
  [
    'store-encrypted store.redis.url',
    (data) => {
      data.store.redis.url = 'redis://redis.example.com:6379'
    },
  ],
  [
    'store-encrypted store.redis.cluster[1]',
    (data) => {
      const { username, password } = data.store.redis
      data.store.redis = { cluster: ['redis://127.0.0.1:7000', '${OPEN_REDIS}'], username, password }
    },
  ],
  [
    'store-password store.redis.url',
    (data) => {
      data.store.redis = { url: '${BARE_REDIS}' }
    },
  ],
  [
    'store-messages store',
    (data) => {
      delete data.store.messages
    },
  ],
  [
    'store-stale store.maxStale',
    (data) => {
      data.store.maxStale = '301s'
    },
  ],
  [
    'secret-once store.redis.password',
    (data) => {
      data.store.redis.password = '${TRAEFIK_SECRET}'
    },
  ],
  [
    'secret-once apiKeys.peppers.v2',
    (data) => {
      // The same value under another name.
      data.apiKeys.peppers.v2 = '${COPY}'
    },
  ],
  [
    'record-whole record.allowed',
    (data) => {
      data.record = { allowed: 0.99 }
    },
  ],
  [
    'gateway-shield gateway',
    (data) => {
      data.gateway = { secret: '${OTHER}' }
    },
  ],
  [
    'gateway-https gateway.headers',
    (data) => {
      data.gateway = { secret: '${OTHER}', headers: { 'X-Frame-Options': 'DENY' } }
      data.shield = { binding: 'SHIELD' }
    },
  ],
]

describe('the hardening checklist', () => {
  it('has nothing to say of the hardened example, in YAML and in JSON', () => {
    expect([findingsInText(HARDENED), findings()]).toEqual([[], []])
  })

  it.each(WEAK)('finds %s, and nothing else', (finding, change) => {
    expect(findings(change)).toEqual([finding])
  })

  it('has a row here for every item that a file can show', () => {
    const shown = ITEMS.flatMap(({ id, look }) => (look === null ? [] : [id]))
    expect([...new Set(WEAK.map(([finding]) => finding.split(' ')[0]))].sort()).toEqual(shown.sort())
  })

  it.each<[string, (data: Data) => void]>([
    [
      'a Redis on this machine, in the clear and without a password',
      (data) => {
        data.store.redis = { url: 'redis://127.0.0.1:6379' }
      },
    ],
    [
      'a Redis whose password stands in the URL that a reference leads to',
      (data) => {
        data.store.redis = { url: '${WHOLE_REDIS}' }
      },
    ],
    [
      'a proxy that is known by secret alone where only this machine may ask',
      (data) => {
        delete data.listen.tls
        data.proxies = { nginx: { secret: '${OTHER}' } }
      },
    ],
    [
      'listeners on ::1 and localhost',
      (data) => {
        Object.assign(data.listen, { check: '[::1]:8081', health: 'localhost:8082', admin: 'localhost:8083' })
      },
    ],
    [
      'health on a private address, for monitoring',
      (data) => {
        data.listen.health = '10.20.0.5:8082'
      },
    ],
    [
      'no bans where nothing can be guessed',
      (data) => {
        delete data.bans
        delete data.routes.admin
        delete data.routes.mcp
      },
    ],
    [
      'a public area below a name of its own',
      (data) => {
        data.routes.health.match.path = '/assets/**'
      },
    ],
    [
      'a tenant as all that is demanded, and counted by',
      (data) => {
        data.limits['per-tenant'] = { by: 'tenant', rate: '10/minute' }
        data.routes.mcp.match.path = '/mcp/:org/**'
        data.routes.mcp.require = { tenant: '{org}' }
        data.routes.mcp.limits = ['per-client', 'per-tenant']
      },
    ],
    [
      'a record of all that passes',
      (data) => {
        data.record = { allowed: 1 }
      },
    ],
    [
      'a gateway with its secret, shield and default headers',
      (data) => {
        data.gateway = { secret: '${OTHER}' }
        data.shield = { binding: 'SHIELD' }
      },
    ],
    [
      'one public key in two issuers',
      (data) => {
        data.issuers.company.keys = { jwk: publicKey('a') }
        data.issuers.other = { ...data.issuers.company, issuer: 'other', keys: { jwk: publicKey('a') } }
      },
    ],
  ])('does not mind %s', (_, change) => {
    expect(findings(change)).toEqual([])
  })

  it('knows secrets by where they stand, whatever names their owner chose', () => {
    const found = findings((data) => {
      data.apiKeys.peppers = { url: '${JWT_SECRET}', v1: '${API_KEY_PEPPER}' }
      const own = { issuer: 'other', keys: { secret: '${JWT_SECRET}' }, algorithms: ['HS256'] }
      data.issuers.cluster = { ...data.issuers.company, ...own }
    })
    expect(found).toEqual(['issuer-asymmetric issuers.cluster.algorithms', 'secret-once apiKeys.peppers.url'])
  })

  it('gives every item an id of its own that can stand in a link, and all three sentences', () => {
    expect(new Set(ITEMS.map(({ id }) => id)).size).toBe(ITEMS.length)
    for (const { id, what, why, how } of ITEMS) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
      for (const text of [what, why, how]) expect(text).toMatch(/^[A-Z`].*[.`)]$/)
    }
  })
})

describe('hops among the networks of clients', () => {
  /** Places in trustedHops that are told of. */
  function found(hops: readonly Network[], clients: readonly Network[]): number[] {
    const policy = loadOrThrow(HARDENED)
    const route = { ...Object.values(policy.routes)[0], networks: { allow: clients } }
    const item = HOP_ITEMS.find(({ id }) => id === 'hops-apart')
    const places: number[] = []
    const changed = {
      ...policy,
      apiKeys: undefined,
      trustedHops: hops,
      routes: { route },
    } as unknown as Policy
    item?.look?.(changed, ([, index]) => void places.push(Number(index)))
    return places
  }

  it('are told of exactly when some pair of them shares an address', () => {
    const network = fc
      .tuple(fc.constantFrom(10, 11), fc.nat(3), fc.nat(3), fc.constantFrom(8, 15, 16, 24, 32), fc.boolean())
      .map(([a, b, d, prefix, six]) =>
        six
          ? networkOf(address(`2001:db8:${a}:${b}::${d}`), prefix * 2)
          : networkOf(address(`${a}.${b}.0.${d}`), prefix),
      )
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 6 }),
        fc.array(network, { maxLength: 6 }),
        (hops, clients) => {
          const shares = (a: Network, b: Network) =>
            new AddressSet([a]).has(b.address) || new AddressSet([b]).has(a.address)
          const naive = hops.flatMap((hop, index) => (clients.some((one) => shares(hop, one)) ? [index] : []))
          expect(found(hops, clients), hops.map(textOfNetwork).join()).toEqual(naive)
        },
      ),
    )
  })

  it('are found in work that grows with both lists and not with their product', () => {
    let looks = 0
    const counted = ({ address, prefix }: Network): Network => ({
      get address() {
        looks += 1
        return address
      },
      prefix,
    })
    const many = (first: number) =>
      Array.from({ length: 500 }, (_, i) =>
        counted(networkOf(address(`${first}.${i >> 8}.${i & 255}.0`), 24)),
      )
    const everybody = networkOf(address('10.0.0.0'), 8)
    expect(found(many(10), [...many(11), everybody])).toHaveLength(500)
    expect(looks).toBeLessThan(10 * 1000)
  })
})

/** A public key on P-256 (RFC 7515 appendix A.3.1). */
const publicKey = (kid: string) => ({
  kid,
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
})
