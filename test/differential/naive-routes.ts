/**
 * Routes as the sets of requests that they match: every request over a small alphabet, one by one. Written from the
 * rules in docs/policy.md to be compared with src/core/match.ts, of which it imports nothing.
 */

export interface Route {
  readonly name: string
  readonly host: string | null
  readonly path: string
  readonly methods: readonly string[] | null
}

export const LABELS = { first: ['a', 'b', 'c'], last: ['x', 'y', 'z'] } as const
export const HOSTS: readonly string[] = [
  ...LABELS.first.flatMap((first) => LABELS.last.map((last) => `${first}.${last}`)),
  ...['x', 'a', 'z', 'a.b.x', 'c.b.x', 'b.a.y', '[2001:db8::1]', '10.0.0.1'],
]
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] as const
const SEGMENTS = ['a', 'b', 'c'] as const
const DEEPEST = 4

/** Every path of up to four segments. */
export const PATHS: readonly string[] = pathsBelow('', DEEPEST)

function pathsBelow(path: string, levels: number): string[] {
  if (levels === 0) return [path]
  return [path, ...SEGMENTS.flatMap((one) => pathsBelow(`${path}/${one}`, levels - 1))]
}

/** Some with capitals, which patterns with capitals are told apart by. */
const CASED = ['/A', '/A/b', '/A/c', '/A/b/c', '/a/B', '/A/B', '/c/B', '/C/b']

/** What the parameters took where all parts match; null where they do not. */
function taken(pattern: readonly string[], given: readonly string[]): readonly [string, string][] | null {
  const rest = pattern.at(-1) === '**'
  const fixed = rest ? pattern.slice(0, -1) : pattern
  if (rest ? given.length < fixed.length : given.length !== fixed.length) return null
  const parameters: [string, string][] = []
  for (const [index, part] of fixed.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith(':')) parameters.push([part.slice(1), value])
    else if (part !== value) return null
  }
  return parameters
}

const segments = (path: string): string[] => path.split('/').filter((part) => part !== '')
const labels = (host: string): string[] => (host.startsWith('[') ? [host] : host.split('.'))

const ofPath = (route: Route, path: string) => taken(segments(route.path), segments(path))
const ofHost = (route: Route, host: string) =>
  route.host === null ? [] : taken(labels(route.host), labels(host))

const cached =
  (make: (route: Route) => Iterable<string>, keyOf: (route: Route) => string) =>
  (known: Map<string, ReadonlySet<string>> = new Map()) =>
  (route: Route): ReadonlySet<string> => {
    const set = known.get(keyOf(route)) ?? new Set(make(route))
    known.set(keyOf(route), set)
    return set
  }

const pathsOf = cached(
  (route) => [...PATHS, ...CASED].filter((path) => ofPath(route, path) !== null),
  ({ path }) => path,
)()
const hostsOf = cached(
  (route) => HOSTS.filter((host) => ofHost(route, host) !== null),
  ({ host }) => String(host),
)()
/** GET implies HEAD; none named means all. */
const methodsOf = cached(
  ({ methods }) => (methods === null ? METHODS : methods.includes('GET') ? [...methods, 'HEAD'] : methods),
  ({ methods }) => String(methods),
)()

const same = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.isSubsetOf(b) && b.isSubsetOf(a)
const nested = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.isSubsetOf(b) || b.isSubsetOf(a)

/** Why two routes must not stand in one policy; null where they may. */
export function conflictOf(a: Route, b: Route): 'duplicate' | 'ambiguous' | null {
  if (hostsOf(a).isDisjointFrom(hostsOf(b)) || pathsOf(a).isDisjointFrom(pathsOf(b))) return null
  if (a.host !== b.host) {
    // Of two hosts one lies strictly within the other, or nobody can say which is meant.
    const strictly = nested(hostsOf(a), hostsOf(b)) && !same(hostsOf(a), hostsOf(b))
    return strictly || a.host === null || b.host === null ? null : 'ambiguous'
  }
  if (!same(pathsOf(a), pathsOf(b))) return nested(pathsOf(a), pathsOf(b)) ? null : 'ambiguous'
  if (a.methods === null && b.methods === null) return 'duplicate'
  if (a.methods === null || b.methods === null) return null
  const [one, other] = [methodsOf(a), methodsOf(b)]
  if (one.isDisjointFrom(other)) return null
  if (same(one, other)) return 'duplicate'
  return nested(one, other) ? null : 'ambiguous'
}

const smallest = (routes: readonly Route[], size: (route: Route) => number): Route[] => {
  const least = Math.min(...routes.map(size))
  return routes.filter((route) => size(route) === least)
}

/** The route of one request, for routes without conflicts, with its parameters; null for none. */
export function routeOf(
  routes: readonly Route[],
  host: string,
  path: string,
  method: string,
): { readonly name: string; readonly parameters: Readonly<Record<string, string>> } | null {
  // Host, then path decides; only among routes of one host and one path do methods.
  const matching = routes.filter((route) => ofHost(route, host) !== null && ofPath(route, path) !== null)
  const byHost = smallest(matching, (route) => (route.host === null ? Infinity : hostsOf(route).size))
  const byPath = smallest(byHost, (route) => pathsOf(route).size)
  const allowed = byPath.filter((route) => methodsOf(route).has(method))
  const [best] = smallest(allowed, (route) => (route.methods === null ? Infinity : methodsOf(route).size))
  if (best === undefined) return null
  const parameters = Object.fromEntries([...(ofHost(best, host) ?? []), ...(ofPath(best, path) ?? [])])
  return { name: best.name, parameters }
}
