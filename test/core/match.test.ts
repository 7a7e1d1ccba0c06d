import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Matcher, RouteTable, routeConflicts } from '../../src/core/match.ts'
import { readPath } from '../../src/core/path.ts'

type Row = { name: string; host?: string; path: string; methods?: string[]; parameters?: string[] }

const matcher = ({ host = undefined, path, methods }: Row): Matcher => ({
  host: host ?? null,
  path,
  methods: methods ?? null,
})

const table = (...rows: Row[]) =>
  new RouteTable(
    rows.map((row) => ({ route: { name: row.name, parameters: row.parameters ?? [] }, match: matcher(row) })),
  )

/** The route's name, null for none, the reason for a refusal. */
function select(routes: ReturnType<typeof table>, path: string, host = 'a.example', method = 'GET') {
  const judged = readPath(path)
  if (!judged.ok) return judged.reason
  const result = routes.select(host, method, judged.readings)
  if (!result.ok) return 'path_ambiguous'
  return result.selection?.route.name ?? null
}

const publicAndAdmin = table({ name: 'public', path: '/public/**' }, { name: 'admin', path: '/admin/**' })

describe('selecting a route', () => {
  it.each([
    ['/x', 'x'],
    ['/x/', 'x'],
    ['/x/y/z', 'x'],
    ['/xy', null],
    ['/', null],
  ])('lets /x/** own /x, /x/ and all below: %s', (path, expected) =>
    expect(select(table({ name: 'x', path: '/x/**' }), path)).toBe(expected),
  )

  it('prefers a literal to a parameter and a parameter to a rest, wherever they stand in the file', () => {
    const rows: Row[] = [
      { name: 'rest', path: '/a/**' },
      { name: 'parameter', path: '/a/:id' },
      { name: 'literal', path: '/a/b' },
      { name: 'deeper', path: '/a/:id/c' },
    ]
    for (const order of [rows, rows.toReversed()]) {
      const routes = table(...order)
      expect(select(routes, '/a/b')).toBe('literal')
      expect(select(routes, '/a/z')).toBe('parameter')
      expect(select(routes, '/a/b/c')).toBe('deeper')
      expect(select(routes, '/a/b/d')).toBe('rest')
      expect(select(routes, '/a')).toBe('rest')
    }
  })

  it('lets the host decide before the path, and falls back to any host only where no path fits', () => {
    const routes = table(
      { name: 'any', path: '/admin/**' },
      { name: 'tenant', host: ':org.example', path: '/**' },
      { name: 'own', host: 'a.example', path: '/own' },
    )
    expect(select(routes, '/admin/x', 'a.example')).toBe('tenant')
    expect(select(routes, '/own', 'a.example')).toBe('own')
    expect(select(routes, '/own', 'b.example')).toBe('tenant')
    expect(select(routes, '/admin/x', 'elsewhere')).toBe('any')
    expect(select(routes, '/own', 'x.y.example')).toBe(null)
  })

  it('never falls back to a wider pattern because of the method', () => {
    const routes = table({ name: 'read', path: '/admin/**', methods: ['GET'] }, { name: 'all', path: '/**' })
    expect(select(routes, '/admin/x')).toBe('read')
    expect(select(routes, '/admin/x', 'a.example', 'DELETE')).toBe(null)
  })

  it('lets methods choose among routes of one pattern, the fewest first, in whatever order, and GET imply HEAD', () => {
    const rows: Row[] = [
      { name: 'all', path: '/a' },
      { name: 'read', path: '/a', methods: ['GET', 'OPTIONS'] },
      { name: 'options', path: '/a', methods: ['OPTIONS'] },
    ]
    for (const order of [
      rows,
      rows.toReversed(),
      [rows[1], rows[0], rows[2]] as Row[],
      [rows[2], rows[0], rows[1]] as Row[],
    ]) {
      const routes = table(...order)
      expect(select(routes, '/a', 'h', 'GET')).toBe('read')
      expect(select(routes, '/a', 'h', 'HEAD')).toBe('read')
      expect(select(routes, '/a', 'h', 'OPTIONS')).toBe('options')
      expect(select(routes, '/a', 'h', 'POST')).toBe('all')
    }
  })

  it('says which reading of a path leads elsewhere, and where', () => {
    const told = (routes: ReturnType<typeof table>, path: string) => {
      const judged = readPath(path)
      if (!judged.ok) throw new Error(judged.why)
      const result = routes.select('a.example', 'GET', judged.readings)
      return result.ok ? null : [result.reading.text, result.reading.folded, result.reading.how, result.why]
    }
    const cased = table({ name: 'users', path: '/Users/**' })
    expect(told(cased, '/Users/x')).toBeNull()
    expect(told(cased, '/users/x')).toEqual([
      ...['/users/x', true, 'as sent, letters folded', 'no route as sent, route users when read otherwise'],
    ])
    expect(told(table({ name: 'users', path: '/users/**' }), '/USERS/x')).toEqual([
      ...['/users/x', true, 'letters folded', 'no route as sent, route users when read otherwise'],
    ])
    expect(told(publicAndAdmin, '/public/a%2Fb')).toBeNull()
    expect(told(publicAndAdmin, '/admin;x')).toEqual([
      ...['/admin', false, 'parameters stripped', 'no route as sent, route admin when read otherwise'],
    ])
    const server = table({ name: 'r', path: '/mcp/:server/**', parameters: ['server'] })
    expect(told(server, '/mcp/a;x/y')?.[3]).toBe('parameter server has more than one value')
    // Folding changes the letters of a parameter by its nature.
    const casedServer = table({ name: 'r', path: '/Mcp/:server/**', parameters: ['server'] })
    expect(told(casedServer, '/Mcp/GitHub/y')).toBeNull()
  })

  it('P01 refuses every path whose readings differ, and never lets it slip to the lenient route', () => {
    for (const path of [
      '/public%2f..%2fadmin',
      '/admin%2fx',
      '/public%5cx',
      '/ADMIN/x',
      '/PUBLIC',
      '/%61dmin/x',
      '/%2561dmin/x',
      '/admin;x',
      '/admin%3fx',
      '/admin%23',
      '/admin.',
      '/admin%20/x',
      '/adm%C2%ADin/x',
      '/publi%EF%BD%83/x',
    ]) {
      expect(select(publicAndAdmin, path), path).toMatch(/^path_/)
    }
  })

  it('passes odd characters where one route owns every reading', () => {
    const routes = table({ name: 'files', path: '/files/**' }, { name: 'root', path: '/**' })
    for (const path of [
      '/files/a%2Fb',
      '/files/100%25',
      '/files/x;v=1',
      '/files//a',
      '/files/READ.me',
      '/files/a%20b',
      '/files/caf%C3%A9',
      '/files/a%3Fb',
      '/files/x.',
      '/files/%5Cserver',
    ]) {
      expect(select(routes, path), path).toBe('files')
    }
    for (const path of ['/a%2Fb', '/100%25', '/x;v=1', '/wiki//a'])
      expect(select(routes, path), path).toBe('root')
  })

  it('compares plain paths with folded patterns too when a pattern has a capital', () => {
    const routes = table({ name: 'users', path: '/Users/**' }, { name: 'root', path: '/**' })
    expect(select(routes, '/Users/x')).toBe('users')
    expect(select(routes, '/users/x')).toBe('path_ambiguous')
    expect(select(routes, '/other')).toBe('root')
  })

  it('demands one value of a parameter that the route uses, and lets another one differ', () => {
    const used = table({ name: 'r', path: '/mcp/:server/**', parameters: ['server'] })
    const unused = table({ name: 'r', path: '/mcp/:server/**' })
    for (const path of ['/mcp/a;x/y', '/mcp/a%2Fb/y', '/mcp/a./y']) {
      expect(select(used, path), path).toBe('path_ambiguous')
      expect(select(unused, path), path).toBe('r')
    }
    expect(select(used, '/mcp/GitHub/y')).toBe('r')
    expect(select(used, '/mcp/a%20b/y')).toBe('r')
  })

  it('hands parameters over decoded to the end', () => {
    const routes = table({ name: 'r', host: ':org.example', path: '/:a/:b' })
    const judged = readPath('/x%2541/caf%C3%A9')
    if (!judged.ok) throw new Error(judged.why)
    const result = routes.select('acme.example', 'GET', judged.readings)
    expect(result.ok && { ...result.selection?.parameters }).toEqual({ org: 'acme', a: 'xA', b: 'café' })
  })

  it('finds a route in time that does not depend on how many there are', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ name: `r${i}`, path: `/s${i}/:id/x` }))
    const routes = table(...rows)
    expect(select(routes, '/s9999/7/x')).toBe('r9999')
    expect(select(routes, '/s0/7/y')).toBe(null)
  })

  it('finds what a search through all patterns finds', () => {
    const segment = fc.constantFrom('a', 'b', ':p')
    const pattern = fc
      .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
      .map(
        ([parts, rest]) =>
          `/${[...parts.map((part, i) => (part === ':p' ? `:p${i}` : part)), ...(rest ? ['**'] : [])].join('/')}`,
      )
    const path = fc
      .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 })
      .map((parts) => `/${parts.join('/')}`)
    fc.assert(
      fc.property(
        fc.uniqueArray(pattern, { maxLength: 6 }),
        fc.array(path, { minLength: 1, maxLength: 10 }),
        (patterns, paths) => {
          const rows = patterns.map((one) => ({ name: one, path: one }))
          const list = rows.map((row) => ({ name: row.name, ...matcher(row) }))
          if (routeConflicts(list).length > 0) return
          for (const one of paths) {
            const matching = patterns.filter((candidate) => regexOf(candidate).test(one))
            const innermost = matching.find((inner) =>
              matching.every((outer) => outer === inner || wider(outer, inner)),
            )
            expect(select(table(...rows), one)).toBe(innermost ?? null)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

const regexOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/\/\*\*$/, '(?:/.*)?').replace(/:p\d/g, '[^/]+')}/?$`)

/** Whether every path over a small alphabet that `inner` matches is matched by `outer`. */
function wider(outer: string, inner: string): boolean {
  const letters = ['a', 'b', 'c']
  let paths = ['']
  for (let depth = 0; depth < 5; depth++) {
    for (const one of paths) {
      if (regexOf(inner).test(one || '/') && !regexOf(outer).test(one || '/')) return false
    }
    paths = paths.flatMap((one) => letters.map((letter) => `${one}/${letter}`))
  }
  return true
}

describe('conflicts among routes', () => {
  const conflicts = (...rows: Row[]) =>
    routeConflicts(rows.map((row) => ({ name: row.name, ...matcher(row) })))
  const kinds = (...rows: Row[]) => conflicts(...rows).map(({ kind }) => kind)

  it('are patterns that overlap where neither contains the other', () => {
    expect(kinds({ name: 'a', path: '/a/:x' }, { name: 'b', path: '/:y/b' })).toEqual(['ambiguous'])
    expect(kinds({ name: 'a', path: '/:x/b/**' }, { name: 'b', path: '/a/**' })).toEqual(['ambiguous'])
    expect(kinds({ name: 'a', path: '/a/**' }, { name: 'b', path: '/a/:x/c' })).toEqual([])
    expect(kinds({ name: 'a', path: '/a/:x' }, { name: 'b', path: '/b/:y' })).toEqual([])
  })

  it('are routes of one pattern whose methods do not nest', () => {
    const path = '/a/:x'
    expect(kinds({ name: 'a', path }, { name: 'b', path: '/a/:y' })).toEqual(['duplicate'])
    expect(
      kinds({ name: 'a', path, methods: ['GET', 'POST'] }, { name: 'b', path, methods: ['POST', 'PUT'] }),
    ).toEqual(['ambiguous'])
    expect(kinds({ name: 'a', path, methods: ['GET'] }, { name: 'b', path, methods: ['HEAD'] })).toEqual([])
    expect(
      kinds({ name: 'a', path, methods: ['PUT', 'POST'] }, { name: 'b', path, methods: ['POST', 'PUT'] }),
    ).toEqual(['duplicate'])
    expect(
      kinds({ name: 'a', path, methods: ['POST'] }, { name: 'b', path, methods: ['POST', 'PUT'] }),
    ).toEqual([])
    expect(
      kinds({ name: 'a', path, methods: ['POST', 'PUT'] }, { name: 'b', path, methods: ['PUT'] }),
    ).toEqual([])
    expect(kinds({ name: 'a', path, methods: ['GET'] }, { name: 'b', path })).toEqual([])
    expect(kinds({ name: 'a', path, methods: ['GET'] }, { name: 'b', path, methods: ['POST'] })).toEqual([])
  })

  it('are patterns that differ in letter case only', () => {
    expect(kinds({ name: 'a', path: '/Users/**' }, { name: 'b', path: '/users/**' })).toEqual(['case'])
  })

  it('are hosts that overlap without nesting, when their paths do', () => {
    const one = { name: 'a', host: ':x.b.example', path: '/**' }
    expect(kinds(one, { name: 'b', host: 'a.:y.example', path: '/z' })).toEqual(['ambiguous'])
    expect(kinds({ ...one, path: '/y' }, { name: 'b', host: 'a.:y.example', path: '/z' })).toEqual([])
    expect(kinds(one, { name: 'b', host: 'a.b.example', path: '/z' })).toEqual([])
    expect(kinds(one, { name: 'b', host: ':other.b.example', path: '/z' })).toEqual(['ambiguous'])
  })

  it('are found among ten thousand routes without comparing all pairs', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ name: `r${i}`, path: `/s${i}/:id/**` }))
    expect(conflicts({ name: 'all', path: '/**' }, ...rows)).toEqual([])
  })
})
