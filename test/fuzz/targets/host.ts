import type { Dice } from '../../e2e/targets.ts'
import { strong } from '../../support/policy.ts'
import { fieldsOf, type Lines, serviceOf } from '../../support/service.ts'
import { faultsOf } from '../answer.ts'
import { hostIn } from '../oracles/host.ts'
import type { Harness, Judgement, Target } from '../target.ts'
import { ISSUER, MOMENT } from './moment.ts'

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1] }, nginx: { peers: [127.0.0.1] }, envoy: { peers: [127.0.0.1] }, ingress-nginx: { peers: [127.0.0.1] } }
issuers: { company: { issuer: "${ISSUER}", audience: [app], keys: { secret: "\${SECRET}" }, algorithms: [HS256] } }
routes:
  open: { match: { host: open.example.com, path: /** }, credentials: [anonymous] }
  tenant: { match: { host: ":org.tenants.example", path: /** }, credentials: [anonymous] }
  address: { match: { host: "[2001:db8::1]", path: /** }, credentials: [anonymous] }
  guarded: { match: { host: app.example.com, path: /** }, credentials: [jwt:company] }
  own: { match: { host: admin.tenants.example, path: /** }, credentials: [jwt:company] }
`

const PROXIES = ['traefik', 'nginx', 'envoy', 'ingress-nginx'] as const

/** Whether a host is one of those that need no credential. */
const isOpen = (host: string | null): boolean =>
  host !== null &&
  (host === 'open.example.com' ||
    host === '[2001:db8::1]' ||
    (/^[a-z0-9_-]+\.tenants\.example$/.test(host) && host !== 'admin.tenants.example'))

/** The host within `$scheme://$http_host$request_uri`: what ends at the first slash must be one as a whole. */
const hostOfUrl = (url: string): string | null => hostIn(/^https?:\/\/([^/]+)\//.exec(url)?.[1] ?? '')

async function open(): Promise<Harness> {
  const service = serviceOf(POLICY, { variables: { SECRET: strong('jwt') }, now: MOMENT })
  return {
    run: async (input) => {
      const proxy = PROXIES[input.charCodeAt(0) % PROXIES.length] ?? 'traefik'
      const hosts = input.slice(1).split('\n')
      const answered = await service.check(proxy, linesFor(proxy, hosts))
      return (): Judgement => {
        const { status, trueStatus, reason, decision } = answered
        const failures = faultsOf(answered)
        const [first = ''] = hosts
        const host = proxy === 'ingress-nginx' ? hostOfUrl(first) : hostIn(first)
        if (trueStatus === 200 && (hosts.length > 1 || !isOpen(host)))
          failures.push({
            kind: 'breach',
            detail: `${proxy} with ${JSON.stringify(hosts)}, which is host ${host}`,
          })
        if (trueStatus === 200 && decision.request.host !== host)
          failures.push({
            kind: 'another host',
            detail: `${decision.request.host} for ${JSON.stringify(first)}`,
          })
        const cause = typeof decision.cause === 'string' ? decision.cause : ''
        return {
          failures,
          features: [`${proxy} ${status} ${reason} ${decision.route} ${cause}`],
          allowed: trueStatus === 200,
        }
      }
    },
  }
}

function linesFor(proxy: string, hosts: readonly string[]): Lines {
  if (proxy === 'ingress-nginx')
    return [
      ['X-Original-Method', 'GET'],
      ['X-Real-IP', '203.0.113.9'],
      ...hosts.map((url) => ['X-Original-URL', url] as const),
    ]
  const others = fieldsOf({}, proxy).filter(([name]) => name !== 'X-Forwarded-Host')
  return [...others, ...hosts.map((host) => ['X-Forwarded-Host', host] as const)]
}

const HOSTS = [
  'open.example.com', 'app.example.com', 'acme.tenants.example', 'admin.tenants.example', '[2001:db8::1]',
  'evil.example',
] // biome-ignore format: a table
const TWISTS = [
  '', '', '.', '..', ':443', ':0', ':65536', ':', '@', ',', '#', '\\', '%2e', ' ', '\t', '/', '?', '\0',
  '\xe9', '\n', '_', '-',
] // biome-ignore format: a table

/** Hosts. */
export const host: Target = {
  name: 'host',
  what: 'the host of a request, also within the URL that ingress-nginx puts together, held against a second reading of host names',
  longest: 2000,
  dictionary: [
    ...HOSTS,
    ...TWISTS,
    'http://',
    'https://',
    'OPEN',
    '::ffff:',
    '0:0',
    '[',
    ']',
    'xn--',
    '\xe2\x84\xaa',
    '::',
  ],
  seeds: PROXIES.flatMap((proxy, at) =>
    HOSTS.map((name) => `${at}${proxy === 'ingress-nginx' ? `https://${name}/x?y` : name}`),
  ),
  generate: (dice: Dice) => {
    const at = dice.below(PROXIES.length)
    const name = [
      dice.pick(TWISTS),
      dice.pick(HOSTS),
      dice.pick(TWISTS),
      dice.chance(30) ? dice.pick(HOSTS) : '',
    ].join('')
    const cased = dice.chance(20) ? name.toUpperCase() : name
    return at === 3 ? `3${dice.pick(['https', 'http'])}://${cased}/${dice.pick(TWISTS)}` : `${at}${cased}`
  },
  ordinary: ({ length }) => `0${'a.'.repeat(length).slice(0, Math.max(1, length - 1))}`,
  times: 30,
  open,
}
