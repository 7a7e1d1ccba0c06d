import { type IdentityPlan, spelled } from '../../core/identity.ts'
import type { Decision } from '../../core/model.ts'
import { rateLimitFields } from '../../http/rate-limit-fields.ts'

/** Header fields on their way through the gateway. The table in docs/gateway.md says what becomes of each. */

/** What belongs to one connection and not to the message (RFC 9110 section 7.6.1), beside what `Connection` names. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization'],
  ...['proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
])

/** Of a handshake, what the runtime makes anew for each connection (RFC 6455 section 4). */
const HANDSHAKE: ReadonlySet<string> = new Set(['sec-websocket-key', 'sec-websocket-accept'])

/** What would tell an origin of another client, address, path or method than was judged; nobody but us may say it. */
const CLAIMS: ReadonlySet<string> = new Set([
  ...['forwarded', 'forwarded-for', 'x-forwarded', 'x-real-ip', 'true-client-ip', 'client-ip', 'x-client-ip'],
  ...['x-cluster-client-ip', 'fastly-client-ip', 'fly-client-ip', 'x-appengine-user-ip', 'x-azure-clientip'],
  ...['cf-connecting-ipv6', 'cf-pseudo-ipv4', 'x-http-method', 'x-http-method-override', 'x-method-override'],
  ...['x-host', 'x-scheme', 'x-url-scheme', 'front-end-https', 'proxy'],
])

/** The same, by how a name begins. */
const CLAIM_FAMILIES = ['x-forwarded-', 'x-original-', 'x-rewrite-', 'x-postern-', 'remote-']

/** What the runtime says of the message itself. */
const OWN: ReadonlySet<string> = new Set(['content-length', 'host'])

/** Whether a client must not say it, in any spelling that some server takes for it. */
function claims(name: string, identity: IdentityPlan): boolean {
  if (identity.covers(name)) return true
  const plain = spelled(name)
  if (CLAIMS.has(plain) || CLAIM_FAMILIES.some((family) => plain.startsWith(family))) return true
  // What the edge and the runtime say in fields of their own stays; they write them with hyphens.
  return plain !== name && (plain.startsWith('cf-') || OWN.has(plain))
}

/** The names that `Connection` lists, in lower case. What the edge says belongs to no connection of a client's. */
const listed = (headers: Headers): ReadonlySet<string> =>
  new Set(
    (headers.get('connection') ?? '')
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => !name.startsWith('cf-')),
  )

function removeAll(headers: Headers, unwanted: (name: string) => boolean): void {
  const hops = listed(headers)
  for (const name of [...headers.keys()]) {
    const hop = HOP_BY_HOP.has(spelled(name)) || HANDSHAKE.has(name) || hops.has(name)
    if (hop || unwanted(name)) headers.delete(name)
  }
}

/** What the origin is told beside what the client says. */
export interface Told {
  readonly identity: Readonly<Record<string, string>>
  /** The client's address. */
  readonly client: string
  readonly scheme: string
  /** With its port, as the client asked for it. */
  readonly host: string
  /** What proves that it is we who ask; null: something else does. */
  readonly secret: string | null
}

/** Makes the header of a client's request that of ours. */
export function tell(headers: Headers, told: Told, identity: IdentityPlan): void {
  removeAll(headers, (name) => claims(name, identity))
  headers.set('X-Forwarded-For', told.client)
  headers.set('X-Real-IP', told.client)
  headers.set('X-Forwarded-Proto', told.scheme)
  headers.set('X-Forwarded-Host', told.host)
  // Last, so that a policy which calls one of them X-Forwarded-User has its way.
  for (const name in told.identity) headers.set(name, told.identity[name] ?? '')
  if (told.secret !== null) headers.set('X-Postern-Secret', told.secret)
}

/** Makes the header of the origin's answer that of ours. */
export function relay(headers: Headers, decision: Decision, identity: IdentityPlan): void {
  removeAll(headers, (name) => identity.covers(name) || spelled(name).startsWith('x-postern-'))
  const fields = rateLimitFields(decision.quotas)
  if (fields === null) return
  // Lists: what the origin says of limits of its own stays beside ours.
  headers.append('RateLimit-Policy', fields.policy)
  headers.append('RateLimit', fields.state)
}

/** Adds what the policy wants every client to get, where the answer does not say it itself. */
export function secure(headers: Headers, wanted: Readonly<Record<string, string>>): void {
  for (const name in wanted) if (!headers.has(name)) headers.set(name, wanted[name] ?? '')
}
