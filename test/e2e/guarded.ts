/** A policy with something to guard beside what is open, and who may have what of it, by the oracle alone. */
import { type Pattern, type Selection, selectionsOf } from './oracle.ts'

/** What each route demands, said to Postern in its policy and to the oracle's judge below. */
type Demand = 'nothing' | 'reader' | 'admin' | 'call on :server'

const ROUTES: Readonly<Record<string, { path: string; demand: Demand }>> = {
  public: { path: '/public/**', demand: 'nothing' },
  files: { path: '/files/**', demand: 'nothing' },
  private: { path: '/files/private/**', demand: 'admin' },
  account: { path: '/account', demand: 'reader' },
  settings: { path: '/account/settings/**', demand: 'admin' },
  admin: { path: '/admin/**', demand: 'admin' },
  mcp: { path: '/mcp/:server/**', demand: 'call on :server' },
}

/** On the open host everything without a route of its own is public: each unrecognised reading is a way in. */
const OPEN_HOST = { ...ROUTES, everything: { path: '/**', demand: 'nothing' as const } }

const HOSTS: Readonly<Record<string, Readonly<Record<string, { path: string; demand: Demand }>>>> = {
  'app.example.com': ROUTES,
  'open.example.com': OPEN_HOST,
}

const DEMANDS: Readonly<Record<Demand, Readonly<Record<string, unknown>>>> = {
  nothing: { credentials: ['anonymous'] },
  reader: { credentials: ['jwt:company'], require: { roles: ['reader'] } },
  admin: { credentials: ['jwt:company'], require: { roles: ['admin'] } },
  'call on :server': { credentials: ['jwt:company'], require: { permissions: ['mcp:{server}:call'] } },
}

/** A policy with something to guard beside what is open. */
export const policy = {
  roles: {
    reader: { permissions: ['docs:read'] },
    alpha: { permissions: ['mcp:alpha:call'] },
    admin: { inherits: ['reader'], permissions: ['*'] },
  },
  routes: Object.fromEntries(
    Object.entries(HOSTS).flatMap(([host, routes]) =>
      Object.entries(routes).map(([name, { path, demand }]) => [
        `${name}.${host}`,
        { match: { host, path }, ...DEMANDS[demand] },
      ]),
    ),
  ),
}

/** Who asks: the claims of a token, and what it satisfies. Nobody here is an administrator. */
export interface Caller {
  readonly name: string
  /** Null: no credential at all. */
  readonly claims: { readonly sub: string; readonly roles: readonly string[] } | null
  satisfies(demand: Demand, parameters: Readonly<Record<string, string>>): boolean
}

export const NOBODY: Caller = {
  name: 'nobody',
  claims: null,
  satisfies: (demand) => demand === 'nothing',
}
export const READER: Caller = {
  name: 'a reader',
  claims: { sub: 'reader', roles: ['reader'] },
  satisfies: (demand) => demand === 'nothing' || demand === 'reader',
}
export const ALPHA: Caller = {
  name: 'a caller of alpha',
  claims: { sub: 'alpha', roles: ['alpha'] },
  satisfies: (demand, { server }) =>
    // Folding letters folds the parameter by its nature.
    demand === 'nothing' || (demand === 'call on :server' && server?.toLowerCase() === 'alpha'),
}

/** What odd targets are built around. */
export const LITERALS = {
  open: ['/public/a', '/public', '/files/a', '/files', '/mcp/alpha/call', '/account'],
  guarded: [
    '/admin/users',
    '/admin',
    '/files/private/a',
    '/account/settings',
    '/mcp/beta/call',
    '/account',
    '/mcp/alpha/call',
  ],
}

/** Host of a request as a policy means it. */
export const hostOf = (text: string): string => text.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')

/** The reading under which a target that this caller got through should not have passed; null when there is none. */
export function breach(target: string, host: string, caller: Caller): Selection | null {
  const routes = HOSTS[host]
  const path = target.split('?')[0] ?? ''
  if (routes === undefined)
    return { reading: { how: 'its host', path, folded: false }, route: null, parameters: {} }
  const patterns: Pattern[] = Object.entries(routes).map(([route, pattern]) => ({
    route,
    path: pattern.path,
  }))
  const unlawful = ({ route, parameters }: Selection) => {
    const demand = route === null ? null : routes[route]?.demand
    return demand == null || !caller.satisfies(demand, parameters)
  }
  return selectionsOf(patterns, path).find(unlawful) ?? null
}
