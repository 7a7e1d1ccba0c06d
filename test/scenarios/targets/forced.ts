/** Differences that several proxies and runtimes force, each by what is in the request. */
import { fails, passes, pathOf, type Row, type Seen, STRANGER } from '../scenario.ts'
import { ALICE, ERIN } from '../table/known.ts'
import type { Difference } from './target.ts'

type Concerns = Difference['concerns']

/** Somebody in front answers by itself, and nobody is asked. */
export const answersItself = (why: string, concerns: Concerns, status = 400): Difference => ({
  why,
  concerns,
  instead: () => ({ status, reason: null, judged: false, identity: null, quota: null, charged: {} }),
})

/** The request arrives without something, and is judged as what is left of it. */
const withoutIt = (why: string, concerns: Concerns): Difference => ({
  why,
  concerns,
  instead: (_, { request }) => passes(request.credentials === undefined ? STRANGER : ALICE),
})

const carries =
  (name: RegExp): Concerns =>
  ({ request: { headers = [] } }) =>
    headers.some(([each]) => name.test(each))

export const dropsAliases = (why: string): Difference => withoutIt(why, carries(/[^A-Za-z0-9-]/))
export const dropsConnection = (why: string): Difference => withoutIt(why, carries(/^connection$/i))

/** What another path is judged as. */
const JUDGED: Readonly<Record<string, Seen>> = {
  '/admin/a': fails('credential_missing', 401),
  '/docs': fails('credential_missing', 401),
  '/files/private/a': fails('credential_missing', 401),
  '/files/a': passes(STRANGER),
  '/public/a': passes(STRANGER),
}

/** Upstream and Postern get the same other path, so that it is judged as what it has become. */
export const rewrites = (why: string, rewritten: (path: string) => string): Difference => ({
  why,
  concerns: (row) => rewritten(pathOf(row)) !== pathOf(row),
  instead: (expected, row) => JUDGED[rewritten(pathOf(row))] ?? expected,
})

/** Decodes what need not be encoded (RFC 3986 section 2.3), merges slashes and resolves dot segments. */
export function tidied(path: string): string {
  const decoded = path
    .replace(/%(?:2[de]|3[0-9]|[46][1-9a-f]|[57][0-9a]|5f|7e)/gi, decodeURIComponent)
    .replace(/\/{2,}/g, '/')
  const segments: string[] = []
  for (const segment of decoded.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '.') segments.push(segment)
  }
  return segments.join('/')
}

/** What no longer is what it was, and so has more than one reading. */
export const encodes = (why: string, signs: RegExp): Difference => ({
  why,
  concerns: (row) => signs.test(pathOf(row)),
  instead: () => fails('path_ambiguous', 400),
})

export const BROKEN_ESCAPE: Concerns = (row) => /%(?![0-9a-f]{2})/i.test(pathOf(row))
export const RAW_HASH: Concerns = (row) => row.request.target.includes('#')
export const NUL: Concerns = (row) => row.request.target.includes('%00')
export const hostHolds =
  (signs: RegExp): Concerns =>
  ({ request: { host } }) =>
    host !== undefined && signs.test(host)

/** A hop that the policy trusts is the client to whoever picks the client itself. */
export const namesClient = (why: string): Difference => ({
  why,
  concerns: ({ client }: Row) => /, 173\.245\.48\.\d+$/.test(client),
  instead: () => fails('network_denied', 403),
})

/** Whoever is asked by checks sees no connection open or close. */
export const WITHOUT_SOCKETS: Difference = {
  why: 'Open WebSockets are counted by the gateway, which sees them close; elsewhere the handshake is a request like any other, and the bound is the proxy’s own.',
  concerns: ({ expected }) => expected.reason === 'connections_exceeded',
  instead: (_, { request }) => passes(request.credentials === undefined ? STRANGER : ERIN),
}

/** What the shield of a Worker holds back passes elsewhere, or is refused for what it is. */
const WITHOUT_SHIELD: Difference = {
  why: 'The shield is a binding of Workers; elsewhere it does nothing.',
  concerns: ({ expected }) => expected.reason === 'shield_exceeded',
  instead: (_, { request: { credentials = [] } }) => {
    if (credentials.includes('forged token')) return fails('credential_invalid', 401)
    return passes(credentials.length === 0 ? STRANGER : ALICE)
  },
}

/** What no runtime but Workers has. */
export const NODE_ONLY: readonly Difference[] = [WITHOUT_SHIELD, WITHOUT_SOCKETS]
