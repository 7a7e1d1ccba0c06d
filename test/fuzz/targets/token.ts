import { createECDH, createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import type { Dice } from '../../e2e/targets.ts'
import { strong } from '../../support/policy.ts'
import { type Answered, type Lines, serviceOf } from '../../support/service.ts'
import { faultsOf } from '../answer.ts'
import { type Issuer, judgeToken, wordsOf } from '../oracles/token.ts'
import type { Failure, Harness, Input, Judgement, Target } from '../target.ts'
import { ISSUER, MOMENT } from './moment.ts'

const SECRET = strong('jwt')
const OTHER = 'https://other.example.com'
const SECONDS = MOMENT / 1000

/** The same in every run, so that an input says the same in every run. */
const PRIVATE = (() => {
  const curve = createECDH('prime256v1')
  const d = Buffer.from(strong('ec'), 'hex')
  curve.setPrivateKey(d)
  const point = curve.getPublicKey()
  const coordinate = (from: number) => point.subarray(from, from + 32).toString('base64url')
  const key = { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33), d: d.toString('base64url') }
  return createPrivateKey({ key, format: 'jwk' })
})()
const PEM = createPublicKey(PRIVATE).export({ type: 'spki', format: 'pem' }) as string

const ISSUERS: readonly Issuer[] = [
  { issuer: ISSUER, audience: 'app', algorithm: 'HS256', key: SECRET },
  { issuer: OTHER, audience: 'app', algorithm: 'ES256', key: PEM },
]

const ROLES = ['user', 'reader']
const POLICY = JSON.stringify({
  proxies: { traefik: { peers: ['127.0.0.1'] } },
  issuers: {
    company: { ...common(ISSUER, 'HS256'), keys: { secret: '${SECRET}' } },
    other: { ...common(OTHER, 'ES256'), keys: { pem: PEM } },
  },
  roles: Object.fromEntries(ROLES.map((role) => [role, { permissions: [`${role}:use`] }])),
  routes: {
    app: { match: { path: '/**' }, credentials: ['jwt:company', 'jwt:other'], require: { roles: ['user'] } },
  },
})

function common(issuer: string, algorithm: string) {
  const claims = { roles: 'roles', tenant: 'org', email: '/contact/email' }
  return { issuer, audience: ['app'], algorithms: [algorithm], claims }
}

const part = (text: string): string => Buffer.from(text, 'latin1').toString('base64url')
const hmac = (hash: string, key: string) => (text: string) =>
  createHmac(hash, key).update(text).digest('base64url')
const ecdsa = (key: KeyObject) => (text: string) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')

/** What an input's first byte does with header and payload; the rest of it is `HEADER \n PAYLOAD`, both as they are. */
const SIGNERS: Readonly<Record<string, (signed: string) => string>> = {
  s: hmac('sha256', SECRET),
  e: ecdsa(PRIVATE),
  w: hmac('sha256', strong('wrong')),
  // The public key taken for a secret (CVE-2023-48223).
  p: hmac('sha256', PEM),
  t: hmac('sha256', PEM.trim()),
  l: hmac('sha512', SECRET),
  n: () => '',
  z: () => Buffer.alloc(64).toString('base64url'),
}

/** The Authorization lines of an input: a token that is made, or with `r` what stands there, `{T}` a good token. */
function linesOf(input: Input): { readonly lines: readonly string[]; readonly token: string } {
  const [mode = '', text] = [input[0], input.slice(1)]
  const signer = SIGNERS[mode]
  if (signer === undefined) return { lines: text.replaceAll('{T}', GOOD).split('\n'), token: GOOD }
  const end = text.indexOf('\n')
  const [header, payload] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)]
  const signed = `${part(header)}.${part(payload)}`
  const token = `${signed}.${signer(signed)}`
  return { lines: [`Bearer ${token}`], token }
}

const HEADER = '{"alg":"HS256","typ":"JWT"}'
const CLAIMS = {
  iss: ISSUER,
  aud: 'app',
  sub: 'ann',
  exp: SECONDS + 3600,
  iat: SECONDS - 60,
  roles: ['user'],
}
const PAYLOAD = JSON.stringify(CLAIMS)
const OF_OTHER = JSON.stringify({ ...CLAIMS, iss: OTHER })
const GOOD = (() => {
  const signed = `${part(HEADER)}.${part(PAYLOAD)}`
  return `${signed}.${SIGNERS['s']?.(signed)}`
})()

async function open(): Promise<Harness> {
  const service = serviceOf(POLICY, { variables: { SECRET }, now: MOMENT })
  return {
    run: async (input) => {
      const { lines, token } = linesOf(input)
      const headers: Lines = lines.map((line) => ['Authorization', line] as const)
      const answered = await service.ask({ headers })
      return (): Judgement => {
        const { status, reason } = answered
        const [, payload = '', signature = ''] = token.split('.')
        const failures = faultsOf(answered, [SECRET, token, payload, signature])
        if (status === 200) failures.push(...breaches(answered, lines))
        return { failures, features: [`${status} ${reason} ${input[0]}`], allowed: status === 200 }
      }
    },
  }
}

/** What is wrong with an allow. */
function breaches({ headers }: Answered, lines: readonly string[]): Failure[] {
  const [line = '', ...others] = lines
  const presented = /^bearer +([\w.-]+)[ \t]*$/i.exec(line)?.[1]
  if (presented === undefined || others.length > 0) return [{ kind: 'breach', detail: JSON.stringify(lines) }]
  const claims = judgeToken(presented, ISSUERS, SECONDS)
  if (typeof claims === 'string') return [{ kind: 'breach', detail: `${claims}: ${presented}` }]
  const roles = wordsOf(claims['roles'])
  if (!roles.includes('user')) return [{ kind: 'breach', detail: `roles ${JSON.stringify(roles)}` }]
  const contact = claims['contact']
  const email =
    typeof contact === 'object' && contact !== null && Object.hasOwn(contact, 'email')
      ? (contact as { email: unknown }).email
      : ''
  const wanted = {
    'x-auth-user': claims['sub'],
    'x-auth-roles': ROLES.filter((role) => roles.includes(role))
      .sort()
      .join(','),
    'x-auth-tenant': textOf(claims['org']),
    'x-auth-email': textOf(email),
  }
  return Object.entries(wanted).flatMap(([name, value]) => {
    const told = headers.get(name) ?? 'nothing'
    // Lone surrogates cannot be written in UTF-8.
    const read = name === 'x-auth-roles' ? told : decodeURIComponent(told)
    if (read === String(value).toWellFormed()) return []
    return [{ kind: `another ${name}`, detail: `${JSON.stringify(told)} for ${JSON.stringify(value)}` }]
  })
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const VALUES = [
  'null', 'true', '0', '-1', '1e400', '1.5', '"x"', '""', '[]', '{}', '["app"]', '["app",1]', '"app"',
  `${SECONDS}`, `${SECONDS - 31}`, `${SECONDS + 31}`, `${SECONDS - 29}`, `${MOMENT}`, `"${SECONDS + 60}"`,
  '"user"', '["user"]', '"user reader"', '"\\u000d\\u000aX-Auth-User: root"', '"\\ud800"', '"\xc3\xa9"',
  '"\\u0000"', '"a,b%2c"', '{"email":"a@b"}', '{"includes":"app"}',
] // biome-ignore format: a table
const NAMES = [
  'iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'roles', 'org', 'contact', 'jti', 'sid', 'amr', 'acr', 'auth_time',
  'scope', '__proto__', 'toString',
] // biome-ignore format: a table
const HEADERS = [
  'alg', 'typ', 'kid', 'crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip', 'enc', 'cty', '__proto__',
] // biome-ignore format: a table
const ALGORITHMS = [
  '"HS256"', '"ES256"', '"none"', '"None"', '""', '"HS512"', '"RS256"', '["HS256"]', 'null', '"hs256"',
] // biome-ignore format: a table

const member = (dice: Dice, names: readonly string[], values: readonly string[]): string =>
  `,"${dice.pick(names)}":${dice.pick(values)}`

function generate(dice: Dice): Input {
  if (dice.chance(15)) {
    const scheme = dice.pick([
      'Bearer ',
      'bearer  ',
      'BEARER\t',
      'Bearer',
      'Basic ',
      'Bearer ,',
      'Token x, Bearer ',
      ' Bearer ',
    ])
    return `r${scheme}${dice.pick(['{T}', '{T} ', '{T}.', '{T}=', '.{T}', '{T},{T}', '{T}\nBearer {T}', '{T}\xa0', ''])}`
  }
  const mode = dice.pick(['s', 's', 's', 's', 'e', 'e', ...Object.keys(SIGNERS)])
  const other = mode === 'e' || mode === 'p' || mode === 't' || dice.chance(5)
  let header = `{"alg":${dice.chance(85) ? (other ? '"ES256"' : '"HS256"') : dice.pick(ALGORITHMS)}`
  while (dice.chance(35))
    header += member(dice, HEADERS, [...VALUES, '"JWT"', '"at+jwt"', '"application/AT+JWT"', '"logout+jwt"'])
  let payload = (other ? OF_OTHER : PAYLOAD).slice(0, -1)
  if (dice.chance(40))
    payload = payload.replace(new RegExp(`"${dice.pick(NAMES)}":(?:"[^"]*"|\\[[^\\]]*\\]|[^,]*)`), () =>
      member(dice, NAMES, VALUES).slice(1),
    )
  while (dice.chance(40)) payload += member(dice, NAMES, VALUES)
  if (dice.chance(3)) payload += `,"deep":${'['.repeat(dice.below(4000))}`
  return `${mode}${header}}\n${payload}}`
}

/** Bearer tokens. */
export const token: Target = {
  name: 'token',
  what: 'bearer tokens, well and badly signed, and the lines around them, held against a second verification on node:crypto',
  longest: 12_000,
  dictionary: [
    ...VALUES,
    ...NAMES,
    ...HEADERS,
    ...ALGORITHMS,
    '{T}',
    'Bearer ',
    '":',
    ',"',
    '{"',
    '"}',
    '\\u0061',
    '\\/',
    '[[[[',
    '}}',
    '\xef\xbb\xbf',
    '.',
    '=',
  ],
  seeds: [
    `s${HEADER}\n${PAYLOAD}`,
    `e{"alg":"ES256","kid":"1"}\n${OF_OTHER}`,
    'rBearer {T}',
    'rbearer {T}',
    'rBearer',
    'rBasic eDp5',
  ],
  generate,
  // Another subject for each size, so that none is known already; a token that is too long is not looked at.
  ordinary: ({ 0: mode = 's', length }) => {
    const other = mode === 'e'
    const header = other ? HEADER.replace('HS256', 'ES256') : HEADER
    const room = Math.max(1, Math.min(length, 5500) - HEADER.length - PAYLOAD.length)
    const payload = (other ? OF_OTHER : PAYLOAD).replace('"ann"', `"ann-${length}-${'x'.repeat(room)}"`)
    return `${other ? 'e' : 's'}${header}\n${payload}`
  },
  times: 15,
  open,
}
