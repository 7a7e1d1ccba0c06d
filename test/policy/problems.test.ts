import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { environmentOf, problemsOf, strong } from '../support/policy.ts'

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()

const environment = environmentOf(
  {
    STRONG: strong('a'),
    PEPPER: strong('b'),
    EMPTY: '',
    SHORT: 'abc123',
    PLACEHOLDER: 'changeme-changeme-changeme-changeme',
    REGULAR: 'a'.repeat(64),
    PEM: pem,
    INDENTED_PEM: `\n  ${pem}`,
  },
  { './secret.txt': `${strong('c')}\n`, './empty.txt': '\n' },
)

/** A sound policy; each row of the table below adds or replaces sections. */
const SOUND = {
  proxies: 'proxies: { traefik: { peers: [127.0.0.1/32] } }',
  issuers:
    'issuers: { company: { issuer: https://login.example.com, audience: [omni], keys: { secret: "${STRONG}" }, algorithms: [HS256] } }',
  apiKeys: 'apiKeys: { peppers: { v1: "${PEPPER}" } }',
  roles: 'roles: { user: { permissions: ["users:read"] }, admin: { inherits: [user] } }',
  limits: 'limits: { per-client: { by: client, rate: 300/minute, burst: 60 } }',
  routes:
    'routes: { app: { match: { path: /app/** }, credentials: [jwt:company, api-key], limits: [per-client] } }',
}
type Section = keyof typeof SOUND | 'listen' | 'identity' | 'trustedHops' | 'store' | 'extra'

const policy = (sections: Partial<Record<Section, string>> = {}): string =>
  Object.values({ ...SOUND, ...sections })
    .filter((text) => text !== '')
    .join('\n')

const route = (part: string): { routes: string } => ({ routes: `routes: { app: { ${part} } }` })
const open = 'match: { path: /app }, credentials: [api-key]'

const rows: [string, Partial<Record<Section, string>>, RegExp][] = [
  [
    'a gateway that proves nothing to its origin',
    { extra: 'gateway: { origin: https://origin.example.com }' },
    /gateway: proves nothing to the origin.*write secret, binding or both/,
  ],
  [
    'a gateway with a weak secret',
    { extra: 'gateway: { secret: "${SHORT}" }' },
    /gateway\.secret: is too short: 6 bytes, at least 16 are needed/,
  ],
  [
    'an origin that is more than one',
    { extra: 'gateway: { binding: ORIGIN, origin: https://origin.example.com/app }' },
    /gateway\.origin: is not an origin/,
  ],
  [
    'an origin that would be told identities in the clear',
    { extra: 'gateway: { binding: ORIGIN, origin: http://origin.example.com }' },
    /gateway\.origin: would send identities in the clear/,
  ],
  [
    'a header of the gateway that stands there twice',
    { extra: 'gateway: { binding: ORIGIN, headers: { X-A: a, x-a: b } }' },
    /gateway\.headers\.x-a: stands there twice/,
  ],
  [
    'connections that nobody counts',
    route(`${open}, connections: { client: 3 }`),
    /routes\.app\.connections: is counted where connections are seen to close/,
  ],
  [
    'connections without a bound',
    { ...route(`${open}, connections: {}`), extra: 'gateway: { binding: ORIGIN }' },
    /routes\.app\.connections: bounds nothing/,
  ],
  [
    'a country that is none',
    route(`${open}, countries: { allow: [Germany] }`),
    /routes\.app\.countries\.allow\[0\]: is not a country/,
  ],
  [
    'an empty list of countries',
    route(`${open}, countries: { allow: [] }`),
    /routes\.app\.countries\.allow: is empty, so nobody could come in/,
  ],
  [
    'an AS number that is none',
    route(`${open}, asns: { deny: [0] }`),
    /routes\.app\.asns\.deny\[0\]: is not the number of an autonomous system/,
  ],
  [
    'a certificate without its digest',
    { proxies: 'proxies: { traefik: { certificates: ["sha256:ABC"] } }' },
    /proxies\.traefik\.certificates\[0\]: is not the digest of a certificate/,
  ],
  [
    'a place without a header',
    { proxies: 'proxies: { traefik: { peers: [127.0.0.1/32], place: {} } }' },
    /proxies\.traefik\.place: names no header/,
  ],
  [
    'a shield without a name',
    { extra: 'shield: { binding: "1" }' },
    /shield\.binding: is not the name of a binding/,
  ],
  [
    'an unknown field',
    { extra: 'stores: memory' },
    /^test\.yaml:7:1 stores: is not a known field: did you mean `store`\?$/,
  ],
  [
    'an unknown field deep down',
    route(`${open}, preflights: allow`),
    /routes\.app\.preflights: .*did you mean `preflight`/,
  ],
  ['a field of a later version', { extra: 'revocation: {}' }, /revocation: is not a known field/],
  ['an unknown store', { store: 'store: mongo' }, /store: is not a store: .*memory/],
  ['a mistyped store', { store: 'store: sqllite' }, /store: is not a store: did you mean `sqlite`\?/],
  ['a store that is no text', { store: 'store: 7' }, /store: is not a store: write memory/],
  [
    'a store without a name',
    { store: 'store: { instances: 2 }' },
    /store: names no store: write one of memory/,
  ],
  [
    'two stores',
    { store: 'store: { memory: {}, sqlite: ./postern.db }' },
    /store: names more than one store: keep one of memory, sqlite/,
  ],
  [
    'a deadline that is longer than a decision waits',
    { store: 'store: { sqlite: ./postern.db, deadline: 1s }' },
    /store\.deadline: is longer than any decision waits/,
  ],
  [
    'no instance at all',
    { store: 'store: { sqlite: ./postern.db, instances: 0 }' },
    /store\.instances: is less than 1/,
  ],
  [
    'a literal key for notices',
    { store: 'store: { sqlite: ./postern.db, messages: { keys: { v1: hunter2hunter2 } } }' },
    /store\.messages\.keys\.v1: is a literal secret/,
  ],
  [
    'a weak key for notices',
    { store: 'store: { sqlite: ./postern.db, messages: { keys: { v1: "${SHORT}" } } }' },
    /store\.messages\.keys\.v1: .*32 random bytes/,
  ],
  [
    'no key for notices',
    { store: 'store: { sqlite: ./postern.db, messages: { keys: {} } }' },
    /store\.messages\.keys: is empty/,
  ],
  [
    'an answer to an outage that is not known',
    { limits: 'limits: { per-client: { by: client, rate: 1/second, onOutage: open } }' },
    /limits\.per-client\.onOutage: is not known: write local, deny or allow/,
  ],
  ['bans that get shorter', { extra: 'bans: { first: 1h, longest: 1m }' }, /bans\.longest: is shorter than/],
  ['failures that are no rate', { extra: 'bans: { failures: ten }' }, /bans\.failures: is not a rate/],
  [
    'an admin API for nobody',
    { listen: 'listen: { admin: "127.0.0.1:8083" }' },
    /listen\.admin: is for nobody/,
  ],
  [
    'an admin API without a listener',
    { extra: `admin: { tokens: { ops: { digest: "sha256:${'0'.repeat(64)}", role: writer } } }` },
    /admin: has no listener/,
  ],
  [
    'a token in place of its digest',
    {
      listen: 'listen: { admin: "127.0.0.1:8083" }',
      extra: 'admin: { tokens: { ops: { digest: letmein, role: writer } } }',
    },
    /admin\.tokens\.ops\.digest: is not the digest of a token/,
  ],
  [
    'one token under two names',
    {
      listen: 'listen: { admin: "127.0.0.1:8083" }',
      extra: `admin: { tokens: { a: { digest: "sha256:${'0'.repeat(64)}", role: writer }, b: { digest: "sha256:${'0'.repeat(64)}", role: reader } } }`,
    },
    /admin\.tokens\.b\.digest: is also the digest of `a`/,
  ],
  [
    'the admin API where checks are',
    {
      listen: 'listen: { check: "127.0.0.1:8081", admin: "127.0.0.1:8081" }',
      extra: `admin: { tokens: { a: { digest: "sha256:${'0'.repeat(64)}", role: writer } } }`,
    },
    /listen\.admin: is also the address of listen\.check/,
  ],
  [
    'an unknown proxy',
    { proxies: 'proxies: { traefic: { peers: [127.0.0.1/32] } }' },
    /proxies\.traefic: .*did you mean `traefik`/,
  ],
  ['a wrong type', { trustedHops: 'trustedHops: 10.0.0.0/8' }, /trustedHops: is a text: write a list/],
  ['a missing field', route('credentials: [api-key]'), /routes\.app\.match: is missing/],
  ['a duplicate key', { extra: 'roles: {}' }, /^test\.yaml:7:1 roles: stands here a second time/],
  [
    'a duplicate key deep down',
    { roles: 'roles:\n  user: {}\n  user: {}' },
    /^test\.yaml:6:3 roles\.user: stands here a second time/,
  ],
  ['a bad CIDR', { trustedHops: 'trustedHops: [10.0.0.0/33]' }, /trustedHops\[0\]: has a prefix length/],
  [
    'a name in place of a CIDR',
    { trustedHops: 'trustedHops: [cdn.example]' },
    /trustedHops\[0\]: is not an IP network/,
  ],
  [
    'host bits',
    route(`${open}, networks: { allow: [10.0.0.5/8] }`),
    /allow\[0\]: has host bits set: write 10\.0\.0\.0\/8/,
  ],
  ['an empty allow list', route(`${open}, networks: { allow: [] }`), /allow: is empty/],
  [
    'an allow list that allows all',
    route(`${open}, networks: { allow: [0.0.0.0/0] }`),
    /allow: allows every address/,
  ],
  [
    'an allow list that allows all of IPv6',
    route(`${open}, networks: { allow: ["::/0"] }`),
    /allow: allows every address/,
  ],
  [
    'a deny list that denies all',
    route(`${open}, networks: { deny: [0.0.0.0/0] }`),
    /deny: denies every address/,
  ],
  [
    'everybody as proxy peer',
    { proxies: 'proxies: { traefik: { peers: [0.0.0.0/0] } }' },
    /peers\[0\]: takes checks from everybody/,
  ],
  [
    'everybody on IPv6 as proxy peer',
    { proxies: 'proxies: { nginx: { peers: ["::/0"] } }' },
    /peers\[0\]: takes checks from everybody/,
  ],
  [
    'half of everybody as proxy peer',
    { proxies: 'proxies: { nginx: { peers: [128.0.0.0/1] } }' },
    /peers\[0\]: takes checks from everybody/,
  ],
  [
    'everybody as trusted hop',
    { trustedHops: 'trustedHops: [0.0.0.0/0]' },
    /trustedHops\[0\]: trusts everybody/,
  ],
  [
    'a proxy that proves nothing',
    { proxies: 'proxies: { traefik: {} }' },
    /proxies\.traefik: demands nothing/,
  ],
  ['no proxy', { proxies: 'proxies: {}' }, /proxies: names no proxy/],
  [
    'a literal proxy secret',
    { proxies: `proxies: { traefik: { secret: "${strong('x')}" } }` },
    /secret: is a literal secret: write "\$\{NAME\}"/,
  ],
  [
    'a share of records that is no finite number',
    { extra: 'record: { allowed: .nan }' },
    /record\.allowed: is no finite number: write a number/,
  ],
  [
    'a fallback value',
    { proxies: 'proxies: { traefik: { secret: "${STRONG:-x}" } }' },
    /secret: is not a reference that can be read/,
  ],
  [
    'a missing variable',
    { proxies: 'proxies: { traefik: { secret: "${NOWHERE}" } }' },
    /secret: refers to NOWHERE, which is not in the environment/,
  ],
  [
    'an empty variable',
    { proxies: 'proxies: { traefik: { secret: "${EMPTY}" } }' },
    /secret: refers to EMPTY, which is empty/,
  ],
  [
    'a missing file',
    { proxies: 'proxies: { traefik: { secret: { file: ./nowhere } } }' },
    /secret: refers to the file \.\/nowhere, which cannot be read/,
  ],
  [
    'an empty file',
    { proxies: 'proxies: { traefik: { secret: { file: ./empty.txt } } }' },
    /secret: refers to the file \.\/empty\.txt, which is empty/,
  ],
  ['a reference where none is read', { extra: 'trustedHops: ["${STRONG}"]' }, /trustedHops\[0\]/],
  [
    'a short proxy secret',
    { proxies: 'proxies: { traefik: { secret: "${SHORT}" } }' },
    /secret: is too short/,
  ],
  [
    'J18 a short HMAC secret',
    { issuers: SOUND.issuers.replace('STRONG', 'SHORT') },
    /issuers\.company\.keys\.secret: is too short: 6 bytes/,
  ],
  [
    'J18 a placeholder as HMAC secret',
    { issuers: SOUND.issuers.replace('STRONG', 'PLACEHOLDER') },
    /secret: is a placeholder/,
  ],
  [
    'J18 a regular HMAC secret',
    { issuers: SOUND.issuers.replace('STRONG', 'REGULAR') },
    /secret: is too regular/,
  ],
  [
    'J02 a PEM as HMAC secret',
    { issuers: SOUND.issuers.replace('STRONG', 'PEM') },
    /issuers\.company\.keys\.secret: .*PEM/,
  ],
  [
    'J02 an indented PEM as HMAC secret',
    { issuers: SOUND.issuers.replace('STRONG', 'INDENTED_PEM') },
    /issuers\.company\.keys\.secret: .*PEM/,
  ],
  [
    'a literal HMAC secret',
    { issuers: SOUND.issuers.replace('${STRONG}', strong('q')) },
    /secret: is a literal secret/,
  ],
  [
    'an HMAC algorithm with public keys',
    { issuers: SOUND.issuers.replace('secret: "${STRONG}"', 'jwks: https://x.example/jwks') },
    /issuers\.company\.algorithms/,
  ],
  [
    'a weak pepper',
    { apiKeys: 'apiKeys: { peppers: { v1: "${SHORT}" } }' },
    /apiKeys\.peppers\.v1: is too short/,
  ],
  [
    'a key without a digest',
    { apiKeys: 'apiKeys: { keys: { a: { digest: "ak_plain" } } }' },
    /apiKeys\.keys\.a\.digest: is not a digest/,
  ],
  [
    'a digest of an unknown pepper',
    {
      apiKeys: `apiKeys: { peppers: { v1: "\${PEPPER}" }, keys: { a: { digest: "hmac-sha256:v2:${'0'.repeat(64)}" } } }`,
    },
    /digest: was made with pepper `v2`/,
  ],
  [
    'an unknown role of a key',
    { apiKeys: `apiKeys: { keys: { a: { digest: "sha256:${'0'.repeat(64)}", roles: [usr] } } }` },
    /apiKeys\.keys\.a\.roles\[0\]: `usr` is not a role: did you mean `user`/,
  ],
  [
    'an unknown inherited role',
    { roles: 'roles: { user: { inherits: [viewer] } }' },
    /roles\.user\.inherits\[0\]: `viewer` is not a role/,
  ],
  [
    'an unknown role of a route',
    route(`${open}, require: { roles: [admn] }`),
    /require\.roles\[0\]: `admn` is not a role: did you mean `admin`/,
  ],
  [
    'an unknown limit',
    route(`${open}, limits: [per-clint]`),
    /limits\[0\]: `per-clint` is not a limit: did you mean `per-client`/,
  ],
  [
    'an unknown issuer',
    route('match: { path: /app }, credentials: [jwt:compny]'),
    /credentials\[0\]: `jwt:compny` .*did you mean `jwt:company`/,
  ],
  [
    'an unknown credential type',
    route('match: { path: /app }, credentials: [apikey]'),
    /credentials\[0\]: `apikey` .*did you mean `api-key`/,
  ],
  [
    'a credential type that is not configured',
    { apiKeys: '', ...route(open) },
    /credentials\[0\]: `api-key` is not a credential of this policy/,
  ],
  [
    'cyclic roles',
    { roles: 'roles: { user: { inherits: [admin] }, admin: { inherits: [user] } }' },
    /is a cycle: user -> admin -> user/,
  ],
  [
    'a role that inherits itself',
    { roles: 'roles: { user: { inherits: [user] } }' },
    /is a cycle: user -> user/,
  ],
  [
    'ambiguous routes',
    {
      routes:
        'routes: { a: { match: { path: /a/:x }, credentials: [anonymous] }, b: { match: { path: /:y/b }, credentials: [anonymous] } }',
    },
    /routes\.b\.match: overlaps with route `a`/,
  ],
  [
    'a route that stands twice',
    {
      routes:
        'routes: { a: { match: { path: /a }, credentials: [anonymous] }, b: { match: { path: /a/ }, credentials: [anonymous] } }',
    },
    /routes\.b\.match: matches the same requests as route `a`/,
  ],
  ['a route without credentials', route('match: { path: /app }'), /routes\.app\.credentials: is missing/],
  [
    'a route with no credentials in its list',
    route('match: { path: /app }, credentials: []'),
    /routes\.app\.credentials: is empty/,
  ],
  ['no route', { routes: 'routes: {}' }, /routes: names no route/],
  [
    'two credential types on one place',
    { apiKeys: 'apiKeys: { header: authorization, peppers: { v1: "${PEPPER}" } }' },
    /apiKeys\.header: is a place that `jwt` credentials are read from/,
  ],
  [
    'a cost beyond the burst',
    route(`${open}, limits: [{ use: per-client, cost: 61 }]`),
    /limits\[0\]: costs 61, more than the burst of 60/,
  ],
  ['a cost of nothing', route(`${open}, limits: [{ use: per-client, cost: 0 }]`), /limits\[0\]/],
  [
    'a limit charged twice',
    route(`${open}, limits: [per-client, per-client]`),
    /limits\[1\]: `per-client` is charged twice/,
  ],
  [
    'a rate that is none',
    { limits: 'limits: { per-client: { by: client, rate: 300/fortnight } }' },
    /limits\.per-client\.rate: is not a rate/,
  ],
  [
    'a limit that takes years to refill',
    { limits: 'limits: { per-client: { by: client, rate: 1/day, burst: 500 } }' },
    /burst: takes more than 400 days/,
  ],
  [
    'an identity header that is hop-by-hop',
    { identity: 'identity: { headers: { id: Connection } }' },
    /identity\.headers\.id: is `Connection`, which proxies strip/,
  ],
  [
    'an identity header that proxies strip',
    { identity: 'identity: { headers: { id: Proxy-User } }' },
    /identity\.headers\.id: is `Proxy-User`, which proxies strip/,
  ],
  [
    'an identity header with an underscore',
    { identity: 'identity: { headers: { id: X_User } }' },
    /identity\.headers\.id: is `X_User`, which proxies drop/,
  ],
  [
    'an identity header used twice',
    { identity: 'identity: { headers: { id: X-Auth-Roles } }' },
    /identity\.headers\.roles: .*also used for identity\.headers\.id/,
  ],
  [
    'an identity header that is the key’s',
    { identity: 'identity: { headers: { id: x-api-key } }' },
    /identity\.headers\.id: .*api-key credential/,
  ],
  [
    'a parameter that nobody defines',
    route(`${open}, require: { permissions: ["mcp:{server}:call"] }`),
    /permissions\[0\]: refers to `\{server\}`/,
  ],
  [
    'a tenant parameter that nobody defines',
    route('match: { path: "/:org/**" }, credentials: [api-key], require: { tenant: "{ort}" }'),
    /tenant: refers to `\{ort\}`.*did you mean `org`/,
  ],
  [
    'a wildcard that is demanded',
    route(`${open}, require: { permissions: ["users:*"] }`),
    /permissions\[0\]: is a wildcard/,
  ],
  [
    'a wildcard in the middle',
    { roles: 'roles: { user: { permissions: ["a:*:b"] }, admin: {} }' },
    /roles\.user\.permissions\[0\]: is not a permission/,
  ],
  [
    'a demand on strangers',
    route('match: { path: /app }, credentials: [anonymous], require: { roles: [user] }'),
    /require: can never be met/,
  ],
  [
    'a second factor without a token',
    route(`${open}, require: { authentication: { methods: [otp] } }`),
    /authentication: can only be met by a JWT/,
  ],
  [
    'a path without a slash',
    route('match: { path: app }, credentials: [api-key]'),
    /match\.path: does not start with a slash/,
  ],
  [
    'an escape in a path',
    route('match: { path: /a%2Fb }, credentials: [api-key]'),
    /match\.path: has a character/,
  ],
  [
    'a dot segment in a path',
    route('match: { path: /a/../b }, credentials: [api-key]'),
    /match\.path: has a segment `\.\.`/,
  ],
  ['a star in a path', route('match: { path: /a/*/b }, credentials: [api-key]'), /match\.path: has `\*`/],
  [
    'a star in a host',
    route('match: { host: "*.example.com", path: /a }, credentials: [api-key]'),
    /match\.host: has a `\*`: write a parameter/,
  ],
  [
    'a port in a host',
    route('match: { host: "a.example:443", path: /a }, credentials: [api-key]'),
    /match\.host: has a port/,
  ],
  [
    'a method in small letters',
    route('match: { path: /a, methods: [get] }, credentials: [api-key]'),
    /methods\[0\]: is not a method/,
  ],
  [
    'an origin with a path',
    route(`${open}, origins: ["https://a.example/x"]`),
    /origins\[0\]: is not an origin/,
  ],
  [
    'a listener without a port',
    { listen: 'listen: { check: localhost }' },
    /listen\.check: is not a listen address/,
  ],
  [
    'two listeners on one address',
    { listen: 'listen: { check: 127.0.0.1:1, health: 127.0.0.1:1 }' },
    /listen\.health: is also the address of listen\.check/,
  ],
  [
    'X07 a key named __proto__',
    { extra: '__proto__: { polluted: true }' },
    /^test\.yaml:7:1 __proto__: is not a name/,
  ],
  [
    'X07 a role named __proto__',
    { roles: 'roles: { user: {}, admin: {}, __proto__: {} }' },
    /roles\.__proto__: is not a name/,
  ],
  [
    'everybody in quarters as proxy peer',
    { proxies: 'proxies: { nginx: { peers: [0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/2, 192.0.0.0/2] } }' },
    /proxies\.nginx\.peers: takes checks from everybody/,
  ],
  [
    'a reference in a text that is no secret',
    {
      apiKeys: `apiKeys: { keys: { a: { digest: "sha256:${'0'.repeat(64)}", tenant: "\${STRONG}" } } }`,
    },
    /apiKeys\.keys\.a\.tenant: holds a reference where none is read/,
  ],
  [
    'a parameter in braces',
    route('match: { path: "/users/{id}" }, credentials: [api-key]'),
    /match\.path: has a brace in `\{id\}`: a parameter is written \/:name/,
  ],
  [
    'an origin with the port that browsers leave out',
    route(`${open}, origins: ["https://a.example:443"]`),
    /origins\[0\]: is not an origin as browsers send it: write https:\/\/a\.example$/,
  ],
  [
    'a listener everywhere and another on its port',
    { listen: 'listen: { check: 0.0.0.0:9000, health: 127.0.0.1:9000 }' },
    /listen\.health: is also the address of listen\.check/,
  ],
  [
    'a listener on no address',
    { listen: 'listen: { check: 127.0.0.256:9000 }' },
    /listen\.check: has a host that is no address/,
  ],
  ['an anchor', { extra: 'trustedHops: &a []' }, /has the anchor &a/],
  ['a tag', { extra: 'trustedHops: !!seq []' }, /has the tag/],
  ['a second document', { extra: '---\na: 1' }, /starts a second document/],
]

describe('a policy', () => {
  it('that is sound has no problems', () => expect(problemsOf(policy(), environment)).toEqual([]))

  it.each(rows)('has one problem with %s', (_, sections, expected) => {
    const problems = problemsOf(policy(sections), environment)
    expect(problems.filter((problem) => expected.test(problem))).toHaveLength(1)
    expect(problems).toHaveLength(1)
  })

  it('is told all its problems at once, in the order of the file, with their places', () => {
    const text = `listen: { chek: 127.0.0.1:1 }
proxies:
  traefik: { peers: [0.0.0.0/0, 10.0.0.5/8, 10.0.0.0/40] }
issuers:
  company: { issuer: https://x.example, audience: [a], keys: { secret: "\${SHORT}" }, algorithms: [HS256] }
roles:
  a: { inherits: [b, c] }
  b: { inherits: [a] }
routes:
  one: { match: { path: one }, credentials: [jwt:compny] }
  two: { match: { path: /two }, credentials: [jwt:compny], limits: [none] }
  three: { match: { path: /two/ }, credentials: [] }
`
    const places = problemsOf(text, environment).map((problem) => problem.replace(/: .*$/, ''))
    expect(places).toEqual([
      'test.yaml:1:11 listen.chek',
      'test.yaml:3:22 proxies.traefik.peers[0]',
      'test.yaml:3:33 proxies.traefik.peers[1]',
      'test.yaml:3:45 proxies.traefik.peers[2]',
      'test.yaml:5:72 issuers.company.keys.secret',
      'test.yaml:7:18 roles.a.inherits',
      'test.yaml:7:22 roles.a.inherits[1]',
      'test.yaml:10:25 routes.one.match.path',
      'test.yaml:10:46 routes.one.credentials[0]',
      'test.yaml:11:47 routes.two.credentials[0]',
      'test.yaml:11:69 routes.two.limits[0]',
      'test.yaml:12:19 routes.three.match',
      'test.yaml:12:49 routes.three.credentials',
    ])
  })

  it('keeps the places of list items behind one that is left out', () => {
    const text = policy({
      routes: 'routes: { app: { match: { path: /a }, credentials: [5, api-key, jwt:nope] } }',
    })
    expect(problemsOf(text, environment).map((problem) => problem.split(':')[2]?.split(' ')[1])).toEqual([
      'routes.app.credentials[0]',
      'routes.app.credentials[2]',
    ])
  })

  it('may be JSON', () => {
    const json = JSON.stringify({
      proxies: { caddy: { secret: { file: './secret.txt' } } },
      routes: { health: { match: { path: '/health' }, credentials: ['anonymous'] } },
    })
    expect(problemsOf(json, environment)).toEqual([])
    // The field that was meant is not missing as well.
    expect(problemsOf(json.replace('"routes"', '"rutes"'), environment)).toEqual([
      'test.yaml:1:57 rutes: is not a known field: did you mean `routes`?',
    ])
  })
})
