import { describe, expect, it } from 'vitest'
import { environmentOf, problemsOf, strong } from '../support/policy.ts'

const PROXY = 'proxies: { traefik: { peers: [127.0.0.1/32] } }\n'
const environment = environmentOf({ STRONG: strong('a') })
const placesIn = (text: string) =>
  problemsOf(text, environment).map((problem) => problem.replace(/^test\.yaml:\d+:\d+ ([^:]*):.*$/, '$1'))

describe('what is wrong in one place', () => {
  it('does not hide what is wrong beside it', () => {
    const text = `${PROXY}
limits: { l: { by: nobody, rate: 5/minute, burst: 2 } }
routes:
  a:
    match: { path: a }
    credentials: [jwt:nope]
    networks: { allow: [10.0.0.0/8], deny: [10.0.0.0/8] }
    require: { roles: [ghost], tenant: "{org}" }
    limits: [{ use: l, cost: 3 }]
`
    expect(placesIn(text)).toEqual([
      'limits.l.by',
      'routes.a.match.path',
      'routes.a.credentials[0]',
      'routes.a.networks.deny',
      'routes.a.require.roles[0]',
      'routes.a.limits[0]',
    ])
  })

  it('does not hide a secret that is missing', () => {
    const text = `${PROXY}
issuers: { c: { issuer: a, audience: [x], keys: { secret: "\${NOWHERE}" }, algorithms: [HS25] } }
routes: { a: { match: { path: /a }, credentials: [jwt:c] } }
`
    expect(placesIn(text)).toEqual(['issuers.c.keys.secret', 'issuers.c.algorithms[0]'])
  })

  it('is not told again as something that is missing', () => {
    const text = `${PROXY}
issuers: { c: { issuer: a, audience: [x], keys: { secret: literal }, algorithms: [HS256] } }
routes: { a: { match: { path: /a/../b }, credentials: [jwt:c] } }
`
    expect(placesIn(text)).toEqual(['issuers.c.keys.secret', 'routes.a.match.path'])
  })

  it('is one problem where a name is mistyped, not two', () => {
    const text = `${PROXY}
routes: { a: { match: { path: /a }, credentails: [anonymous] } }
`
    expect(problemsOf(text)).toEqual([
      'test.yaml:3:37 routes.a.credentails: is not a known field: did you mean `credentials`?',
    ])
  })

  it('does not make a name unknown that is defined with a fault', () => {
    const text = `${PROXY}
issuers: { c: { issuer: 5 } }
roles: { r: { inherit: [] } }
limits: { l: { by: client } }
routes: { a: { match: { path: /a }, credentials: [jwt:c], require: { roles: [r] }, limits: [l] } }
`
    expect(placesIn(text)).toEqual([
      'issuers.c.audience',
      'issuers.c.keys',
      'issuers.c.algorithms',
      'issuers.c.issuer',
      'roles.r.inherit',
      'limits.l.rate',
    ])
  })

  it('keeps the places of all that stands behind it in a list', () => {
    const text = `${PROXY}
trustedHops: [x, 10.0.0.0/8, 0.0.0.0/0, y, "::/0", 10.0.0.0/8]
routes: { a: { match: { path: /a }, credentials: [anonymous] } }
`
    expect(placesIn(text)).toEqual([
      'trustedHops[0]',
      'trustedHops[2]',
      'trustedHops[3]',
      'trustedHops[4]',
      'trustedHops[5]',
    ])
  })
})

describe('a list', () => {
  const route = (part: string) =>
    `${PROXY}routes: { a: { match: { path: /a }, credentials: [anonymous], ${part} } }`

  it.each([
    ['credentials', `${PROXY}routes: { a: { match: { path: /a }, credentials: [anonymous, anonymous] } }`],
    [
      'methods',
      `${PROXY}routes: { a: { match: { path: /a, methods: [GET, GET] }, credentials: [anonymous] } }`,
    ],
    ['networks', route('networks: { deny: [10.0.0.0/8, 10.0.0.0/8] }')],
    ['origins', route('origins: ["https://a.example", "https://a.example"]')],
  ])('of %s names nothing twice', (_, text) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(/\[1\]: stands in the list twice/)])
  })

  it.each(['roles', 'permissions', 'scopes'])(
    'of demanded %s is not empty: it would be an open door',
    (field) => {
      expect(problemsOf(route(`require: { ${field}: [] }`))).toEqual([
        expect.stringContaining(`require.${field}: is empty and so demands nothing`),
      ])
    },
  )

  it.each([
    ['allow: [0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/2]', 'allow: allows every address'],
    ['allow: ["::/1", "8000::/1", "2001:db8::/32"]', 'allow: allows every address'],
    ['deny: [0.0.0.0/1, 128.0.0.0/1]', 'deny: denies every address'],
    ['allow: [10.1.0.0/16, 10.2.0.1], deny: [10.0.0.0/8]', 'deny: denies all that `allow` names'],
  ])('of networks { %s } is told what it comes to', (networks, message) => {
    expect(problemsOf(route(`networks: { ${networks} }`))).toEqual([expect.stringContaining(message)])
  })

  it('of networks may hold much and deny a part of it', () => {
    expect(problemsOf(route('networks: { allow: [10.0.0.0/8, 11.0.0.0/8], deny: [10.0.0.0/8] }'))).toEqual([])
    expect(problemsOf(route('networks: { allow: [0.0.0.0/1, 128.0.0.0/2], deny: ["::/1"] }'))).toEqual([])
  })
})

describe('a credential that the policy does not define', () => {
  const remedy = (entry: string) =>
    problemsOf(`${PROXY}
issuers: { company: { issuer: a, audience: [x], keys: { jwks: https://a.example/jwks }, algorithms: [RS256] } }
routes: { a: { match: { path: /a }, credentials: ["${entry}"] } }`)[0]?.replace(/^.*policy: /, '')

  it.each([
    ['apikey', 'did you mean `api-key`?'],
    ['api-key', 'the section `apiKeys` defines none: add it there, or remove it here'],
    ['jwt', 'write `jwt:company`'],
    ['jwt:somebody-else', 'write `jwt:company`'],
    ['jwt:compny', 'did you mean `jwt:company`?'],
    ['anonymous:x', 'did you mean `anonymous`?'],
    ['mutual-tls', 'known: jwt:company, anonymous'],
  ])('%s: %s', (entry, expected) => expect(remedy(entry)).toBe(expected))
})
