import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { mintKey } from '../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../src/ports/node-crypto.ts'
import { strong } from './support/policy.ts'
import { type Asked, fieldsOf, type Lines, serviceOf } from './support/service.ts'

/** The rows of the attack catalogue that concern the whole service; the others stand with the part that refuses them. */

const secret = strong('jwt')
const pepper = strong('pepper')
const key = mintKey('ak', 'acme', pepper, hmacSha256, () => randomBytes(1)[0] ?? 0)
const variables = { SECRET: secret, PEPPER: pepper, DIGEST: `hmac-sha256:v1:${hmacSha256(pepper, key)}` }

const policy = `
proxies:
  traefik: { peers: [127.0.0.1] }
  caddy: { peers: [127.0.0.1] }
  nginx: { peers: [127.0.0.1] }
  haproxy: { peers: [127.0.0.1] }
  envoy: { peers: [127.0.0.1] }
issuers: { company: { issuer: "https://a.example", audience: [omni], keys: { secret: "\${SECRET}" }, algorithms: [HS256], claims: { roles: roles } } }
apiKeys: { peppers: { v1: "\${PEPPER}" }, keys: { bot: { digest: "\${DIGEST}", roles: [user] } } }
roles: { user: { permissions: ["app:use"] }, admin: { inherits: [user] } }
limits: { per-client: { by: client, rate: 60/minute, burst: 1000 } }
routes:
  public: { match: { path: /public/** }, credentials: [anonymous] }
  admin: { match: { path: /admin/** }, credentials: [jwt:company, api-key], require: { roles: [user] }, limits: [per-client] }
`
const service = () => serviceOf(policy, { variables })

const token = (claims: object = {}) =>
  new SignJWT({ roles: ['user'], ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://a.example')
    .setAudience('omni')
    .setSubject('ann')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secret))

const PROXIES = ['traefik', 'caddy', 'nginx', 'haproxy', 'envoy'] as const

/** Asks behind every contract: the true status is the same, and nginx gets it as 403 or 401. */
async function everywhere(asked: Asked): Promise<number> {
  const found = await Promise.all(PROXIES.map((proxy) => service().ask(asked, proxy)))
  const [first] = found
  for (const [index, { status, trueStatus, headers, body }] of found.entries()) {
    expect(trueStatus).toBe(first?.trueStatus)
    const relayed = PROXIES[index] === 'nginx' && trueStatus !== 200 && trueStatus !== 401 ? 403 : trueStatus
    expect(status).toBe(relayed)
    if (status !== 200) for (const name of headers.keys()) expect(name).not.toMatch(/^x-auth-/)
    if (PROXIES[index] === 'nginx') expect(body).toBe('')
  }
  return first?.trueStatus ?? 0
}

describe('paths, with a public and a demanding route', () => {
  it.each([
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/..%2fadmin',
    '/public/..%2Fadmin',
    '/public/%2e%2e%2fadmin',
    '/public/..;/admin',
    '/public;/../admin',
    '/public/.%2e/admin',
  ])('P01 refuses %s (CVE-2026-33494, CVE-2026-42274, CVE-2026-34908)', async (target) =>
    expect(await everywhere({ target })).toBe(400),
  )

  it.each(['//admin/x', '///admin', '//public/x'])('P02 refuses %s (CVE-2026-26205)', async (target) =>
    expect(await everywhere({ target })).toBe(400),
  )

  it.each([
    '/public\\..\\admin',
    '/public%5cx',
    '/public/..%5cadmin',
    '/public%00/admin',
    '/public/%00',
    '/public/\t',
    '/public/\u00e9',
    '/public/%C0%AF',
    '/public/%u002f',
    '/public/\u00ad',
    '/adm%C2%ADin/x',
    '/admin%5cx',
  ])('P05 refuses %j', async (target) => expect(await everywhere({ target })).toBe(400))

  it.each(['/admin?x=/public', '/admin/x?path=/public/y', '/admin?/../public'])(
    'P07 judges %s by its path only (GHSA-7rh7-c77v-6434, CVE-2026-41059)',
    async (target) => expect(await everywhere({ target })).toBe(401),
  )

  it('P07 refuses a # in a path', async () =>
    expect(await everywhere({ target: '/admin/#/public' })).toBe(400))

  it.each(['http://x/y', 'http://x/public/y', 'admin/x', 'public', '*', '', '?', '%', '/%'])(
    'P08 refuses the target %j (CVE-2021-32637, CVE-2026-33186)',
    async (target) => expect(await everywhere({ target })).toBe(400),
  )

  it.each(['get', 'GET, DELETE', 'FOO', '', 'TRACE', 'CONNECT', 'GET /x'])(
    'P10 refuses the method %j',
    async (method) => expect(await everywhere({ method, target: '/public/x' })).toBe(400),
  )

  it('never lets a path reach the public route that another reading takes elsewhere', async () => {
    const piece = fc.constantFrom(
      ...[
        '/',
        '//',
        '.',
        '..',
        '%2e',
        '%252e',
        '%2f',
        '%252f',
        '%5c',
        ';',
        ';a',
        '%3b',
        '%3f',
        '%23',
        'public',
        'PUBLIC',
      ],
      ...['admin', 'Admin', '%61dmin', 'x', '%20', '%C2%AD', '%00', '\\'],
    )
    const one = service()
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const { trueStatus } = await one.ask({ target: `/public/${pieces.join('')}` })
        if (trueStatus !== 200) return
        // The crudest reading that there is: decode until nothing changes, then look for the word.
        let text = pieces.join('')
        for (let i = 0; i < 4; i++)
          text = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
        for (const one of [text, text.split(/[?#]/)[0]])
          expect(one).not.toMatch(/(?:^|[/\\])\.\.?(?:[/\\;]|$)/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('headers', () => {
  it('H01 sends only its own values, every configured header on every allow (CVE-2026-30851)', async () => {
    const forged: Lines = [
      ['X-Auth-User', 'root'],
      ['X-Auth-Roles', 'admin'],
      ['X-Auth-Tenant', 'other'],
      ['X-API-Key', key],
    ]
    for (const proxy of PROXIES) {
      const { headers, status } = await service().ask({ target: '/admin/x', headers: forged }, proxy)
      expect(status).toBe(200)
      expect(headers.get('x-auth-user')).toBe('bot')
      expect(headers.get('x-auth-roles')).toBe('user')
      expect(headers.get('x-auth-tenant')).toBe('')
      expect(headers.get('x-auth-email')).toBe('')
      expect(headers.get('x-auth-permissions')).toBe('app:use')
      expect(headers.get('x-auth-method')).toBe('api-key')
      expect(headers.get('x-postern-status')).toBe('200')
      expect(headers.get('content-length')).toBe('0')
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  it.each(['X_Auth_User', 'X.Auth.User', 'x-auth_user'])('H02 refuses the alias %s', async (name) =>
    expect(await everywhere({ target: '/public/x', headers: [[name, 'root']] })).toBe(400),
  )

  it('H04 reads each contract’s own fields and ignores those of the others (CVE-2026-40575)', async () => {
    const nginx = await service().ask(
      {
        target: '/admin/x',
        headers: [
          ['X-Forwarded-Uri', '/public/x'],
          ['X-Forwarded-Method', 'GET'],
          ['X-Original-URL', 'https://h/public'],
        ],
      },
      'nginx',
    )
    expect(nginx.trueStatus).toBe(401)
    const traefik = await service().ask({
      target: '/admin/x',
      headers: [
        ['X-Original-URI', '/public/x'],
        ['X-Original-URL', 'https://h/public/x'],
        ['X-Rewrite-Url', '/public'],
        ['X-Forwarded-Prefix', '/public'],
      ],
    })
    expect(traefik.trueStatus).toBe(401)
  })

  it.each(PROXIES)(
    'H10 refuses each field of the %s contract when it comes twice, in any case (CVE-2026-26308)',
    async (proxy) => {
      const lines = fieldsOf({ target: '/public/x' }, proxy)
      expect((await service().check(proxy, lines)).status).toBe(200)
      for (const [name, value] of lines) {
        if (name === 'X-Forwarded-For') continue
        const twice = await service().check(proxy, [...lines, [name.toLowerCase(), value]])
        expect(twice.trueStatus, name).toBe(400)
        const missing = await service().check(
          proxy,
          lines.filter(([other]) => other !== name),
        )
        expect(missing.trueStatus, name).toBe(400)
        const empty = await service().check(
          proxy,
          lines.map(([other, held]) => [other, other === name ? '' : held]),
        )
        expect(empty.trueStatus, name).toBe(400)
      }
      const nowhere = await service().check(
        proxy,
        lines.filter(([other]) => other !== 'X-Forwarded-For'),
      )
      expect(nowhere.trueStatus).toBe(400)
    },
  )
})

describe('credentials', () => {
  it('K07 stand in no answer and no record, good or bad (Ory, June 2026)', async () => {
    const good = await token()
    const bad = `${good.slice(0, -4)}AAAA`
    const presented: Lines[] = [
      [['Authorization', `Bearer ${good}`]],
      [['Authorization', `Bearer ${bad}`]],
      [['X-API-Key', key]],
      [['X-API-Key', `${key.slice(0, -1)}_`]],
      [
        ['Authorization', `Bearer ${good}`],
        ['X-API-Key', key],
      ],
      [['Authorization', `Basic ${good}`]],
    ]
    for (const headers of presented) {
      const {
        body,
        line,
        headers: answered,
      } = await service().ask({ target: '/admin/x?access_token=hidden-in-query', headers })
      const all = body + line + JSON.stringify([...answered])
      expect(all).not.toContain('hidden-in-query')
      for (const [, value] of headers)
        for (const part of value.split(/[ .]/)) if (part.length > 10) expect(all).not.toContain(part)
    }
  })

  it('J25 one bad credential denies, whatever the other is', async () => {
    const good = await token()
    const jwt = (text: string): readonly [string, string] => ['Authorization', `Bearer ${text}`]
    const ask = async (headers: Lines) => (await service().ask({ target: '/admin/x', headers })).trueStatus
    expect(await ask([jwt(good)])).toBe(200)
    expect(await ask([jwt(good), ['X-API-Key', `${key}x`]])).toBe(401)
    expect(await ask([jwt(`${good}x`), ['X-API-Key', key]])).toBe(401)
    expect(await ask([jwt(good), ['X-API-Key', key]])).toBe(400)
    expect(await ask([jwt(''), ['X-API-Key', key]])).toBe(401)
    expect(await ask([jwt(good), ['X-API-Key', '']])).toBe(401)
  })

  it('K05 every failure of a key looks the same from outside', async () => {
    const ask = (text: string) => service().ask({ target: '/admin/x', headers: [['X-API-Key', text]] })
    const bodies = new Set<string>()
    for (const text of [
      `${key}x`,
      'x',
      mintKey('ak', '', pepper, hmacSha256, () => 7),
      mintKey('ak', '', strong('other'), hmacSha256, () => 9),
    ]) {
      const { body, headers } = await ask(text)
      bodies.add(body.replace(/urn:uuid:[^"]*/, '') + headers.get('www-authenticate'))
    }
    expect(bodies.size).toBe(1)
  })

  it('W01 are not read from a query or a WebSocket subprotocol', async () => {
    const headers: Lines = [
      ['Sec-WebSocket-Protocol', `bearer, ${await token()}`],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
    ]
    const { trueStatus, line } = await service().ask({
      target: `/admin/x?access_token=${await token()}`,
      headers,
    })
    expect(trueStatus).toBe(401)
    expect(line).not.toContain('eyJ')
  })

  it('X03 that are malformed in any way are refused, and never a 503 or an allow without identity (CVE-2026-25748)', async () => {
    const one = service()
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[A-Za-z0-9_.=-]{0,80}$/),
      fc.constantFrom('..', '...', 'e30.e30.e30', 'eyJhbGciOiJub25lIn0.e30.'),
    )
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('Authorization', 'X-API-Key'), async (value, name) => {
        const header: readonly [string, string] = [name, name === 'Authorization' ? `Bearer ${value}` : value]
        const { trueStatus } = await one.ask({ target: '/admin/x', headers: [header] })
        expect(trueStatus).toBe(401)
      }),
      { numRuns: 800 },
    )
    expect((await one.ask({ target: '/admin/x', headers: [['X-API-Key', key]] })).trueStatus).toBe(200)
  })

  it('X03 a throw while deciding is a denial, told to nobody but the record', async () => {
    const broken = serviceOf(policy, {
      variables,
      decide: () => {
        throw new Error('inner detail')
      },
    })
    const { trueStatus, body, line, headers } = await broken.ask({ target: '/public/x' })
    expect(trueStatus).toBe(503)
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(body).not.toContain('inner detail')
    expect(line).toContain('inner detail')
    expect(line).not.toContain('at ')
  })
})

describe('the direct way', () => {
  it('X01 is closed to whoever is not a configured proxy, with perfect headers or not (CVE-2026-20896)', async () => {
    const lines = [...fieldsOf({ target: '/public/x' }, 'traefik'), ['X-Auth-User', 'root'] as const]
    const { status, headers, reason } = await service().check('traefik', lines, '10.0.0.9')
    expect(status).toBe(403)
    expect(reason).toBe('proxy_untrusted')
    expect([...headers.keys()].filter((name) => name.startsWith('x-auth'))).toEqual([])
  })

  it('X01 asks for the secret as well as the peer where both are configured, exactly once', async () => {
    const guarded = serviceOf(
      policy.replace(
        'traefik: { peers: [127.0.0.1] }',
        'traefik: { peers: [127.0.0.1], secret: "${PROXY}" }',
      ),
      {
        variables: { ...variables, PROXY: strong('proxy') },
      },
    )
    const lines = fieldsOf({ target: '/public/x' }, 'traefik')
    const right = ['X-Postern-Secret', strong('proxy')] as const
    const status = async (more: Lines, peer?: string) =>
      (await guarded.check('traefik', [...lines, ...more], peer)).status
    expect(await status([right])).toBe(200)
    expect(await status([])).toBe(403)
    expect(await status([['X-Postern-Secret', `${strong('proxy')}x`]])).toBe(403)
    expect(await status([right, right])).toBe(403)
    expect(await status([right], '10.0.0.9')).toBe(403)
  })
})

describe('the catalogue', () => {
  it('has a named test for each of its rows', () => {
    const folder = new URL('.', import.meta.url).pathname
    const titles = globSync('**/*.ts', { cwd: folder })
      .map((file) => readFileSync(join(folder, file), 'utf8'))
      .join('\n')
    const named = new Set(
      [...titles.matchAll(/['"`]((?:[A-Z]\d\d:? )+)/g)].flatMap(
        ([, ids = '']) => ids.match(/[A-Z]\d\d/g) ?? [],
      ),
    )
    expect(ROWS.filter((row) => !named.has(row))).toEqual([])
  })
})

const ROWS = [
  ...['J01', 'J02', 'J03', 'J05', 'J06', 'J09', 'J11', 'J13', 'J15', 'J18', 'J20', 'J22', 'J25'],
  ...['K01', 'K02', 'K04', 'K05', 'K07', 'P01', 'P02', 'P05', 'P07', 'P08', 'P10'],
  ...['H01', 'H02', 'H04', 'H05', 'H08', 'H10', 'I01', 'I02', 'I05', 'R01', 'R03', 'R05', 'R07'],
  ...['C01', 'W01', 'X01', 'X03', 'X04', 'X06', 'X07'],
]
