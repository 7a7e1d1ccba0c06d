/** The gateway in a real workerd, in front of real origins on loopback; clients that stand where the edge stands. */
import { SignJWT } from 'jose'
import { type Answer, exchange, type Line, requestBytes } from '../../e2e/wire.ts'
import { strong } from '../../support/policy.ts'
import { compiled, type WorkerSpec } from './workerd.ts'

const JWT_SECRET = strong('gateway jwt')
export const ORIGIN_SECRET = strong('gateway origin')
export const PROXY_SECRET = strong('gateway proxy')

/** The address of a client that the edge names. */
export const CLIENT = '198.51.100.7'

/** Routes that the gateway's suites share. */
const ROUTES = `
issuers:
  company: { issuer: https://login.example.com, audience: [app], keys: { secret: "\${JWT_SECRET}" }, algorithms: [HS256], claims: { roles: roles, tenant: org } }
roles: { reader: { permissions: ["docs:read"] } }
limits:
  few: { by: client, rate: 2/hour }
  many: { by: client, rate: 1000/hour }
routes:
  public: { match: { path: /public/** }, credentials: [anonymous] }
  docs: { match: { path: /docs/** }, credentials: [jwt:company], require: { roles: [reader] } }
  counted: { match: { path: /counted/** }, credentials: [anonymous], limits: [many] }
  few: { match: { path: /few/** }, credentials: [anonymous], limits: [few] }
  chat: { match: { path: /chat/** }, credentials: [anonymous], limits: [many], connections: { client: 2 } }
  desk: { match: { path: /desk/** }, credentials: [jwt:company], connections: { client: 3, principal: 1 } }
  home: { match: { path: /home/** }, countries: { allow: [DE] }, credentials: [anonymous] }
`

/** A gateway with a policy that no command would have compiled: its store cannot count the connections that it bounds. */
export function forgetfulSpec(name: string, section: string): WorkerSpec {
  const { policy, ...spec } = gatewaySpec(name, section, { more: '' })
  const artefact = compiled(String(policy)) as { readonly policy: Record<string, unknown> }
  artefact.policy['store'] = { name: 'memory', options: {}, maxStale: 60_000, instances: 1 }
  return { ...spec, policy: { artefact } }
}

/** A gateway by name, with the lines of its section. */
export function gatewaySpec(
  name: string,
  section: string,
  part: Partial<WorkerSpec> & { more?: string } = {},
) {
  const { more = 'store: memory', ...rest } = part
  // A memory store counts no connections, and compiling says so.
  const routes = more.includes('store: memory') ? ROUTES.replace(/, connections: \{[^}]*\}/g, '') : ROUTES
  const spec: WorkerSpec = {
    name,
    entry: 'src/worker.ts',
    policy: `${more}\n${routes}\ngateway: ${section}\n`,
    variables: { JWT_SECRET, ORIGIN_SECRET, PROXY_SECRET },
    // As in wrangler.toml.
    options: { compatibilityFlags: ['enable_request_signal'] },
    ...rest,
  }
  return spec
}

export async function bearer(sub: string, claims: Readonly<Record<string, unknown>> = {}): Promise<Line> {
  const token = await new SignJWT({ roles: ['reader'], ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://login.example.com')
    .setAudience('app')
    .setSubject(sub)
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(JWT_SECRET))
  return ['Authorization', `Bearer ${token}`]
}

/** What the edge adds to a request. */
export const edge = (client = CLIENT): Line => ['CF-Connecting-IP', client]

/** One request of a client, byte for byte, as the edge passes it on. */
export async function ask(
  url: string,
  target: string,
  parts: Parameters<typeof requestBytes>[1] & { client?: string | null; chunks?: string } = {},
): Promise<Answer> {
  const { client = CLIENT, headers = [], chunks = '', ...rest } = parts
  const all = client === null ? headers : [edge(client), ...headers]
  const bytes = requestBytes(target, { ...rest, headers: all }) + chunks
  const answer = await exchange(Number(new URL(url).port), bytes)
  if (answer === null) throw new Error('the gateway closed without an answer')
  return answer
}
