import type { PathReading } from './path.ts'
import { parameterValue } from './path.ts'
import {
  contains,
  foldPattern,
  hostPattern,
  overlaps,
  type Pattern,
  PatternTrie,
  parametersOf,
  pathPattern,
  shapeOf,
} from './pattern.ts'

/** A route's matcher, as the policy states it. */
export interface Matcher {
  /** Lower case, `:label` for a parameter; null for any host. */
  readonly host: string | null
  readonly path: string
  /** Null for all methods. */
  readonly methods: readonly string[] | null
}

/** What the table must know of a route. */
interface Selectable {
  readonly name: string
  /** Parameters on which all readings of a path must agree. */
  readonly parameters: readonly string[]
}

interface Entry<R> {
  readonly route: R
  readonly methods: ReadonlySet<string> | null
  readonly parameters: readonly string[]
}

/** A selected route with the values of its parameters, decoded to the end. */
export interface Selection<R> {
  readonly route: R
  readonly parameters: Readonly<Record<string, string>>
}

export type SelectionResult<R> =
  | { readonly ok: true; readonly selection: Selection<R> | null }
  | { readonly ok: false; readonly reading: PathReading; readonly why: string }

interface Group<R> {
  readonly exact: PatternTrie<Entry<R>>
  /** The same one, as long as no pattern has a capital. */
  folded: PatternTrie<Entry<R>>
}

interface Candidate<R> {
  readonly group: Group<R>
  readonly captures: readonly string[]
}

/** GET implies HEAD (RFC 9110 section 9.3.2). */
export function methodSet(methods: readonly string[] | null): ReadonlySet<string> | null {
  if (methods === null) return null
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
}

/** All routes, found by host, then path; methods only choose among routes of one pattern. */
export class RouteTable<R extends Selectable> {
  /** Hosts without parameters, each with all candidates from the most to the least specific. */
  readonly #literalHosts = new Map<string, readonly Candidate<R>[]>()
  readonly #hosts = new PatternTrie<Group<R>>()
  /** The routes that name no host: candidates for every request, after all that do. */
  readonly #anyHost: readonly Candidate<R>[]
  readonly #hostless: boolean
  /** Whether a pattern has a capital: then every reading must be compared with folded patterns too. */
  readonly #cased: boolean

  constructor(routes: Iterable<{ readonly route: R; readonly match: Matcher }>) {
    const groups = new Map<string | null, Group<R>>()
    const added: { readonly group: Group<R>; readonly path: Pattern; readonly entry: Entry<R> }[] = []
    // Routes mostly name their parameters alike: lists of the same names are one.
    const lists = new Map<string, readonly string[]>()
    let cased = false
    for (const { route, match } of routes) {
      let group = groups.get(match.host)
      if (group === undefined) {
        const exact = new PatternTrie<Entry<R>>()
        group = { exact, folded: exact }
        groups.set(match.host, group)
      }
      const path = pathPattern(match.path)
      const ofHost = match.host === null ? [] : parametersOf(hostPattern(match.host))
      const parameters = [...ofHost, ...parametersOf(path)]
      const list = lists.get(parameters.join('/')) ?? parameters
      lists.set(list.join('/'), list)
      const entry = { route, methods: methodSet(match.methods), parameters: list }
      group.exact.add(path, entry)
      added.push({ group, path, entry })
      cased ||= foldPattern(path) !== path
    }
    this.#cased = cased
    if (cased) {
      for (const group of groups.values()) group.folded = new PatternTrie()
      for (const { group, path, entry } of added) group.folded.add(foldPattern(path), entry)
    }
    const any = groups.get(null)
    this.#anyHost = any === undefined ? [] : [{ group: any, captures: [] }]
    this.#hostless = groups.size === this.#anyHost.length
    for (const [host, group] of groups) if (host !== null) this.#hosts.add(hostPattern(host), group)
    for (const host of groups.keys()) {
      if (host !== null && parametersOf(hostPattern(host)).length === 0) {
        this.#literalHosts.set(host, this.#candidates(host))
      }
    }
  }

  #candidates(host: string): readonly Candidate<R>[] {
    if (this.#hostless) return this.#anyHost
    const labels = host.startsWith('[') ? [host] : host.split('.')
    const found = this.#hosts
      .findAll(labels)
      .flatMap(({ stored, captures }) => stored.map((group) => ({ group, captures })))
    return [...found, ...this.#anyHost]
  }

  /**
   * The one route that every reading selects, or null when every reading selects none.
   * @param host in canonical form
   * @param readings all readings of one path, the raw one first
   */
  select(host: string, method: string, readings: readonly PathReading[]): SelectionResult<R> {
    const candidates = this.#literalHosts.get(host) ?? this.#candidates(host)
    const values = new Map<string, string>()
    const first = find(candidates, false, method, (readings[0] as PathReading).text, values)
    if (readings.length === 1 && !this.#cased) return { ok: true, selection: first }
    for (const [index, reading] of readings.entries()) {
      if (index > 0) {
        const other = find(candidates, reading.folded, method, reading.text, values)
        const why = disagreement(first, other, reading.folded)
        if (why !== null) return { ok: false, reading, why }
      }
      // What letters can be folded in is among the readings with its letters folded.
      if (this.#cased && !reading.folded && !reading.foldable) {
        const other = find(candidates, true, method, reading.text, values)
        const why = disagreement(first, other, true)
        if (why !== null)
          return {
            ok: false,
            reading: { ...reading, folded: true, how: `${reading.how}, letters folded` },
            why,
          }
      }
    }
    return { ok: true, selection: first }
  }
}

function find<R>(
  candidates: readonly Candidate<R>[],
  folded: boolean,
  method: string,
  text: string,
  values: Map<string, string>,
): Selection<R> | null {
  for (const { group, captures } of candidates) {
    const found = (folded ? group.folded : group.exact).find(text)
    if (found === null) continue
    const entry = narrowest(found.stored, method)
    if (entry === null) return null
    return { route: entry.route, parameters: named(entry.parameters, captures, found.captures, values) }
  }
  return null
}

/** Among routes of one pattern the one with the fewest methods; the policy has none that overlap otherwise. */
function narrowest<R>(entries: readonly Entry<R>[], method: string): Entry<R> | null {
  let best: Entry<R> | null = null
  for (const entry of entries) {
    if (entry.methods !== null && !entry.methods.has(method)) continue
    if (best === null || (entry.methods?.size ?? Infinity) < (best.methods?.size ?? Infinity)) best = entry
  }
  return best
}

const NO_PARAMETERS: Readonly<Record<string, string>> = Object.freeze(Object.create(null))

/** @param values of segments that other readings had in the same place, so that none is decoded twice */
function named(
  names: readonly string[],
  host: readonly string[],
  path: readonly string[],
  values: Map<string, string>,
): Readonly<Record<string, string>> {
  if (names.length === 0) return NO_PARAMETERS
  const named: Record<string, string> = Object.create(null)
  for (const [index, name] of names.entries()) {
    named[name] =
      index < host.length ? (host[index] ?? '') : parameterValue(path[index - host.length] ?? '', values)
  }
  return named
}

/** Folding changes the letters of a parameter by its nature, so only the route is compared then. */
function disagreement<R extends Selectable>(
  first: Selection<R> | null,
  other: Selection<R> | null,
  folded: boolean,
): string | null {
  if (first?.route !== other?.route) {
    const label = (selection: Selection<R> | null) =>
      selection === null ? 'no route' : `route ${selection.route.name}`
    return `${label(first)} as sent, ${label(other)} when read otherwise`
  }
  if (first === null || other === null || folded) return null
  const differs = first.route.parameters.find((name) => first.parameters[name] !== other.parameters[name])
  return differs === undefined ? null : `parameter ${differs} has more than one value`
}

/** Two routes that the policy must not hold both. */
export interface RouteConflict {
  readonly route: string
  readonly with: string
  /** `duplicate`: same pattern and method; `ambiguous`: overlap without nesting; `case`: apart in letter case only. */
  readonly kind: 'duplicate' | 'ambiguous' | 'case'
}

/** Every pair of routes for which "most specific wins" has no answer. */
export function routeConflicts(routes: readonly ({ readonly name: string } & Matcher)[]): RouteConflict[] {
  const parsed = routes.map((route) => ({
    name: route.name,
    host: route.host === null ? null : hostPattern(route.host),
    hostKey: route.host,
    path: pathPattern(route.path),
    methods: methodSet(route.methods),
  }))
  type Parsed = (typeof parsed)[number]
  const conflicts: RouteConflict[] = []
  const report = (a: Parsed, b: Parsed, kind: RouteConflict['kind']) =>
    conflicts.push({ route: b.name, with: a.name, kind })

  const byHost = Map.groupBy(parsed, (route) => route.hostKey)
  for (const group of byHost.values()) {
    const exact = new PatternTrie<Parsed>()
    const folded = new Map<string, Parsed>()
    for (const route of group) {
      for (const other of exact.overlapping(route.path)) {
        if (shapeOf(other.path) === shapeOf(route.path)) {
          const clash = methodClash(other.methods, route.methods)
          if (clash !== null) report(other, route, clash)
        } else if (!contains(other.path, route.path) && !contains(route.path, other.path))
          report(other, route, 'ambiguous')
      }
      exact.add(route.path, route)
      const key = shapeOf(foldPattern(route.path))
      const twin = folded.get(key)
      if (twin === undefined) folded.set(key, route)
      else if (shapeOf(twin.path) !== shapeOf(route.path)) report(twin, route, 'case')
    }
  }
  const hosts = new PatternTrie<Parsed[]>()
  for (const group of byHost.values()) {
    const pattern = group[0]?.host ?? null
    if (pattern === null) continue
    for (const other of hosts.overlapping(pattern)) {
      const rival = other[0]?.host as Pattern
      // Parameters under other names: the same hosts, told apart by nothing.
      const same = shapeOf(rival) === shapeOf(pattern)
      if (!same && (contains(rival, pattern) || contains(pattern, rival))) continue
      for (const one of other) {
        for (const two of group) if (overlaps(one.path, two.path)) report(one, two, 'ambiguous')
      }
    }
    hosts.add(pattern, group)
  }
  return conflicts
}

/** Methods break ties only where one set lies strictly within the other. */
function methodClash(
  a: ReadonlySet<string> | null,
  b: ReadonlySet<string> | null,
): 'duplicate' | 'ambiguous' | null {
  if (a === null || b === null) return a === b ? 'duplicate' : null
  if (a.isDisjointFrom(b)) return null
  if (a.isSubsetOf(b)) return b.isSubsetOf(a) ? 'duplicate' : null
  return b.isSubsetOf(a) ? null : 'ambiguous'
}
