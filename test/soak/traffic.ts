/** What clients send: honest requests, and hostile ones of the attack classes, each with what its maker knows of it. */
import { type Dice, oddTargets } from '../e2e/targets.ts'
import { type Line, requestBytes } from '../e2e/wire.ts'
import type { Bad } from './hostile.ts'
import type { Claim, Credential, RouteName } from './oracle.ts'
import type { People } from './people.ts'
import type { Ban } from './world.ts'

/** A request to be sent. */
export interface Order {
  /** Unique in a run; the last segment of the path where a record is expected. */
  readonly nonce: string
  /** The class that figures and violations name. */
  readonly kind: string
  readonly claim: Claim
  readonly method: string
  readonly host: string
  readonly target: string
  /** Whether it comes through the balancer, which says for whom, or from an address of its own. */
  readonly via: 'balancer' | 'direct'
  readonly lines: readonly Line[]
  readonly body?: string
  /** Whether Postern must have written a record in which the path ends with the nonce. */
  readonly recorded: boolean
  /** What reaches the upstream is judged by all readings of its target instead of by the route that was meant. */
  readonly odd: boolean
}

export const bytesOf = ({ method, host, target, lines, body }: Order): string =>
  requestBytes(target, { method, host, headers: lines, ...(body === undefined ? {} : { body }) })

const APP = 'app.example.com'

/** What one class says of its request; the rest is usual. */
interface Draft {
  readonly route: RouteName | null
  /** Without the nonce, which follows as a segment. */
  readonly path: string
  readonly client?: string
  readonly method?: string
  readonly host?: string
  /** Header lines that present the credentials, and further ones. */
  readonly lines?: readonly Line[]
  readonly more?: readonly Line[]
  readonly credentials?: readonly Credential[]
  readonly parameters?: Readonly<Record<string, string>>
  readonly part?: Partial<Claim>
  readonly direct?: boolean
  /** The target as it is, with no nonce in it. */
  readonly bare?: boolean
  readonly query?: string
  readonly recorded?: boolean
  readonly odd?: boolean
  /** Addresses that the client claims to have come from, before its own. */
  readonly pretends?: string
}

/** What classes draw from. */
export interface Source {
  readonly people: People
  readonly tokens: readonly Bad[]
  readonly keys: readonly Bad[]
  /** Networks that the operator has banned, newest last, as the beginning of an address. */
  readonly banned: readonly { readonly network: string; readonly ban: Ban }[]
}

type Make = (dice: Dice, source: Source) => Draft

const honest = (dice: Dice): string => `10.1.${dice.below(4)}.${1 + dice.below(50)}`
const elsewhere = (dice: Dice): string => `10.5.${dice.below(4)}.${1 + dice.below(50)}`
const stranger = (dice: Dice): string => `10.7.${dice.below(4)}.${1 + dice.below(100)}`
const userPath = (dice: Dice): { path: string; parameters: Record<string, string> } => {
  const id = `u${dice.below(500)}`
  return { path: `/users/${id}`, parameters: { id } }
}

/** Credentials as header lines and as the oracle is told of them. */
const presenting = (...all: readonly { readonly line: Line; readonly credential: Credential }[]) => ({
  lines: all.map(({ line }) => line),
  credentials: all.map(({ credential }) => credential),
})

const bad = (one: Bad, where: 'token' | 'key'): { line: Line; credential: Credential } => ({
  line: where === 'token' ? ['Authorization', `Bearer ${one.text}`] : ['X-API-Key', one.text],
  credential: { is: 'bad', where, asks: one.asks },
})

const keyOrBot = (dice: Dice, { people }: Source) =>
  (dice.chance(70) ? people.storedKey(dice) : null) ?? people.policyKey('bot')

/** Classes by how often they come; honest ones first. */
const CLASSES: Readonly<Record<string, readonly [weight: number, make: Make]>> = {
  'public path': [8, () => ({ route: 'public', path: '/public/a/b%2Fc' })],
  'public path, other methods': [
    2,
    (dice) => ({ route: 'public', path: '/public/m', method: dice.pick(['POST', 'PUT', 'DELETE', 'HEAD']) }),
  ],
  health: [1, () => ({ route: 'health', path: '/health', bare: true })],
  'health with a method that it does not have': [
    1,
    () => ({ route: null, path: '/health', bare: true, method: 'POST' }),
  ],
  'limit by client': [
    6,
    (dice) => ({ route: 'open', path: '/open/x', client: `10.1.4.${1 + dice.below(6)}` }),
  ],
  'limit by IPv6 network': [
    2,
    (dice) => ({
      route: 'open',
      path: '/open/six',
      client: `2001:db8:${1 + dice.below(2)}:${1 + dice.below(2)}::${1 + dice.below(9999)}`,
    }),
  ],
  'limit by client, direct': [2, () => ({ route: 'open', path: '/open/direct', direct: true })],
  'token and role': [
    12,
    (dice, { people }) => ({
      route: 'users',
      ...userPath(dice),
      ...presenting(people.tokenOf(people.some(dice, 'rs'))),
    }),
  ],
  'token, another form of the host': [
    2,
    (dice, { people }) => ({
      route: 'users',
      ...userPath(dice),
      host: dice.pick(['APP.Example.com', 'app.example.com.', 'app.example.com:8080']),
      ...presenting(people.tokenOf(people.some(dice, 'rs'))),
    }),
  ],
  admin: [
    5,
    (dice, { people }) => ({
      route: 'admin',
      path: '/admin/panel',
      ...presenting(people.tokenOf(people.some(dice, 'rs', dice.chance(70) ? 'admin' : 'user'))),
    }),
  ],
  'admin from elsewhere': [
    2,
    (dice, { people }) => ({
      route: 'admin',
      path: '/admin/panel',
      client: dice.chance(50) ? elsewhere(dice) : `10.1.9.${1 + dice.below(50)}`,
      ...presenting(people.tokenOf(people.some(dice, 'rs', 'admin'))),
    }),
  ],
  'permission with a parameter': [
    8,
    (dice, { people }) => {
      const server = dice.pick(['github', 'github', 'github', 'gitlab'])
      const who = dice.chance(50) ? people.tokenOf(people.some(dice, 'rs')) : people.policyKey('bot')
      return { route: 'mcp', path: `/mcp/${server}/tool`, parameters: { server }, ...presenting(who) }
    },
  ],
  'scope and tenant': [
    5,
    (dice, { people }) => {
      const person = people.some(dice, 'es')
      const org = dice.chance(85) ? person.tenant : 'other'
      return {
        route: 'search',
        path: '/search/q',
        host: `${org}.example.com`,
        parameters: { org },
        method: dice.pick(['GET', 'POST']),
        ...presenting(people.tokenOf(person)),
      }
    },
  ],
  'second factor': [
    5,
    (dice, { people }) => ({
      route: 'vault',
      path: '/vault/door',
      ...presenting(people.tokenOf(people.some(dice, 'ed'))),
    }),
  ],
  'shared secret': [
    4,
    (dice, { people }) => {
      const origin = dice.pick([undefined, 'https://app.example.com', 'https://evil.example'])
      const who = presenting(people.tokenOf(people.some(dice, 'hs')))
      const lines: readonly Line[] = origin === undefined ? who.lines : [...who.lines, ['Origin', origin]]
      const part = origin === undefined ? {} : { part: { origin } }
      return { route: 'internal', path: '/internal/job', ...who, lines, ...part }
    },
  ],
  preflight: [
    2,
    () => ({
      route: 'internal',
      path: '/internal/job',
      method: 'OPTIONS',
      lines: [
        ['Origin', 'https://app.example.com'],
        ['Access-Control-Request-Method', 'POST'],
      ],
      part: { preflight: true, origin: 'https://app.example.com' },
    }),
  ],
  'key, nothing charged': [
    6,
    (dice, s) => ({ route: 'keys', path: '/keys/k', ...presenting(keyOrBot(dice, s)) }),
  ],
  'key, charged': [6, (dice, s) => ({ route: 'keyed', path: '/keyed/k', ...presenting(keyOrBot(dice, s)) })],
  'key with a network': [
    2,
    (dice, { people }) => ({
      route: 'keys',
      path: '/keys/near',
      client: dice.chance(50) ? honest(dice) : elsewhere(dice),
      ...presenting(people.policyKey('near')),
    }),
  ],
  'issuer that cannot be reached': [
    1,
    (_, { people }) => {
      const claims = { iss: 'https://gone.example', aud: 'app', sub: 'x', exp: 4_000_000_000 }
      const text = people.foreign(claims)
      return {
        route: 'gone',
        path: '/gone/x',
        lines: [['Authorization', `Bearer ${text}`]],
        credentials: [{ is: 'undecidable' }],
      }
    },
  ],
  'route that reloads change': [
    4,
    (dice, { people }) => ({
      route: 'changing',
      path: '/changing/x',
      ...(dice.chance(50) ? presenting(people.tokenOf(people.some(dice, 'rs', 'admin'))) : {}),
    }),
  ],
  'client that the operator has banned': [
    3,
    (dice, { banned, people }) => {
      const found = banned.length === 0 ? undefined : dice.pick(banned)
      return {
        route: 'users',
        ...userPath(dice),
        client: `${found?.network ?? '10.66.255.'}${1 + dice.below(250)}`,
        ...presenting(people.tokenOf(people.some(dice, 'rs', 'user'))),
        part: { bans: found === undefined ? [] : [found.ban] },
      }
    },
  ],

  'no credential': [
    4,
    (dice) => ({
      ...dice.pick<Draft>([
        { route: 'users', path: '/users/1' },
        { route: 'keys', path: '/keys/x' },
        { route: 'vault', path: '/vault/x' },
      ]),
      client: stranger(dice),
    }),
  ],
  'no route': [
    3,
    (dice) => ({
      ...dice.pick<Draft>([
        { route: null, path: '/nowhere' },
        { route: null, path: '/admin', host: 'other.example.net' },
        { route: null, path: '/search/q', host: 'acme.example.com', method: 'DELETE' },
      ]),
      client: stranger(dice),
    }),
  ],
  'bad token': [
    8,
    (dice, { tokens }) => ({
      route: 'users',
      ...userPath(dice),
      client: stranger(dice),
      ...presenting(bad(dice.pick(tokens), 'token')),
    }),
  ],
  'bad key': [
    6,
    (dice, { keys }) => ({
      route: dice.pick(['keys', 'keyed']),
      path: '/',
      client: stranger(dice),
      ...presenting(bad(dice.pick(keys), 'key')),
    }),
  ],
  'expired key': [
    1,
    (dice, { people }) => ({
      route: 'keys',
      path: '/keys/old',
      client: stranger(dice),
      ...presenting(people.policyKey('old')),
    }),
  ],
  'good token of another issuer': [
    2,
    (dice, { people }) => ({
      route: 'users',
      ...userPath(dice),
      ...presenting(people.tokenOf(people.some(dice, dice.pick(['es', 'ed', 'hs'])))),
    }),
  ],
  'good token and bad key': [
    2,
    (dice, { people, keys }) => ({
      route: 'mcp',
      path: '/mcp/github/x',
      parameters: { server: 'github' },
      client: stranger(dice),
      ...presenting(people.tokenOf(people.some(dice, 'rs', 'user')), bad(dice.pick(keys), 'key')),
    }),
  ],
  'good token and good key': [
    1,
    (dice, { people }) => ({
      route: 'mcp',
      path: '/mcp/github/x',
      parameters: { server: 'github' },
      ...presenting(people.tokenOf(people.some(dice, 'rs', 'user')), people.policyKey('bot')),
    }),
  ],
  'one token twice': [
    2,
    (dice, { people }) => {
      const { lines } = presenting(people.tokenOf(people.some(dice, 'rs', 'user')))
      return { route: 'users', ...userPath(dice), lines: [...lines, ...lines], part: { settled: [400] } }
    },
  ],
  'one key twice': [
    1,
    (_, { people }) => {
      const { lines } = presenting(people.policyKey('bot'))
      return { route: 'keys', path: '/keys/x', lines: [...lines, ...lines], part: { settled: [400] } }
    },
  ],
  'forged identity': [
    6,
    (dice, { people }) => ({
      ...(dice.chance(50)
        ? { route: 'public' as const, path: '/public/x' }
        : {
            route: 'users' as const,
            ...userPath(dice),
            ...presenting(people.tokenOf(people.some(dice, 'rs', 'user'))),
          }),
      more: FORGED.filter(() => dice.chance(40)),
    }),
  ],
  'forged identity without a credential': [
    3,
    (dice) => ({ route: 'users', ...userPath(dice), client: stranger(dice), more: FORGED }),
  ],
  'forged address through the balancer': [
    3,
    (dice, { people }) => ({
      route: 'admin',
      path: '/admin/x',
      client: elsewhere(dice),
      pretends: dice.pick(['10.1.0.1', '127.0.0.1', '10.1.0.1, 10.1.0.2', '127.0.9.9']),
      ...presenting(people.tokenOf(people.some(dice, 'rs', 'admin'))),
    }),
  ],
  'forged address from a stranger': [
    3,
    () => ({
      route: 'open',
      path: '/open/forged',
      direct: true,
      more: [
        ['X-Forwarded-For', '10.1.0.1'],
        ['X-Real-Ip', '10.1.0.1'],
        ['Forwarded', 'for=10.1.0.1'],
        ['X-Forwarded-Uri', '/public/x'],
        ['X-Forwarded-Method', 'OPTIONS'],
        ['X-Forwarded-Host', 'other.example.com'],
      ],
    }),
  ],
  'another path in a header': [
    3,
    (dice) => ({
      route: 'users',
      ...userPath(dice),
      client: stranger(dice),
      query: '?x=/public/a',
      more: [
        ['X-Forwarded-Uri', '/public/a'],
        ['X-Original-URL', '/public/a'],
        ['X-Rewrite-URL', '/public/a'],
        ['X-HTTP-Method-Override', 'OPTIONS'],
      ],
    }),
  ],
  'false preflight': [
    2,
    (dice) => ({
      route: 'internal',
      path: '/internal/job',
      client: stranger(dice),
      ...dice.pick<Partial<Draft>>([
        { method: 'OPTIONS' },
        { method: 'POST', more: [['Access-Control-Request-Method', 'POST']] },
      ]),
    }),
  ],
  'odd path': [
    8,
    (dice) => ({
      route: null,
      path: dice.pick(oddTargets(dice, { open: ['/public/a', '/public'], guarded: GUARDED }, 1)),
      bare: true,
      recorded: false,
      odd: true,
      client: stranger(dice),
      part: { settled: [200, 400, 401, 403, 404, 405, 503] },
    }),
  ],
  'header larger than any': [
    1,
    (dice) => ({
      route: 'public',
      path: '/public/x',
      recorded: false,
      client: stranger(dice),
      more: [['X-Junk', 'x'.repeat(80_000)]],
      part: { settled: [431] },
    }),
  ],
  'many headers': [
    1,
    (dice) => ({
      route: 'users',
      path: '/users/many',
      client: stranger(dice),
      more: Array.from({ length: 100 }, (_, index): Line => [`X-Many-${index}`, 'x']),
    }),
  ],
}

const GUARDED = ['/admin/x', '/users/1/x', '/vault/x', '/keys/x', '/internal/x']

/** What clients write who would like to be somebody else. */
const FORGED: readonly Line[] = [
  ['X-Auth-User', 'root'],
  ['x-auth-roles', 'admin'],
  ['X-Auth-Permissions', '*'],
  ['X-Auth-Tenant', 'acme'],
  ['X-Auth-Method', 'jwt:rs'],
  ['X-Auth-Email', 'root@example.com'],
  ['X_Auth_User', 'root'],
  ['X.Auth.User', 'root'],
  ['X-Auth_Roles', 'admin'],
  ['X-Forwarded-User', 'root'],
  ['Remote-User', 'root'],
  ['X-Postern-Status', '200'],
  ['X-Postern-Secret', 'guessed-guessed-guessed'],
  ['X-Original-URL', '/public/x'],
]

const NAMES = Object.keys(CLASSES)
const WHEEL: readonly string[] = NAMES.flatMap((name) => Array<string>(CLASSES[name]?.[0] ?? 0).fill(name))

/** Draws requests. */
export class Traffic {
  readonly source: Source
  #sent = 0

  constructor(source: Source) {
    this.source = source
  }

  /** @param own the address that requests have which do not come through the balancer */
  next(dice: Dice, own: string, usable: (kind: string) => boolean = () => true): Order {
    let kind = dice.pick(WHEEL)
    while (!usable(kind)) kind = dice.pick(WHEEL)
    const [, make] = CLASSES[kind] as readonly [number, Make]
    return this.make(kind, make(dice, this.source), dice, own)
  }

  /** One request with a bad token from that client. */
  guess(dice: Dice, client: string, settled: readonly number[], own: string): Order {
    const guesses = this.source.tokens.filter(({ guess }) => guess)
    const presented = presenting(bad(dice.pick(guesses), 'token'))
    const draft: Draft = { route: 'users', ...userPath(dice), client, ...presented, part: { settled } }
    return this.make('guess until banned', draft, dice, own)
  }

  /** A good token from a client that must be banned. */
  banned(dice: Dice, client: string, own: string): Order {
    const { people } = this.source
    const presented = presenting(people.tokenOf(people.some(dice, 'rs', 'user')))
    const draft: Draft = { route: 'users', ...userPath(dice), client, ...presented, part: { settled: [403] } }
    return this.make('good token of a client that guessed', draft, dice, own)
  }

  make(kind: string, draft: Draft, dice: Dice, own: string): Order {
    const nonce = `n${++this.#sent}`
    const { route, path, bare = false, direct = false, odd = false, query = '', method = 'GET' } = draft
    const client = direct ? own : (draft.client ?? honest(dice))
    const chain = draft.pretends === undefined ? client : `${draft.pretends}, ${client}`
    const through: readonly Line[] = direct ? [] : [['X-Forwarded-For', chain]]
    const body = method === 'POST' || method === 'PUT' ? '{"some":"body"}' : undefined
    // A key's class says no more of its path than that of its route.
    const base = path === '/' ? `/${route}/x` : path
    return {
      nonce,
      kind,
      claim: {
        client,
        route,
        credentials: draft.credentials ?? [],
        ...(draft.parameters === undefined ? {} : { parameters: draft.parameters }),
        ...draft.part,
      },
      method,
      host: draft.host ?? APP,
      target: bare ? path : `${base}/${nonce}${query}`,
      via: direct ? 'direct' : 'balancer',
      lines: [['X-Soak', nonce], ...through, ...(draft.lines ?? []), ...(draft.more ?? [])],
      ...(body === undefined ? {} : { body }),
      recorded: !bare && (draft.recorded ?? true),
      odd,
    }
  }
}

/** Every class of requests, for a report that shows which of them a run had. */
export const KINDS: readonly string[] = [
  ...NAMES,
  'guess until banned',
  'good token of a client that guessed',
]
