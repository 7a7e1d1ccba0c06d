/** The one policy that every attack meets, the identities that it may end in, and what an upstream must never see. */

import { JWT_SECRET, PROXY_SECRET } from '../e2e/credentials.ts'
import { type Pattern, selectionsOf } from '../e2e/oracle.ts'
import type { Received } from '../e2e/upstream.ts'
import { header, type Line } from '../e2e/wire.ts'
import { fieldsOf } from '../support/service.ts'
import type { Attempt } from './attack.ts'
import {
  ACCESS_SECRET,
  COMPANY,
  KEY_ENTRIES,
  PARTNER,
  PARTNER_JWK,
  PEPPER,
  VENDOR,
  VENDOR_PEM,
} from './forge.ts'

export const CONTRACTS = ['traefik', 'caddy', 'nginx', 'ingress-nginx', 'haproxy', 'envoy'] as const
export type Contract = (typeof CONTRACTS)[number]

const open = { credentials: ['anonymous'] }
const token = { credentials: ['jwt:company', 'api-key'] }
const administrator = { credentials: ['jwt:company', 'api-key'], require: { roles: ['admin'] } }

const ROUTES = {
  public: { match: { path: '/public/**' }, ...open },
  docs: { match: { path: '/docs/**' }, ...token },
  admin: { match: { path: '/admin/**' }, ...administrator },
  vendor: { match: { path: '/vendor/**' }, credentials: ['jwt:vendor'] },
  partner: { match: { path: '/partner/**' }, credentials: ['jwt:partner'] },
  access: { match: { path: '/access/**' }, credentials: ['jwt:access'] },
  scoped: { match: { path: '/scoped/**' }, credentials: ['jwt:company'], require: { scopes: ['write'] } },
  inside: { match: { path: '/inside/**' }, ...open, networks: { allow: ['10.0.0.0/8', '2001:db8:7::/48'] } },
  writing: { match: { path: '/notes/**', methods: ['POST', 'DELETE'] }, ...token },
  reading: { match: { path: '/notes/**', methods: ['GET'] }, ...open },
  api: { match: { path: '/api/**' }, credentials: ['jwt:company'], preflight: 'allow' },
  pages: { match: { path: '/pages/**' }, ...open, origins: ['https://app.example.com'] },
  everything: { match: { host: 'open.example.com', path: '/**' }, ...open },
  vault: { match: { host: 'vault.example.com', path: '/**' }, ...administrator },
}

/** Sections of the policy beside `proxies` and `listen`. */
export const POLICY = {
  issuers: {
    company: {
      issuer: COMPANY,
      audience: ['app'],
      keys: { secret: '${JWT_SECRET}' },
      algorithms: ['HS256'],
      maxAge: '1h',
      claims: { roles: 'roles', permissions: 'permissions', tenant: 'org', email: 'email' },
    },
    access: {
      issuer: `${COMPANY}/access`,
      audience: ['app'],
      keys: { secret: '${ACCESS_SECRET}' },
      algorithms: ['HS256'],
      typ: 'at+jwt',
    },
    vendor: { issuer: VENDOR, audience: ['app'], keys: { pem: VENDOR_PEM }, algorithms: ['RS256'] },
    partner: { issuer: PARTNER, audience: ['app'], keys: { jwk: PARTNER_JWK }, algorithms: ['ES256'] },
  },
  apiKeys: { header: 'X-API-Key', prefix: 'ak', peppers: { v1: '${PEPPER}' }, keys: KEY_ENTRIES },
  roles: { reader: { permissions: ['docs:read'] }, admin: { inherits: ['reader'], permissions: ['*'] } },
  routes: ROUTES,
}

export const VARIABLES = { POSTERN_SECRET: PROXY_SECRET, JWT_SECRET, ACCESS_SECRET, PEPPER }

/** What every contract's entry says where checks come from this machine. */
export const proxiesWith = (entry: object): object =>
  Object.fromEntries(CONTRACTS.map((contract) => [contract, entry]))

const IDENTITY = ['User', 'Email', 'Roles', 'Permissions', 'Tenant', 'Method'] as const
type Identity = Readonly<Partial<Record<(typeof IDENTITY)[number], string>>>

/** Who may be behind a request that arrives: the identity in full, and the routes that are open to it. */
const PUBLIC = ['public', 'reading', 'pages', 'everything']
export const CALLERS = {
  nobody: { identity: { Method: 'anonymous' }, routes: PUBLIC },
  /** Of a preflight nothing is known. */
  preflight: { identity: {}, routes: [...PUBLIC, 'api'] },
  /** Everybody from a network that is let in, where a proxy was told so. */
  insider: { identity: { Method: 'anonymous' }, routes: [...PUBLIC, 'inside'] },
  alice: {
    identity: { User: 'alice', Roles: 'reader', Permissions: 'docs:read', Method: 'jwt:company' },
    routes: [...PUBLIC, 'docs', 'writing', 'api'],
  },
  bot: {
    identity: { User: 'bot', Roles: 'reader', Permissions: 'docs:read', Method: 'api-key' },
    routes: [...PUBLIC, 'docs', 'writing'],
  },
  imported: {
    identity: { User: 'imported', Roles: 'reader', Permissions: 'docs:read', Method: 'api-key' },
    routes: [...PUBLIC, 'docs', 'writing'],
  },
  vendor: { identity: { User: 'alice', Method: 'jwt:vendor' }, routes: [...PUBLIC, 'vendor'] },
  partner: { identity: { User: 'alice', Method: 'jwt:partner' }, routes: [...PUBLIC, 'partner'] },
  access: { identity: { User: 'alice', Method: 'jwt:access' }, routes: [...PUBLIC, 'access'] },
} as const satisfies Record<string, { identity: Identity; routes: readonly string[] }>
export type Caller = keyof typeof CALLERS

/** The identity headers that a caller's request must carry, all six. */
export const identityOf = (caller: Caller): Readonly<Record<string, string>> => {
  const known: Identity = CALLERS[caller].identity
  return Object.fromEntries(IDENTITY.map((field) => [`x-auth-${field.toLowerCase()}`, known[field] ?? '']))
}

/** What a check of `contract` says of a request: the proxy's own fields in place of the client's. */
export function checkOf(attempt: Attempt, contract: Contract): Line[] {
  const own = contract === 'ingress-nginx' ? ingressFields(attempt) : fieldsOf(asked(attempt), contract)
  const names = new Set(own.map(([name]) => name.toLowerCase()))
  return [...own, ...linesOf(attempt).filter(([name]) => !names.has(name.toLowerCase()))]
}

const asked = ({ method, scheme, host, target, from }: Attempt) => ({
  ...(method === undefined ? {} : { method }),
  ...(scheme === undefined ? {} : { scheme }),
  ...(host === undefined ? {} : { host }),
  ...(target === undefined ? {} : { target }),
  ...(from === undefined ? {} : { from }),
})

const ingressFields = ({
  method = 'GET',
  scheme = 'https',
  host = 'app.example.com',
  target = '/',
  from,
}: Attempt): Line[] => [
  ['X-Original-Method', method],
  ['X-Original-URL', `${scheme}://${host}${target}`],
  ['X-Real-IP', from ?? '203.0.113.9'],
]

/** The client's own lines. */
export const linesOf = ({ headers = [] }: Attempt): readonly Line[] =>
  typeof headers === 'function' ? headers() : headers

const folded = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

/** Routes of one host as the oracle reads them. */
const patternsOf = (host: string, method: string): Pattern[] =>
  Object.entries<{ match: { host?: string; path: string; methods?: readonly string[] } }>(ROUTES)
    .filter(([, { match }]) => {
      const special = ['open.example.com', 'vault.example.com'].includes(host)
      const wanted = method === 'HEAD' ? 'GET' : method
      return (
        (special ? match.host === host : match.host === undefined) &&
        (match.methods?.includes(wanted) ?? true)
      )
    })
    .map(([route, { match }]) => ({ route, path: match.path }))

/** How an upstream is told of a request. */
export interface Telling {
  /** The line that names the host that was asked for. */
  readonly host?: string
  /** The line, in lower case, by which what stands before it proves itself; null: by none. */
  readonly secret?: string | null
}

/** Everything that is wrong with a request that reached the upstream in the name of `caller`. */
export function wrongs(
  { method, target, lines, trailers }: Received,
  caller: Caller,
  { host: hostLine = 'Host', secret = null }: Telling = {},
): string[] {
  const found: string[] = []
  const identity = new Map<string, string>()
  for (const [name, value] of [...lines, ...trailers]) {
    if (/spoof/i.test(name + value) && name.toLowerCase() !== 'x-request-id') found.push(`${name}: ${value}`)
    const known = value.includes(PROXY_SECRET) || value.includes(JWT_SECRET)
    if (known && name.toLowerCase() !== secret) found.push(`a secret in ${name}`)
    if (!folded(name).startsWith('x-auth-')) continue
    const plain = name.toLowerCase()
    if (plain !== folded(name)) found.push(`an alias: ${name}`)
    else if (identity.has(plain)) found.push(`twice: ${name}`)
    identity.set(plain, value)
  }
  for (const [name, value] of Object.entries(identityOf(caller)))
    if ((identity.get(name) ?? '') !== value) found.push(`${name} is ${identity.get(name)}, not ${value}`)
  const host = (header(lines, hostLine) ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  const allowed: readonly string[] = CALLERS[caller].routes
  const path = target.split('?')[0] ?? ''
  for (const { reading, route } of selectionsOf(patternsOf(host, method), path))
    if (route === null || !allowed.includes(route)) {
      found.push(`${method} ${target} at ${host} is ${route} when ${reading.how}`)
      break
    }
  return found
}

/** An attempt, for the message of a failing test. */
export const shown = (attempt: Attempt): string =>
  JSON.stringify({ ...attempt, headers: linesOf(attempt).map((line) => line.join(': ')) }).slice(0, 300)

/** The true status of an attempt behind a contract; null where it cannot be made. */
export const statusBehind = (contract: Contract, { status, ingressNginx }: Attempt): number | null =>
  contract === 'ingress-nginx' && ingressNginx !== undefined ? ingressNginx : status

/** Asks again when the answer is that there was no time to judge: nobody is let in by it, and a test machine is busy. */
export async function calmly(ask: () => Promise<number>): Promise<number> {
  let status = await ask()
  for (let tries = 0; status === 503 && tries < 5; tries++) status = await ask()
  return status
}
