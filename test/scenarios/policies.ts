/** The policies that scenarios hold under. Written as data: a policy file in JSON is one in YAML. */
import { X509Certificate } from 'node:crypto'
import { type Certificates, issueCertificates } from '../e2e/certificate.ts'
import type { PolicyPart } from '../e2e/stand.ts'
import { PEPPER } from './credentials.ts'
import { apiKeys, CLOSED, issuers, roles } from './policy/credentials.ts'
import { any, limits, routes, strangers } from './policy/routes.ts'

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

/** What every policy lets pass, and where each looks at every credential before anything else is played. */
const everywhere = {
  public: { match: { path: '/public/**' }, ...strangers },
  'warm-up': { match: { path: '/warm-up' }, credentials: any },
}

const common = { trustedHops: ['127.0.0.1/32', '173.245.48.0/20'], issuers, apiKeys, roles }

/** The binding that a shield names, and how many requests of a client it lets through in a minute. */
export const SHIELD = { binding: 'SHIELD', limit: 2 } as const

export const POLICIES: Readonly<Record<PolicyName, ScenarioPolicy>> = {
  main: {
    part: { ...common, limits, routes: { ...routes, 'warm-up': everywhere['warm-up'] } },
    store: 'answers',
  },
  bans: {
    part: {
      ...common,
      bans: { failures: '2/5m', first: '10m', never: ['203.0.113.128/25'] },
      limits: { few: limits.few, 'of-key': limits['of-key'] },
      routes: {
        ...everywhere,
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
        ...everywhere,
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
        ...everywhere,
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
        ...everywhere,
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
        ...everywhere,
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
