/** The policy of the soak: every section and field that Node, one proxy and one store can have, in two versions. */

/** `A` is in force first; reloads change between the two. */
export type Version = 'A' | 'B'

/** What the policy takes from the run. */
export interface Surroundings {
  readonly redis: string
  readonly issuers: string
  /** A port where no issuer listens. */
  readonly nobody: number
  readonly tlsPort: number
  readonly pem: string
  readonly adminDigest: string
  /** Digests of the keys that stand in the policy. */
  readonly keys: Readonly<Record<'bot' | 'near' | 'old', string>>
  readonly workers: number
}

/** Clients come through a balancer at these addresses, or directly. */
export const BALANCER = '127.0.9.0/24'

/** What the penalty box is told; the oracle knows the same by `PENALTY` in oracle.ts. */
const BANS = {
  failures: '10/1m',
  first: '30s',
  longest: '60s',
  never: ['10.0.0.0/13', '127.0.0.0/8', '2001:db8::/32'],
}

const ROLES = {
  reader: { permissions: ['users:read', 'docs:read'] },
  user: { inherits: ['reader'], permissions: ['mcps:execute', 'mcp:github:call'] },
  admin: { inherits: ['user'], permissions: ['users:write'] },
}

const LIMITS = {
  roomy: { by: 'client', rate: '1000000/second', burst: 1_000_000 },
  open: { by: 'client', rate: '2/second', burst: 20 },
  each: { by: 'principal', rate: '5/second', burst: 30 },
  tenant: { by: 'tenant', rate: '4/second', burst: 40, onOutage: 'deny' },
  search: { by: ['principal', 'route'], rate: '2/second', burst: 25 },
  vault: { by: ['principal', 'route'], rate: '12/minute', burst: 6 },
  internal: { by: 'route', rate: '15/second', burst: 60, onOutage: 'allow' },
  key: { by: 'principal', rate: '3/second', burst: 30, onOutage: 'deny' },
}

const CLAIMS = { roles: 'roles', permissions: 'permissions', tenant: 'org', email: 'email' }

/** The text of a version; JSON is YAML. */
export function policyText(version: Version, { redis, issuers, nobody, ...rest }: Surroundings): string {
  const app = 'app.example.com'
  const allow = ['http', 'private']
  return JSON.stringify({
    listen: {
      check: '127.0.0.1:0',
      health: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      tls: {
        address: `127.0.0.1:${rest.tlsPort}`,
        certificate: { file: 'certificate.pem' },
        key: { file: 'key.pem' },
      },
    },
    proxies: { traefik: { peers: ['127.0.0.1/32'], secret: '${POSTERN_SECRET}' } },
    trustedHops: [BALANCER],
    store: {
      redis: { url: redis },
      deadline: '200ms',
      maxStale: '60s',
      messages: { keys: { v1: '${NOTICE_SECRET}' } },
    },
    bans: BANS,
    admin: { tokens: { ops: { digest: rest.adminDigest, role: 'writer' } }, limit: '6000/minute' },
    issuers: {
      rs: {
        issuer: `${issuers}/rs`,
        audience: ['app', 'other'],
        keys: { jwks: `${issuers}/rs/keys`, allow },
        algorithms: ['RS256'],
        maxAge: '1h',
        claims: CLAIMS,
      },
      es: {
        issuer: `${issuers}/es`,
        audience: 'app',
        keys: { discovery: true, allow },
        algorithms: ['ES256'],
        typ: 'at+jwt',
        claims: { ...CLAIMS, roles: '/realm/roles' },
      },
      ed: {
        issuer: 'https://ed.example',
        audience: 'app',
        keys: { pem: rest.pem },
        algorithms: ['EdDSA'],
        claims: CLAIMS,
      },
      hs: {
        issuer: 'https://hs.example',
        audience: 'app',
        keys: { secret: '${JWT_SECRET}' },
        algorithms: ['HS256'],
        clockSkew: '5s',
        claims: CLAIMS,
      },
      gone: {
        issuer: 'https://gone.example',
        audience: 'app',
        keys: { jwks: `http://127.0.0.1:${nobody}/keys`, allow },
        algorithms: ['ES256'],
      },
    },
    apiKeys: {
      peppers: { v0: '${OLD_PEPPER}', v1: '${PEPPER}' },
      keys: {
        bot: { digest: rest.keys.bot, tenant: 'acme', roles: ['user'], email: 'bot@example.com' },
        near: { digest: rest.keys.near, roles: ['user'], networks: ['10.1.0.0/16'] },
        old: { digest: rest.keys.old, roles: ['user'], expires: '2020-01-01T00:00:00Z' },
      },
    },
    roles:
      version === 'A'
        ? ROLES
        : { ...ROLES, reader: { permissions: [...ROLES.reader.permissions, 'news:read'] } },
    limits: LIMITS,
    routes: {
      public: { match: { path: '/public/**' }, credentials: ['anonymous'] },
      health: { match: { path: '/health', methods: ['GET'] }, credentials: ['anonymous'] },
      open: { match: { path: '/open/**' }, credentials: ['anonymous'], limits: ['open'] },
      users: {
        match: { host: app, path: '/users/:id/**' },
        credentials: ['jwt:rs'],
        require: { roles: ['user'] },
        limits: ['roomy'],
      },
      admin: {
        match: { host: app, path: '/admin/**' },
        networks: { allow: ['10.1.0.0/16', '127.0.1.0/24'], deny: ['10.1.9.0/24'] },
        credentials: ['jwt:rs'],
        require: { roles: ['admin'] },
        limits: ['roomy'],
      },
      mcp: {
        match: { host: app, path: '/mcp/:server/**' },
        credentials: ['jwt:rs', 'api-key'],
        require: { permissions: ['mcps:execute', 'mcp:{server}:call'] },
        limits: ['roomy', 'each'],
      },
      search: {
        match: { host: ':org.example.com', path: '/search/**', methods: ['GET', 'POST'] },
        credentials: ['jwt:es'],
        require: { scopes: ['search'], tenant: '{org}' },
        limits: ['tenant', { use: 'search', cost: 5 }],
      },
      vault: {
        match: { path: '/vault/**' },
        credentials: ['jwt:ed'],
        require: { authentication: { methods: ['otp', 'hwk'], within: '10m' } },
        limits: ['vault'],
      },
      internal: {
        match: { path: '/internal/**' },
        origins: ['https://app.example.com'],
        credentials: ['jwt:hs'],
        limits: ['internal'],
        preflight: 'allow',
      },
      keys: { match: { path: '/keys/**' }, credentials: ['api-key'] },
      keyed: { match: { path: '/keyed/**' }, credentials: ['api-key'], limits: ['roomy'] },
      gone: { match: { path: '/gone/**' }, credentials: ['jwt:gone'] },
      changing:
        version === 'A'
          ? { match: { path: '/changing/**' }, credentials: ['anonymous'] }
          : { match: { path: '/changing/**' }, credentials: ['jwt:rs'], require: { roles: ['admin'] } },
    },
  })
}
