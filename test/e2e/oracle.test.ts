/** The oracle must itself be above suspicion: it finds what is known to have fooled others, and nothing in honest paths. */
import { expect, it } from 'vitest'
import { type Pattern, readingsOf, selectionsOf } from './oracle.ts'

const PATTERNS: readonly Pattern[] = [
  { route: 'everything', path: '/**' },
  { route: 'public', path: '/public/**' },
  { route: 'admin', path: '/admin/**' },
  { route: 'mcp', path: '/mcp/:server/**' },
  { route: 'exact', path: '/mcp/alpha' },
]

const routesOf = (path: string) => new Set(selectionsOf(PATTERNS, path).map(({ route }) => route))

it.each([
  '/public/../admin', // as it stands
  '/public/%2e%2e/admin',
  '/public/..%2fadmin',
  '/public/..%252fadmin', // decoded twice
  '/public/%252e%252e%252fadmin',
  '/public/..\\admin', // Windows
  '/public/..%5cadmin',
  '/public/..;/admin', // servlet containers
  '/public/..;x=1/admin',
  '/public;/../admin',
  '/admin;v=1/users',
  '/ADMIN/users',
  '/%61dmin/users',
  '/%41dmin/users',
  '//admin/users',
  '/x//../admin',
  '/public/%2e%2e%3b/admin',
  '/admin./users', // Windows file names
  '/admin%20/users',
  '/admin%23/users', // cut at the hash
  '/admin%3fx',
  '/admin%00.png', // C strings
  '/public/%c0%ae%c0%ae/admin', // overlong
  '/public/..%c0%afadmin',
  '/public/..%e0%80%afadmin',
  '/public/..%u002fadmin', // IIS
  '/public/..%ef%bc%8fadmin', // fullwidth slash
  '/public/%ef%bc%8e%ef%bc%8e/admin',
  '/%ef%bd%81dmin/users', // fullwidth letter
  '/ad%c2%admin/users', // soft hyphen
  '/adm%09in/users',
])('%s has a reading that selects the admin route', (path) => {
  expect(routesOf(path)).toContain('admin')
})

it.each([
  ['/public/a', 'public'],
  ['/public', 'public'],
  ['/public/', 'public'],
  ['/public/a%2Fb', 'public'],
  ['/public/100%25', 'public'],
  ['/public/a;v=1', 'public'],
  ['/public//a', 'public'],
  ['/public/README', 'public'],
  ['/public/caf%C3%A9', 'public'],
  ['/100%25', 'everything'],
  ['/x;v=1', 'everything'],
  ['/administration', 'everything'],
  ['/mcp/beta/call', 'mcp'],
  ['/mcp/alpha', 'exact'],
  ['/mcp/alpha/call', 'mcp'],
])('every reading of %s selects %s', (path, route) => {
  expect([...routesOf(path)]).toEqual([route])
})

it('a path has one reading for each thing that somebody makes of it', () => {
  expect(new Set(readingsOf('/public/a').map(({ path }) => path))).toEqual(new Set(['/public/a']))
  const paths = readingsOf('/a%252Fb').map(({ path }) => path)
  expect(paths).toEqual(expect.arrayContaining(['/a%252Fb', '/a%2Fb', '/a/b', '/a%252fb', '/a%2fb']))
})

it('a parameter is read in as many ways as the path that holds it', () => {
  const servers = new Set(
    selectionsOf(PATTERNS, '/mcp/alpha;x/call').map(({ parameters }) => parameters['server']),
  )
  expect(servers).toEqual(new Set(['alpha;x', 'alpha']))
})
