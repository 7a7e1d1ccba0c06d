import type { Dice } from '../../e2e/targets.ts'
import { strong } from '../../support/policy.ts'
import { type Answered, fieldsOf, type Lines, serviceOf } from '../../support/service.ts'
import { faultsOf } from '../answer.ts'
import { isChallenge, itemsIn, traceIn } from '../oracles/structured.ts'
import type { Failure, Harness, Input, Judgement, Target } from '../target.ts'
import { ISSUER, MOMENT } from './moment.ts'

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1], place: { country: X-Country, asn: X-Asn } } }
issuers: { company: { issuer: "${ISSUER}", audience: [app], keys: { secret: "\${SECRET}" }, algorithms: [HS256] } }
limits:
  "a.b@c-d_e": { by: client, rate: 3/minute, burst: 3 }
  slow: { by: [client, route], rate: 1/1d, burst: 2 }
  fast: { by: client, rate: 1000000/second }
routes:
  open: { match: { path: /open/** }, credentials: [anonymous], limits: ["a.b@c-d_e", fast] }
  slow: { match: { path: /slow/** }, credentials: [anonymous], limits: [{ use: slow, cost: 2 }] }
  place: { match: { path: /place/** }, credentials: [anonymous], countries: { allow: [NO, SS] }, asns: { deny: [64496] } }
  origin: { match: { path: /origin/** }, credentials: [anonymous], origins: ["https://app.example.com"] }
  flight: { match: { path: /flight/** }, credentials: [jwt:company], preflight: allow }
  step: { match: { path: /step/** }, credentials: [jwt:company], require: { scopes: ["a:b!#$%&'()*+,-./"], authentication: { methods: [otp], within: 5m } } }
`
const ROUTES = ['open', 'slow', 'place', 'origin', 'flight', 'step']
const MANAGED = [
  'x-auth-user', 'x-auth-email', 'x-auth-roles', 'x-auth-permissions', 'x-auth-tenant', 'x-auth-method',
] // biome-ignore format: a table
/** Fields of the contract: once, or the check is refused. */
const SINGLE = ['x-forwarded-method', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-uri']

/** `ROUTE METHOD TIMES PAUSE`, then lines of the header: the same check so many times, with a pause between. */
interface Asked {
  readonly route: string
  readonly method: string
  readonly times: number
  readonly pause: number
  readonly lines: Lines
}

function askedIn(input: Input): Asked {
  const [first = '', ...rest] = input.split('\n')
  const [route = '', method = '', times = '', pause = ''] = first.split(' ')
  const lines = rest.flatMap((line) => {
    const colon = line.indexOf(':')
    // A header with another name never gets past a server.
    if (!/^[!#$%&'*+.^`|~\w-]+$/.test(line.slice(0, Math.max(0, colon)))) return []
    return [[line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')] as const]
  })
  const whole = (text: string, most: number) => Math.min(most, Math.abs(Math.trunc(Number(text) || 0)))
  return {
    route: ROUTES.includes(route) ? route : 'open',
    method: /^[A-Z]+$/.test(method) ? method : 'GET',
    times: Math.max(1, whole(times, 6)),
    pause: whole(pause, 100_000_000),
    lines,
  }
}

/** A client of its own for each input, so that no input is charged for another. */
function clientFor(input: Input): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < input.length; at++) hash = Math.imul(hash ^ input.charCodeAt(at), 0x01000193) >>> 0
  return `11.${(hash >>> 16) & 255}.${(hash >>> 8) & 255}.${hash & 255}`
}

async function open(): Promise<Harness> {
  const service = serviceOf(POLICY, { variables: { SECRET: strong('jwt') }, now: MOMENT })
  return {
    run: async (input) => {
      const asked = askedIn(input)
      // Two inputs may well share a client: each begins with full buckets.
      service.pass(2 * 86_400_000)
      const own = fieldsOf(
        { target: `/${asked.route}/x`, method: asked.method, from: clientFor(input) },
        'traefik',
      )
      const answers: Answered[] = []
      for (let time = 0; time < asked.times; time++) {
        answers.push(await service.check('traefik', [...own, ...asked.lines]))
        service.pass(asked.pause)
      }
      return (): Judgement => ({
        failures: answers.flatMap((answered) => [
          ...faultsOf(answered),
          ...fieldFaults(answered),
          ...breaches(asked, answered),
        ]),
        features: answers.map(
          ({ status, reason, headers }, at) =>
            `${asked.route} ${at > 0} ${status} ${reason} ${headers.has('ratelimit')}`,
        ),
        allowed: answers.some(({ status }) => status === 200),
      })
    },
  }
}

/** What is wrong with the fields that we write. */
function fieldFaults({ status, headers }: Answered): Failure[] {
  const found: Failure[] = []
  const fault = (kind: string, detail: string) => void found.push({ kind, detail })
  const [policy, state, after] = ['ratelimit-policy', 'ratelimit', 'retry-after'].map((name) =>
    headers.get(name),
  )
  if ((policy == null) !== (state == null)) fault('rate limit fields', `${policy} without ${state}`)
  if (policy != null && state != null) {
    const [policies, states] = [itemsIn(policy), itemsIn(state)]
    const [quota, now] = [policies?.[0], states?.[0]]
    if (quota === undefined || now === undefined || policies?.length !== 1 || states?.length !== 1)
      fault('rate limit fields', `${policy} and ${state}`)
    else {
      const { q = -1, w = -1 } = quota.parameters
      const { r = -1, t = -1 } = now.parameters
      if (quota.name !== now.name || q < 1 || w < 1 || r < 0 || t < 0)
        fault('rate limit fields', `${policy} and ${state}`)
      if (status === 429 && Number(after) < t) fault('retry after', `${after}, and ${state}`)
      if (status === 429 && r > q) fault('rate limit fields', `refused with ${state}`)
    }
  }
  if (after != null && !/^[1-9]\d{0,8}$/.test(after)) fault('retry after', after)
  if ((status === 429 || status === 503) && after == null) fault('retry after', 'is missing')
  const challenge = headers.get('www-authenticate')
  if (challenge !== null && !isChallenge(challenge)) fault('challenge', challenge)
  if (status === 401 && challenge === null) fault('challenge', 'is missing')
  return found
}

/** What is wrong with an allow, and with what was believed. */
function breaches({ route, method, lines }: Asked, { status, headers, line }: Answered): Failure[] {
  const found: Failure[] = []
  const breach = (detail: string) => void found.push({ kind: 'breach', detail })
  const of = (name: string) =>
    lines.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value)
  const { trace } = JSON.parse(line) as { trace: string | null }
  if (trace !== null && trace !== traceIn(of('traceparent')))
    found.push({ kind: 'trace', detail: `${trace} for ${of('traceparent').join(' and ')}` })
  if (status !== 200) return found
  for (const name of SINGLE) if (of(name).length > 0) breach(`${name} twice`)
  for (const [name] of lines) {
    const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '-')
    if (MANAGED.includes(plain) && name.toLowerCase() !== plain) breach(`${name} passes for ${plain}`)
  }
  const hops = of('connection').flatMap((value) => value.split(',').map((name) => name.trim().toLowerCase()))
  for (const name of hops) if (MANAGED.includes(name)) breach(`Connection: ${name}`)
  const [country = '', ...countries] = of('x-country')
  const [asn = '', ...asns] = of('x-asn')
  if (
    route === 'place' &&
    (countries.length > 0 ||
      !/^(?:no|ss)$/i.test(country) ||
      asns.length > 0 ||
      !/^(?:as)?[1-9]\d*$/i.test(asn) ||
      /64496$/.test(asn))
  )
    breach(`place ${JSON.stringify([country, asn])}`)
  if (route === 'origin' && of('origin').some((origin) => origin !== 'https://app.example.com'))
    breach(`origin ${of('origin')}`)
  const flight =
    method === 'OPTIONS' && of('origin').length === 1 && of('access-control-request-method').length === 1
  if (route === 'flight' && !flight) breach('no preflight')
  if (route === 'step') breach('without a credential')
  const told = MANAGED.map((name) => headers.get(name))
  if (told.some((value) => value === null)) breach('an identity header is missing')
  const nobody = told.every((value) => value === '' || value === 'anonymous')
  if (!nobody) breach(`identity ${JSON.stringify(told)}`)
  return found
}

const LINES = [
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01',
  'traceparent: 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x', 'Origin: https://app.example.com',
  'Origin: null', 'Origin: https://evil.example', 'Access-Control-Request-Method: GET',
  'Access-Control-Request-Method: PUT', 'X-Country: NO', 'X-Country: no', 'X-Country: XX', 'X-Country: \xdf',
  'X-Asn: AS64500', 'X-Asn: 64500', 'X-Asn: 64496', 'X-Asn: 0', 'X_Auth_User: root', 'X-Auth-User: root',
  'X.Auth.Roles: admin', 'Connection: X-Auth-User', 'Connection: close, x_auth_user', 'Connection: keep-alive',
  'X-Forwarded-Uri: /open/x', 'X-Forwarded-Host: evil', 'X-Forwarded-Method: GET', 'X-Forwarded-For: 10.0.0.1',
  'X-Original-URI: /open', 'Forwarded: for=10.0.0.1;host=x', 'X-HTTP-Method-Override: GET',
  'Authorization: Bearer x', 'Authorization: Basic eDp5', 'X-Postern-Status: 200', 'Cookie: a=b',
] // biome-ignore format: a table

/** Lines that a route looks at. */
const NEAR: Readonly<Record<string, RegExp>> = {
  place: /^X-(?:Country|Asn)/,
  origin: /^Origin/,
  flight: /^(?:Origin|Access)/,
  step: /^Authorization/,
}

/** Fields of the header. */
export const fields: Target = {
  name: 'fields',
  what: 'fields of the header that are read (traceparent, Origin, places, aliases, repeats) and written (RateLimit, Retry-After, WWW-Authenticate), by strict readers',
  longest: 8000,
  dictionary: [
    ...LINES.map((line) => `\n${line}`),
    '\n',
    ': ',
    ',',
    '-',
    '_',
    ' ',
    '\t',
    '\xa0',
    '00',
    'ff',
    ...ROUTES,
    'OPTIONS',
    'AS',
    '\xdf',
    '"',
  ],
  seeds: [
    ...ROUTES.map((route) => `${route} GET 1 0`),
    'open GET 5 1000',
    'slow GET 3 86400000',
    'flight OPTIONS 1 0\nOrigin: https://a.example\nAccess-Control-Request-Method: GET',
    'place GET 1 0\nX-Country: NO\nX-Asn: AS64500',
    ...LINES.map((line) => `open GET 1 0\n${line}`),
  ],
  generate: (dice: Dice) => {
    const route = dice.pick(ROUTES)
    const first = `${route} ${dice.pick(['GET', 'GET', 'POST', 'OPTIONS', 'HEAD'])} ${1 + dice.below(6)} ${dice.pick([0, 1, 999, 1000, 19_999, 86_399_999])}`
    // What a route looks at stands more often in its requests.
    const near = LINES.filter((line) => NEAR[route]?.test(line) === true)
    const line = () => dice.pick(near.length > 0 && dice.chance(60) ? near : LINES)
    return [first, ...Array.from({ length: dice.below(5) }, line)].join('\n')
  },
  ordinary: (input) => {
    const { route, method, times, pause } = askedIn(input)
    return [
      `${route} ${method} ${times} ${pause}`,
      ...Array.from({ length: Math.floor(input.length / 22) }, (_, at) => `X-Some-${at % 10}: some value`),
    ].join('\n')
  },
  times: 20,
  open,
}
