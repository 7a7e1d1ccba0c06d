/** The route of a request, and conflicts among routes, beside the lists of all requests that each route matches. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RouteTable, routeConflicts } from '../../src/core/match.ts'
import { readPath } from '../../src/core/path.ts'
import { conflictOf, HOSTS, METHODS, PATHS, type Route, routeOf } from './naive-routes.ts'

const host = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      'a.x',
      'b.x',
      'a.y',
      ':o.x',
      ':o.y',
      'a.:t',
      ':o.:t',
      ':other.x',
      'x',
      ':o',
      'a.b.x',
      ':o.b.x',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('[2001:db8::1]', '10.0.0.1') },
)
const path = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', ':', ':'), { maxLength: 3 }),
    fc.boolean(),
    fc.constantFrom('', '', '/'),
  )
  .map(([parts, rest, end]) => {
    const named = parts.map((part, index) => (part === ':' ? `:p${index}` : part))
    return rest ? `/${[...named, '**'].join('/')}` : `/${named.join('/')}${named.length === 0 ? '' : end}`
  })
const methods = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ['GET'],
      ['POST'],
      ['GET', 'POST'],
      ['HEAD'],
      ['POST', 'PUT'],
      ['GET', 'HEAD'],
      ['DELETE'],
    ),
  },
)
/** Routes in any order; often several of one host and path, which only methods tell apart. */
const table = (most: number): fc.Arbitrary<Route[]> =>
  fc
    .array(fc.record({ host, path, all: fc.array(methods, { minLength: 1, maxLength: 3 }) }), {
      minLength: 1,
      maxLength: most,
    })
    .map((rows) => rows.flatMap(({ all, ...row }) => all.map((some) => ({ ...row, methods: some }))))
    .chain((rows) => fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }))
    .map((rows) => rows.map((row, index) => ({ name: `r${index}`, ...row })))

const pairs = (routes: readonly Route[]): [Route, Route][] =>
  routes.flatMap((one, index) => routes.slice(index + 1).map((other): [Route, Route] => [one, other]))

describe('routes beside the lists of their requests', { timeout: 120_000 }, () => {
  it('conflict exactly where two lists overlap and neither lies within the other', () => {
    let [some, none] = [0, 0]
    const property = fc.property(table(3), (routes) => {
      const found = routeConflicts(routes)
        .map((conflict) => `${[conflict.route, conflict.with].sort()} ${conflict.kind}`)
        .sort()
      const expected = pairs(routes)
        .map(([one, other]) => [`${one.name},${other.name}`, conflictOf(one, other)] as const)
        .filter(([, kind]) => kind !== null)
        .map(([names, kind]) => `${names} ${kind}`)
        .sort()
      expect(found).toEqual(expected)
      if (expected.length > 0) some++
      else none++
    })
    fc.assert(property, { numRuns: 4000 })
    expect(Math.min(some, none)).toBeGreaterThan(200)
  })

  it('are selected as a search through all of them does, for every request that there is', () => {
    let selected = 0
    // A table in which routes conflict cannot be had, so whoever would make one so is left out.
    const property = fc.property(table(6), (given) => {
      const routes: Route[] = []
      for (const route of given)
        if (routes.every((other) => conflictOf(other, route) === null)) routes.push(route)
      const compiled = new RouteTable(
        routes.map(({ name, ...match }) => ({ route: { name, parameters: [] }, match })),
      )
      for (const one of PATHS) {
        for (const sent of one === '' ? ['/'] : [one, `${one}/`]) {
          const judged = readPath(sent)
          if (!judged.ok) throw new Error(`${sent}: ${judged.why}`)
          for (const at of HOSTS) {
            for (const method of METHODS) {
              const found = compiled.select(at, method, judged.readings)
              const expected = routeOf(routes, at, sent, method)
              const told = found.ok
                ? found.selection && {
                    name: found.selection.route.name,
                    parameters: { ...found.selection.parameters },
                  }
                : 'ambiguous'
              if (JSON.stringify(told) !== JSON.stringify(expected))
                expect(told, `${method} ${at} ${sent}`).toEqual(expected)
              if (expected !== null) selected++
            }
          }
        }
      }
    })
    fc.assert(property, { numRuns: 20 })
    expect(selected).toBeGreaterThan(50_000)
  })

  it('that differ in capitals only conflict, and a path with other capitals than its route is refused', () => {
    const cased = fc.constantFrom('/a/**', '/A/**', '/a/b', '/A/b', '/a/B', '/:p/b', '/**')
    const property = fc.property(fc.uniqueArray(cased, { minLength: 1, maxLength: 4 }), (paths) => {
      const routes = paths.map((one) => ({ name: one, host: null, path: one, methods: null }))
      const conflicts = routeConflicts(routes)
      const folded = new Set(paths.map((one) => one.toLowerCase()))
      expect(conflicts.some(({ kind }) => kind === 'case')).toBe(folded.size < paths.length)
      if (conflicts.length > 0) return
      const compiled = new RouteTable(
        routes.map(({ name, ...match }) => ({ route: { name, parameters: [] }, match })),
      )
      for (const sent of ['/a/b', '/A/b', '/a/B', '/A/B', '/a', '/A', '/c', '/c/b', '/C/B']) {
        const judged = readPath(sent)
        if (!judged.ok) throw new Error(`${sent}: ${judged.why}`)
        const found = compiled.select('h', 'GET', judged.readings)
        const [asSent, otherwise] = [
          routeOf(routes, 'h', sent, 'GET'),
          routeOf(
            routes.map((route) => ({ ...route, path: route.path.toLowerCase() })),
            'h',
            sent.toLowerCase(),
            'GET',
          ),
        ]
        expect(found.ok ? (found.selection?.route.name ?? null) : 'ambiguous', `${paths} ${sent}`).toBe(
          asSent?.name === otherwise?.name ? (asSent?.name ?? null) : 'ambiguous',
        )
      }
    })
    fc.assert(property, { numRuns: 500 })
  })
})
