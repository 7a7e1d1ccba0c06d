/** The policies that scenarios hold under. Written as data: a policy file in JSON is one in YAML. */
import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:net'
import { parseNetwork } from '../../src/core/address.ts'
import type { EntryDraft } from '../../src/stores/contract.ts'
import { type Certificates, issueCertificates } from '../e2e/certificate.ts'
import { UNREACHABLE_ISSUER } from '../e2e/credentials.ts'
import type { PolicyPart } from '../e2e/stand.ts'
import { entryOf, keyEntry, revocationEntry } from '../support/entries.ts'
import { DIGESTS, ISSUERS, PARTNER_JWK, PEPPER, REVOKED_AT, VENDOR_PEM } from './credentials.ts'

/**
 * `bans` has a penalty box; the store of `outage` does not answer, and never did; `shield` has one, where there is
 * any; `sockets` bounds WebSockets, where they are counted; `certified` believes a proxy by its client certificate.
 */
export type PolicyName = 'main' | 'bans' | 'outage' | 'shield' | 'sockets' | 'certified'

export interface ScenarioPolicy {
  readonly part: PolicyPart
  /** How its proxy proves itself, where it is not by a secret. */
  readonly proxy?: object
  /** Whether its store answers; the runtime chooses one. */
  readonly store: 'answers' | 'is silent'
}

/** What Postern's environment holds beside what every stand has. */
export const ENVIRONMENT = { API_KEY_PEPPER: PEPPER }

/** What proxies present where a policy goes by it; each with an authority of its own. */
export const CERTIFICATES = {
  certificate: issueCertificates(),
  'another certificate': issueCertificates(),
} as const

/** SHA-256 of the DER form, in lower-case hex. */
export const fingerprintOf = ({ certificate }: Certificates): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()

/** A port of this machine on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const CLOSED = await closedPort()

export const issuers = {
  company: {
    issuer: ISSUERS.company,
    audience: ['app'],
    keys: { secret: '${JWT_SECRET}' },
    algorithms: ['HS256'],
    claims: { roles: 'roles', permissions: 'permissions', tenant: 'org', email: 'email' },
  },
  partner: {
    issuer: ISSUERS.partner,
    audience: ['app'],
    keys: { jwk: PARTNER_JWK },
    algorithms: ['ES256'],
    typ: 'at+jwt',
    claims: { roles: '/realm/roles', tenant: 'tid' },
  },
  vendor: {
    issuer: ISSUERS.vendor,
    audience: 'app',
    keys: { pem: VENDOR_PEM },
    algorithms: ['RS256'],
    maxAge: '1h',
    claims: { roles: 'roles', tenant: 'org' },
  },
  unreachable: {
    issuer: UNREACHABLE_ISSUER,
    audience: ['app'],
    keys: { jwks: `http://127.0.0.1:${CLOSED}/keys`, allow: ['http', 'private'] },
    algorithms: ['ES256'],
  },
}

const apiKeys = {
  header: 'X-API-Key',
  prefix: 'ak',
  peppers: { v1: '${API_KEY_PEPPER}' },
  keys: {
    deployer: {
      digest: DIGESTS.deployer,
      tenant: 'acme',
      email: 'ops@example.com',
      roles: ['editor'],
      permissions: ['mcp:beta:call'],
      scopes: ['items:read'],
    },
    'old-cli': { digest: DIGESTS.imported, roles: ['reader'] },
    roaming: { digest: DIGESTS.roaming, roles: ['reader'], networks: ['10.0.0.0/8', '2001:db8:7::/48'] },
    future: { digest: DIGESTS.future, roles: ['reader'], notBefore: '2999-01-01T00:00:00Z' },
    past: { digest: DIGESTS.past, roles: ['reader'], expires: '2020-01-01T00:00:00Z' },
    metered: { digest: DIGESTS.metered, roles: ['reader'], limits: ['of-key'] },
  },
}

const roles = {
  reader: { permissions: ['docs:read'] },
  editor: { inherits: ['reader'], permissions: ['docs:write'] },
  admin: { inherits: ['editor'], permissions: ['*'] },
  alpha: { permissions: ['mcp:alpha:call'] },
}

/** Slow enough that nothing comes back while a suite runs. */
const slow = (by: string | readonly string[], count: number, more: object = {}) => ({
  by,
  rate: `${count}/day`,
  ...more,
})

const limits = {
  few: slow('client', 2),
  more: slow('client', 9),
  'of-net': slow('client', 2, { ipv6: 48 }),
  'of-principal': slow('principal', 2),
  'of-tenant': slow('tenant', 2),
  'of-route': slow('route', 2),
  'of-pair': slow(['client', 'principal'], 2),
  'of-key': slow('principal', 3),
}

const any = ['jwt:company', 'jwt:partner', 'jwt:vendor', 'api-key']
const strangers = { credentials: ['anonymous'] }
const company = { credentials: ['jwt:company'] }

/** Routes of app.example.com, by path. */
const app: Readonly<Record<string, object>> = {
  '/public/**': strangers,
  '/files/**': strangers,
  '/files/private/**': { ...company, require: { roles: ['admin'] } },
  '/exact': strangers,
  '/docs/**': { credentials: any, require: { permissions: ['docs:read'] } },
  '/edit/**': { credentials: any, require: { permissions: ['docs:read', 'docs:write'] } },
  '/admin/**': { ...company, require: { roles: ['admin'] } },
  '/staff/**': { credentials: any, require: { roles: ['editor', 'alpha'] } },
  '/company/**': company,
  '/keys/**': { credentials: ['api-key'] },
  '/either/**': { credentials: ['jwt:company', 'api-key', 'anonymous'] },
  '/partner/**': { credentials: ['jwt:partner'] },
  '/vendor/**': { credentials: ['jwt:vendor'] },
  '/unreachable/**': { credentials: ['jwt:unreachable'] },
  '/unreachable/or-key/**': { credentials: ['jwt:unreachable', 'api-key'] },
  '/mcp/:server/**': { credentials: any, require: { permissions: ['mcp:{server}:call'] } },
  '/orgs/:org/**': { credentials: any, require: { tenant: '{org}' } },
  '/items/**': { credentials: any, require: { scopes: ['items:read'] } },
  '/items/all/**': { credentials: any, require: { scopes: ['items:read', 'items:write'] } },
  '/strong/method/**': { credentials: any, require: { authentication: { methods: ['otp', 'hwk'] } } },
  '/strong/context/**': { credentials: any, require: { authentication: { contexts: ['silver', 'gold'] } } },
  '/strong/recent/**': { credentials: any, require: { authentication: { within: '30m' } } },
  '/strong/all/**': {
    credentials: any,
    require: { authentication: { methods: ['otp'], contexts: ['silver'], within: '30m' } },
  },
  '/inside/**': { ...strangers, networks: { allow: ['10.0.0.0/8', '2001:db8:1::/48'] } },
  '/outside/**': { ...strangers, networks: { deny: ['198.51.100.0/24', '2001:db8:bad::/48'] } },
  '/corner/**': {
    ...strangers,
    networks: { allow: ['10.0.0.0/8'], deny: ['10.66.0.0/16'] },
  },
  '/vault/**': { ...company, networks: { allow: ['10.0.0.0/8'] }, limits: ['few'] },
  '/pages/**': { ...strangers, origins: ['https://app.example.com'] },
  '/api/**': { ...company, origins: ['https://app.example.com'], preflight: 'allow' },
  '/quiet/**': { ...company, origins: ['https://app.example.com'] },
  '/europe/**': { ...strangers, countries: { allow: ['DE', 'FR'] } },
  '/abroad/**': { ...strangers, countries: { deny: ['DE'] } },
  '/carrier/**': { ...strangers, asns: { allow: [64500] } },
  '/carriers/**': { ...strangers, asns: { deny: [64500] } },
  '/europe/carrier/**': { ...strangers, countries: { allow: ['DE'] }, asns: { allow: [64500] } },
  '/few/**': { ...strangers, limits: ['few'] },
  '/few/mine/**': { ...company, limits: ['few'] },
  '/few/dear/**': { ...strangers, limits: [{ use: 'few', cost: 2 }] },
  '/few/nets/**': { ...strangers, limits: ['of-net'] },
  '/counted/principal/**': { credentials: any, limits: ['of-principal'] },
  '/counted/tenant/**': { credentials: any, limits: ['of-tenant'] },
  '/counted/route/**': { ...strangers, limits: ['of-route'] },
  '/counted/route/used/**': { ...strangers, limits: ['of-route'] },
  '/counted/route/wide/**': { ...strangers, limits: ['of-route'] },
  '/counted/pair/**': { credentials: any, limits: ['of-pair'] },
  '/counted/both/**': { credentials: any, limits: ['more', 'of-principal'] },
}

const nameOf = (path: string): string => path.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')

const routes = {
  ...Object.fromEntries(
    Object.entries(app).map(([path, rest]) => [
      nameOf(path),
      { match: { host: 'app.example.com', path }, ...rest },
    ]),
  ),
  notes: { match: { host: 'app.example.com', path: '/notes/**', methods: ['GET'] }, ...strangers },
  'notes-write': {
    match: { host: 'app.example.com', path: '/notes/**', methods: ['POST', 'PUT'] },
    ...company,
    require: { roles: ['editor'] },
  },
  'notes-brew': { match: { host: 'app.example.com', path: '/pot', methods: ['BREW'] }, ...strangers },
  elsewhere: { match: { path: '/elsewhere' }, ...strangers },
  open: { match: { host: 'open.example.com', path: '/**' }, ...strangers },
  'open-admin': {
    match: { host: 'open.example.com', path: '/admin/**' },
    ...company,
    require: { roles: ['admin'] },
  },
  tenants: {
    match: { host: ':org.tenants.example.com', path: '/**' },
    credentials: any,
    require: { tenant: '{org}' },
  },
}

const common = { trustedHops: ['127.0.0.1/32', '173.245.48.0/20'], issuers, apiKeys, roles }

/** The binding that a shield names, and how many requests of a client it lets through in a minute. */
export const SHIELD = { binding: 'SHIELD', limit: 2 } as const

export const POLICIES: Readonly<Record<PolicyName, ScenarioPolicy>> = {
  main: { part: { ...common, limits, routes }, store: 'answers' },
  bans: {
    part: {
      ...common,
      bans: { failures: '2/5m', first: '10m', never: ['203.0.113.128/25'] },
      limits: { few: limits.few, 'of-key': limits['of-key'] },
      routes: {
        public: { match: { path: '/public/**' }, ...strangers },
        docs: { match: { path: '/docs/**' }, credentials: any },
        few: { match: { path: '/few/**' }, credentials: any, limits: ['few'] },
      },
    },
    store: 'answers',
  },
  outage: {
    part: {
      ...common,
      limits: {
        'of-key': limits['of-key'],
        shut: { by: 'client', rate: '5/day', onOutage: 'deny' },
        local: { by: 'client', rate: '2/day', onOutage: 'local' },
        open: { by: 'client', rate: '1/day', onOutage: 'allow' },
      },
      routes: {
        public: { match: { path: '/public/**' }, ...strangers },
        shut: { match: { path: '/shut/**' }, ...strangers, limits: ['shut'] },
        local: { match: { path: '/local/**' }, ...strangers, limits: ['local'] },
        open: { match: { path: '/open/**' }, ...strangers, limits: ['open'] },
        docs: { match: { path: '/docs/**' }, credentials: any, require: { permissions: ['docs:read'] } },
      },
    },
    store: 'is silent',
  },
  shield: {
    part: {
      ...common,
      shield: { binding: SHIELD.binding },
      limits: { few: limits.few, 'of-key': limits['of-key'] },
      routes: {
        public: { match: { path: '/public/**' }, ...strangers },
        docs: { match: { path: '/docs/**' }, credentials: any },
        inside: { match: { path: '/inside/**' }, ...strangers, networks: { allow: ['10.0.0.0/8'] } },
      },
    },
    store: 'answers',
  },
  sockets: {
    part: {
      ...common,
      // Where there is a gateway it has an origin of its own.
      gateway: { origin: `http://127.0.0.1:${CLOSED}`, secret: '${POSTERN_SECRET}' },
      limits: { 'of-key': limits['of-key'] },
      routes: {
        public: { match: { path: '/public/**' }, ...strangers },
        socket: { match: { path: '/socket/**' }, ...strangers, connections: { client: 1 } },
        own: { match: { path: '/own/**' }, credentials: any, connections: { principal: 1 } },
        pages: { match: { path: '/pages/**' }, ...strangers, origins: ['https://app.example.com'] },
      },
    },
    store: 'answers',
  },
  certified: {
    part: {
      ...common,
      limits: { 'of-key': limits['of-key'] },
      routes: {
        public: { match: { path: '/public/**' }, ...strangers },
        docs: { match: { path: '/docs/**' }, credentials: any },
      },
    },
    proxy: { certificates: [`sha256:${fingerprintOf(CERTIFICATES.certificate)}`] },
    store: 'answers',
  },
}

export const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[]

/** How a proxy proves itself, and in which headers a balancer before it says where clients are. */
export const PROXY_ENTRY = {
  secret: '${POSTERN_SECRET}',
  place: { country: 'CF-IPCountry', asn: 'X-ASN' },
}

const banOf = (network: string): EntryDraft => {
  const reading = parseNetwork(network)
  if (!reading.ok) throw new Error(`${network} is no network`)
  const body = { v: 1, network, until: null, level: 0, reason: null, by: 'test', created: 0 }
  return entryOf('ban', network, body)
}

/** What the store holds when a runtime begins, where there is one. */
export const ENTRIES: readonly EntryDraft[] = [
  keyEntry('key_stored', DIGESTS.stored, { tenant: 'acme', roles: ['reader'] }, 'stored-bot'),
  keyEntry('key_revoked', DIGESTS.revoked, { roles: ['reader'], status: 'revoked' }, 'old-bot'),
  keyEntry('key_withdrawn', DIGESTS.withdrawn, { roles: ['reader'] }, 'withdrawn-bot'),
  keyEntry('key_misfit', DIGESTS.misfit, { roles: ['reader'], limits: ['gone'] }, 'misfit-bot'),
  revocationEntry({ what: 'token', issuer: ISSUERS.company, value: 'revoked-1', before: null }),
  revocationEntry({ what: 'subject', issuer: ISSUERS.company, value: 'ron', before: REVOKED_AT }),
  revocationEntry({ what: 'session', issuer: ISSUERS.company, value: 'revoked-session', before: REVOKED_AT }),
  revocationEntry({ what: 'subject', issuer: 'api-key', value: 'withdrawn-bot', before: REVOKED_AT }),
  banOf('198.18.66.0/24'),
]
