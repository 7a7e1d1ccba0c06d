/**
 * What Postern may answer, said a second time and from the documents alone: nothing of Postern is imported here, and
 * the policy is not read but told by hand in ROUTES. Gates stand in the documented order. Each says of a request
 * whether it holds it back, surely or perhaps; what the times of a change leave open is open to both.
 */
import type { Version } from './policy.ts'
import { type Ban, type Change, type Held, revocationOf, type Span, type World } from './world.ts'

/** A token as its maker knows it. */
export interface TokenFacts {
  readonly issuer: 'rs' | 'es' | 'ed' | 'hs'
  readonly iss: string
  readonly id: string
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  readonly scopes: readonly string[]
  readonly tenant: string | null
  readonly email: string | null
  /** Seconds since the epoch. */
  readonly iat: number
  readonly exp: number
  readonly jti: string
  readonly sid: string
  readonly methods: readonly string[]
  /** Seconds since the epoch; null: not said. */
  readonly signedIn: number | null
  /** When its key was published and withdrawn (milliseconds); null for keys that always hold. */
  readonly key: { readonly since: number; readonly withdrawn: number | null } | null
}

/** An API key as its maker knows it. */
export interface KeyFacts {
  readonly owner: string
  readonly roles: readonly string[]
  readonly tenant: string | null
  readonly email: string | null
  /** Of a key in the store: when it was made (milliseconds), and what ended it. */
  readonly stored: { readonly made: number; readonly ended: Change | null } | null
  /** From where alone it may be used, as the beginning of an address; null: from anywhere. */
  readonly from: string | null
  readonly limits: readonly LimitName[]
}

export type Credential =
  | { readonly is: 'token'; readonly facts: TokenFacts }
  | { readonly is: 'key'; readonly facts: KeyFacts }
  /** Never good, whenever it is presented. `asks`: only the store can say so. */
  | { readonly is: 'bad'; readonly where: 'token' | 'key'; readonly asks: boolean }
  /** A token whose issuer cannot be reached. */
  | { readonly is: 'undecidable' }

export type LimitName = 'roomy' | 'open' | 'each' | 'tenant' | 'search' | 'vault' | 'internal' | 'key'
export type RouteName = keyof typeof ROUTES

/** A request as whoever made it means it. */
export interface Claim {
  /** Address that must be taken for the client's. */
  readonly client: string
  readonly route: RouteName | null
  readonly parameters?: Readonly<Record<string, string>>
  readonly credentials: readonly Credential[]
  readonly origin?: string
  readonly preflight?: boolean
  /** Bans by the operator that cover the client. */
  readonly bans?: readonly Ban[]
  /** Carries an alias of an identity header that gets through to Postern. */
  readonly alias?: boolean
  /** Statuses that another party or the form of the request settles, in the place of all else. */
  readonly settled?: readonly number[]
}

/** The identity headers of an allowed request, by name in lower case. */
export type Identity = Readonly<Record<string, string>>

export interface Bucket {
  readonly limit: LimitName
  readonly partition: string
  readonly cost: number
}

/** What may come of a request. */
export interface Ruling {
  /** Statuses without 429 and without what only an absent store explains. */
  readonly statuses: ReadonlySet<number>
  /** Statuses that need an absent store as their reason. */
  readonly outage: ReadonlySet<number>
  /** The buckets that an allowed request was charged to. */
  readonly buckets: readonly Bucket[]
  /** What the upstream may be told. */
  readonly identities: readonly Identity[]
}

/** burst: units at once; rate: units per second; what holds while the store is away. */
export const LIMITS: Readonly<Record<LimitName, { burst: number; rate: number; onOutage: string }>> = {
  roomy: { burst: 1e6, rate: 1e6, onOutage: 'local' },
  open: { burst: 20, rate: 2, onOutage: 'local' },
  each: { burst: 30, rate: 5, onOutage: 'local' },
  tenant: { burst: 40, rate: 4, onOutage: 'deny' },
  search: { burst: 25, rate: 2, onOutage: 'local' },
  vault: { burst: 6, rate: 0.2, onOutage: 'local' },
  internal: { burst: 60, rate: 15, onOutage: 'allow' },
  key: { burst: 30, rate: 3, onOutage: 'deny' },
}

/** Guesses that surely ban nobody, that surely ban (store and instance each count, and twice where it is emptied). */
export const PENALTY = { least: 10, most: 45, milliseconds: 30_000 } as const

interface Demand {
  readonly credentials: readonly string[]
  readonly role?: string
  readonly permissions?: (parameters: Readonly<Record<string, string>>) => readonly string[]
  readonly scope?: string
  readonly tenant?: string
  readonly strong?: boolean
  readonly network?: (client: string) => boolean
  readonly origin?: string
  readonly limits: readonly (readonly [name: LimitName, cost: number])[]
}

const ANYBODY: Demand = { credentials: ['anonymous'], limits: [] }
const ADMINS: Demand = { credentials: ['jwt:rs'], role: 'admin', limits: [] }
const ROUTES = {
  public: () => ANYBODY,
  health: () => ANYBODY,
  open: (): Demand => ({ ...ANYBODY, limits: [['open', 1]] }),
  users: (): Demand => ({ credentials: ['jwt:rs'], role: 'user', limits: [['roomy', 1]] }),
  admin: (): Demand => ({
    ...ADMINS,
    network: (client) =>
      (client.startsWith('10.1.') && !client.startsWith('10.1.9.')) || client.startsWith('127.0.1.'),
    limits: [['roomy', 1]],
  }),
  mcp: (): Demand => ({
    credentials: ['jwt:rs', 'api-key'],
    permissions: ({ server }) => ['mcps:execute', `mcp:${server}:call`],
    limits: [
      ['roomy', 1],
      ['each', 1],
    ],
  }),
  search: (): Demand => ({
    credentials: ['jwt:es'],
    scope: 'search',
    tenant: 'org',
    limits: [
      ['tenant', 1],
      ['search', 5],
    ],
  }),
  vault: (): Demand => ({ credentials: ['jwt:ed'], strong: true, limits: [['vault', 1]] }),
  internal: (): Demand => ({
    credentials: ['jwt:hs'],
    origin: 'https://app.example.com',
    limits: [['internal', 1]],
  }),
  keys: (): Demand => ({ credentials: ['api-key'], limits: [] }),
  keyed: (): Demand => ({ credentials: ['api-key'], limits: [['roomy', 1]] }),
  gone: (): Demand => ({ credentials: ['jwt:gone'], limits: [] }),
  changing: (version: Version) => (version === 'A' ? ANYBODY : ADMINS),
} satisfies Record<string, (version: Version) => Demand>

/** Roles with all that they inherit. */
const HAS: Readonly<Record<string, readonly string[]>> = {
  reader: ['reader'],
  user: ['user', 'reader'],
  admin: ['admin', 'user', 'reader'],
}
const MAY: Readonly<Record<string, readonly string[]>> = {
  reader: ['users:read', 'docs:read'],
  user: ['mcps:execute', 'mcp:github:call'],
  admin: ['users:write'],
}

/** Milliseconds after which a key that is new in a set must be known: the cooldown of 30 s, and the fetch. */
const PUBLISHED = 40_000
/** Milliseconds after which a key that left a set must be unknown: its set's age, and the fetch. */
const WITHDRAWN = 610_000
/** Seconds by which clocks may differ: 30 unless a policy says otherwise, and 5 for `hs`. */
const skewOf = (issuer: TokenFacts['issuer']): number => (issuer === 'hs' ? 5 : 30)

/** What may be answered to a request that was under way in `span`. */
export function rule(claim: Claim, span: Span, world: World): Ruling {
  const none = { outage: new Set<number>(), buckets: [], identities: [] }
  if (claim.settled !== undefined) return { ...none, statuses: new Set(claim.settled) }
  const rulings = world.versions(span).map((version) => ruleUnder(claim, span, world, version))
  const [first = { ...none, statuses: new Set<number>() }, ...others] = rulings
  return others.reduce(
    (all, one) => ({
      statuses: all.statuses.union(one.statuses),
      outage: all.outage.union(one.outage),
      buckets: [...all.buckets, ...one.buckets.filter((b) => !all.buckets.some((a) => same(a, b)))],
      identities: [...all.identities, ...one.identities],
    }),
    first,
  )
}

const same = (a: Bucket, b: Bucket): boolean => a.limit === b.limit && a.partition === b.partition

function ruleUnder(claim: Claim, span: Span, world: World, version: Version): Ruling {
  const statuses = new Set<number>()
  const outage = new Set<number>()
  const buckets: Bucket[] = []
  const identities: Identity[] = []
  const ruling: Ruling = { statuses, outage, buckets, identities }
  /** @returns whether nobody gets past it */
  const gate = (holds: Held | boolean, status: number): boolean => {
    if (holds === false || holds === 'no') return false
    statuses.add(status)
    return holds === true || holds === 'yes'
  }

  for (const ban of claim.bans ?? []) if (gate(world.banned(ban, span), 403)) return ruling
  if (gate(claim.alias === true, 400)) return ruling
  const { route } = claim
  if (route === null) {
    statuses.add(403)
    return ruling
  }
  const demand: Demand = ROUTES[route](version)
  if (gate(demand.network?.(claim.client) === false, 403)) return ruling
  if (gate(demand.origin !== undefined && ![undefined, demand.origin].includes(claim.origin), 403))
    return ruling
  const due = (id: string, tenant: string, own: readonly LimitName[] = []): void => {
    const all = [...demand.limits, ...own.map((name) => [name, 1] as const)]
    for (const [limit, cost] of all)
      buckets.push({ limit, cost, partition: partitionOf(limit, claim.client, id, tenant, route) })
    // Without the store, a limit that denies then denies; all others let pass what they would count by themselves.
    if (world.away(span) && all.some(([name]) => LIMITS[name].onOutage === 'deny')) statuses.add(503)
    else if (all.some(([name]) => LIMITS[name].onOutage === 'deny')) outage.add(503)
  }
  const allow = (identity: Identity): Ruling => {
    statuses.add(200)
    identities.push(identity)
    return ruling
  }
  if (claim.preflight === true) {
    // It stands for nobody, and only limits by client are charged before anybody is known: this route has none.
    return allow(identityOf(null, version))
  }

  const listed = claim.credentials.filter((one) => demand.credentials.some((name) => fits(one, name)))
  if (listed.length === 0) {
    if (demand.credentials.includes('anonymous')) {
      due('', '')
      return allow({ ...identityOf(null, version), 'x-auth-method': 'anonymous' })
    }
    statuses.add(401)
    return ruling
  }
  const withdrawn: Held[] = []
  for (const one of listed) {
    const { denied, revoked = 'no', undecided, unavailable } = judge(one, claim.client, demand, span, world)
    withdrawn.push(revoked)
    if (gate(denied, 401)) return addAway()
    if (undecided) {
      statuses.add(503)
      return ruling
    }
    if (unavailable) addAway()
  }
  if (gate(listed.length > 1, 400)) return ruling
  if (gate(either(...withdrawn), 401)) return ruling
  const [one] = listed
  if (one?.is !== 'token' && one?.is !== 'key') return ruling
  const { facts } = one
  const token = one.is === 'token' ? one.facts : null
  const { roles, permissions } = grantOf(one, version)
  if (gate(demand.tenant !== undefined && claim.parameters?.[demand.tenant] !== facts.tenant, 403))
    return ruling
  if (gate(demand.role !== undefined && !roles.includes(demand.role), 403)) return ruling
  const wanted = demand.permissions?.(claim.parameters ?? {}) ?? []
  if (gate(!wanted.every((each) => permissions.includes(each)), 403)) return ruling
  if (gate(demand.scope !== undefined && token?.scopes.includes(demand.scope) !== true, 403)) return ruling
  if (gate(demand.strong === true && token !== null && weak(token, span), 401)) return ruling
  const id =
    token === null ? `api-key ${one.is === 'key' ? one.facts.owner : ''}` : `${token.iss} ${token.id}`
  due(id, facts.tenant ?? '', one.is === 'key' ? one.facts.limits : [])
  return allow(identityOf(one, version))

  /** What the store alone knows may be unavailable while it is away. */
  function addAway(): Ruling {
    if (claim.credentials.some((each) => asks(each))) (world.away(span) ? statuses : outage).add(503)
    return ruling
  }
}

/** Whether somebody has to ask the store about it. */
const asks = (one: Credential): boolean =>
  one.is === 'bad' ? one.asks : one.is === 'key' && one.facts.stored !== null

const fits = (one: Credential, name: string): boolean => {
  if (one.is === 'key' || (one.is === 'bad' && one.where === 'key')) return name === 'api-key'
  // All issuers of a route are one source: a token of another issuer is a bad one.
  return name.startsWith('jwt:')
}

function judge(
  one: Credential,
  client: string,
  demand: Demand,
  span: Span,
  world: World,
): { denied: Held; revoked?: Held; undecided?: boolean; unavailable?: boolean } {
  if (one.is === 'bad') return { denied: 'yes' }
  if (one.is === 'undecidable') return { denied: 'no', undecided: true }
  if (one.is === 'key') {
    const { stored, from } = one.facts
    if (from !== null && !client.startsWith(from)) return { denied: 'yes' }
    if (stored === null) return { denied: 'no' }
    const ends = stored.ended === null ? 'no' : world.held(stored.ended, span)
    return { denied: either(ends, world.lost(stored.made, span)), unavailable: true }
  }
  const { facts } = one
  if (!demand.credentials.includes(`jwt:${facts.issuer}`)) return { denied: 'yes' }
  const expired = tense((facts.exp + skewOf(facts.issuer)) * 1000, span)
  const { key } = facts
  const unknown = key !== null && span.sent < key.since + PUBLISHED ? 'maybe' : 'no'
  const left = key?.withdrawn == null || span.answered < key.withdrawn ? 'no' : 'maybe'
  const gone = left === 'maybe' && span.sent > (key?.withdrawn ?? 0) + WITHDRAWN ? 'yes' : left
  const revoked = (['subject', 'token', 'session'] as const).map((kind) => {
    const value = { subject: facts.id, token: facts.jti, session: facts.sid }[kind]
    return world.revoked(revocationOf(facts.issuer, kind, value), facts.iat, span)
  })
  return { denied: either(expired, unknown, gone), revoked: either(...revoked) }
}

const either = (...all: readonly Held[]): Held =>
  all.includes('yes') ? 'yes' : all.includes('maybe') ? 'maybe' : 'no'

/** Whether a point in time had come. */
const tense = (at: number, { sent, answered }: Span): Held =>
  answered < at ? 'no' : sent > at ? 'yes' : 'maybe'

function weak({ methods, signedIn }: TokenFacts, span: Span): Held {
  if (!methods.some((one) => one === 'otp' || one === 'hwk') || signedIn === null) return 'yes'
  return tense((signedIn + 600) * 1000, span)
}

function partitionOf(limit: LimitName, client: string, id: string, tenant: string, route: string): string {
  if (limit === 'roomy' || limit === 'open') return clientPartition(client)
  if (limit === 'tenant') return tenant
  if (limit === 'internal') return route
  return limit === 'each' || limit === 'key' ? id : `${id} ${route}`
}

/** An IPv6 client is its network of 64 bits; the soak writes all of its addresses in four groups and `::`. */
const clientPartition = (client: string): string => client.split('::')[0] ?? client

function grantOf(one: Credential, version: Version): { roles: string[]; permissions: string[] } {
  if (one.is !== 'token' && one.is !== 'key') return { roles: [], permissions: [] }
  const roles = [...new Set(one.facts.roles.flatMap((role) => HAS[role] ?? []))]
  const own = one.is === 'token' ? one.facts.permissions : []
  const news = version === 'B' && roles.includes('reader') ? ['news:read'] : []
  return { roles, permissions: [...roles.flatMap((role) => MAY[role] ?? []), ...own, ...news] }
}

function identityOf(one: Credential | null, version: Version): Identity {
  const known = one?.is === 'token' || one?.is === 'key' ? one.facts : null
  const { roles, permissions } = one === null ? { roles: [], permissions: [] } : grantOf(one, version)
  return {
    'x-auth-user': encoded(
      known === null ? '' : one?.is === 'key' ? one.facts.owner : (known as TokenFacts).id,
    ),
    'x-auth-email': encoded(known?.email ?? ''),
    'x-auth-roles': list(roles),
    'x-auth-permissions': list(permissions),
    'x-auth-tenant': encoded(known?.tenant ?? ''),
    'x-auth-method': one === null ? '' : one.is === 'token' ? `jwt:${one.facts.issuer}` : 'api-key',
  }
}

const list = (values: readonly string[]): string => [...new Set(values)].sort().map(encoded).join(',')

/** Visible ASCII but `%` and `,` stays, every other byte of UTF-8 is percent-encoded. */
const encoded = (text: string): string =>
  Array.from(Buffer.from(text), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x2c
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
