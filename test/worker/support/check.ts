/** Checks of a Worker in workerd, byte for byte, and what a policy for them looks like. */

import { SignJWT } from 'jose'
import { checkOf, SECRET } from '../../http/support.ts'
import { type Answer, bytesOf, exchange } from '../../node/support.ts'
import { strong } from '../../support/policy.ts'
import type { Lines } from '../../support/service.ts'
import { startWorkerd, type Workerd, type WorkerSpec } from './workerd.ts'

export const VARIABLES = { PROXY_SECRET: SECRET, JWT_SECRET: strong('jwt') }

/** Where Durable Objects keep what a policy without a store keeps. */
export const OBJECTS = { durableObjects: { POSTERN_STATE: { className: 'PosternState', useSQLite: true } } }

/** A policy with a token's issuer and a few routes. @param more sections, or other ones in their place */
export const policyWith = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    proxies: { traefik: { secret: '${PROXY_SECRET}' } },
    issuers: {
      company: {
        issuer: 'https://login.example.com',
        audience: ['app'],
        keys: { secret: '${JWT_SECRET}' },
        algorithms: ['HS256'],
        claims: { roles: 'roles', tenant: 'tenant' },
      },
    },
    roles: { reader: { permissions: ['docs:read'] }, admin: {} },
    limits: { few: { by: 'client', rate: '2/day' }, many: { by: 'client', rate: '40/day' } },
    routes: {
      public: { match: { path: '/public/**' }, credentials: ['anonymous'] },
      docs: { match: { path: '/docs/**' }, credentials: ['jwt:company'], limits: ['many'] },
      admin: { match: { path: '/admin/**' }, credentials: ['jwt:company'], require: { roles: ['admin'] } },
      few: { match: { path: '/few' }, credentials: ['anonymous'], limits: ['few'] },
      many: { match: { path: '/many' }, credentials: ['anonymous'], limits: ['many'] },
      domestic: {
        match: { path: '/domestic/**' },
        credentials: ['anonymous'],
        countries: { allow: ['DE'] },
      },
      carrier: { match: { path: '/carrier/**' }, credentials: ['anonymous'], asns: { deny: [64500] } },
    },
    ...more,
  })

/** The check Worker alone. */
export const startCheck = (
  policy: WorkerSpec['policy'] = policyWith(),
  more: Partial<WorkerSpec> = {},
): Promise<Workerd> =>
  startWorkerd([
    {
      name: 'check',
      entry: 'src/worker.ts',
      ...(policy === undefined ? {} : { policy }),
      variables: VARIABLES,
      bindings: OBJECTS,
      // As wrangler.toml has it.
      options: { compatibilityFlags: ['enable_request_signal'] },
      ...more,
    },
  ])

export const portOf = (workerd: Workerd): number => Number(new URL(workerd.url('check')).port)

/** Bytes on a connection of their own. */
export async function send(workerd: Workerd, text: string, withBody = true): Promise<Answer> {
  const answer = await exchange(portOf(workerd), text, withBody)
  if (answer === null) throw new Error('the Worker closed the connection without an answer')
  return answer
}

/** What is recorded of the one decision that `work` causes. Lines take a moment to arrive. */
// biome-ignore lint/suspicious/noExplicitAny: what a line says is what the tests look at
export async function recordOf(workerd: Workerd, work: () => Promise<unknown>): Promise<any> {
  const before = workerd.events('decision').length
  await work()
  return (await workerd.heard('decision', before + 1))[before]
}

/** A check with exactly these lines. */
export const check = (workerd: Workerd, proxy: string, lines: Lines): Promise<Answer> =>
  send(workerd, bytesOf(lines, `GET /check/${proxy} HTTP/1.1`, 'postern.example.com'))

/** What a Traefik would ask, with further lines. */
export function ask(
  workerd: Workerd,
  target: string,
  lines: Lines = [],
  { secret = true } = {},
): Promise<Answer> {
  const usual = checkOf('traefik', target).filter(([name]) => secret || name !== 'X-Postern-Secret')
  return check(workerd, 'traefik', [...usual, ...lines])
}

/** What the edge says of a request, as the runtime is told. */
export const edge = (cf: Readonly<Record<string, unknown>>): Lines[number] => [
  'MF-CF-Blob',
  JSON.stringify(cf),
]

/** A line with a token that is good for an hour. */
export async function bearer(
  claims: Readonly<Record<string, unknown>> = {},
  secret: string = VARIABLES.JWT_SECRET,
): Promise<Lines[number]> {
  const token = await new SignJWT({ sub: 'ann', roles: ['reader'], tenant: 'acme', ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://login.example.com')
    .setAudience('app')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret))
  return ['Authorization', `Bearer ${token}`]
}
