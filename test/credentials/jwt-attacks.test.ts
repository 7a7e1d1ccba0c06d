import { exportJWK, exportSPKI } from 'jose'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { FetchRules } from '../../src/credentials/contract.ts'
import { requestOf } from '../support/ports.ts'
import type { IssuerServer, Pair } from './jwt/support.ts'
import {
  AUDIENCE,
  b64,
  build,
  claims,
  forge,
  ISSUER,
  issuerServer,
  outside,
  pair,
  read,
  remote,
  requestWith,
  SECRET,
  START,
  sign,
  symmetric,
} from './jwt/support.ts'

/** The J rows of the attack catalogue: each is refused, and for what it is. */

const HS = { alg: 'HS256' }
const secrets = { SECRET }
const built = (over: Readonly<Record<string, unknown>> = {}) => build(symmetric(over), { secrets })
const judge = (token: string, over: Readonly<Record<string, unknown>> = {}) => built(over).verdict(token)

let rsa: Pair
let pem: string
const servers: IssuerServer[] = []

beforeAll(async () => {
  rsa = await pair('RS256', 'good')
  pem = await exportSPKI(rsa.publicKey)
})

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serving(keys: readonly unknown[]): Promise<IssuerServer> {
  const server = await issuerServer({ keys })
  servers.push(server)
  return server
}

const withPem = () =>
  build({ company: { issuer: ISSUER, audience: AUDIENCE, keys: { pem }, algorithms: ['RS256'] } })

describe('J01 alg none', () => {
  it.each(['none', 'None', 'nOnE', 'NONE', '', ' none', 'HS256 ', 'hs256'])(
    'J01 refuses alg %j, signed or not',
    async (alg) => {
      const input = `${b64({ alg })}.${b64(claims())}`
      expect(await judge(`${input}.`)).toBe('credential_malformed')
      expect(await judge(`${input}.AAAA`)).toBe('credential_invalid')
      expect(await judge(forge({ alg }, claims()))).toBe('credential_invalid')
    },
  )

  it.each([undefined, null, 0, true, ['HS256'], { 0: 'HS256' }])('J01 refuses alg %j', async (alg) =>
    expect(await judge(forge({ alg }, claims()))).toBe('credential_malformed'),
  )

  it('J01 refuses an empty signature under a listed algorithm', async () => {
    const [header, payload] = forge(HS, claims()).split('.')
    expect(await judge(`${header}.${payload}.`)).toBe('credential_malformed')
    expect(await judge(`${header}.${payload}`)).toBe('credential_malformed')
  })
})

describe('J02 a public key as HMAC secret', () => {
  it('J02 refuses HS256 signed with the PEM of the RSA key, in any spacing', async () => {
    const { verdict } = withPem()
    for (const secret of [pem, pem.trim(), `${pem}\n`, `\n ${pem}`, pem.replace(/-----[^-]+-----|\s/g, '')]) {
      expect(await verdict(forge(HS, claims(), secret))).toBe('credential_invalid')
    }
  })

  it('J02 refuses a policy that gives a PEM as the secret, also behind white space', () => {
    for (const value of [pem, ` \n\t${pem}`]) {
      expect(read(symmetric(), { SECRET: value }).problems.join()).toContain(
        'company.keys.secret is a PEM key',
      )
    }
  })

  it('J02 refuses a policy that lets HMAC and public keys share an issuer', () => {
    const given = { issuer: ISSUER, audience: AUDIENCE, keys: { pem } }
    expect(read({ a: { ...given, algorithms: ['RS256', 'HS256'] } }).problems.join()).toContain('mixes HS256')
    expect(read({ a: { ...given, algorithms: ['HS256'] } }).problems.join()).toContain('HS256 needs')
  })
})

describe('J03 a key that lets the token choose', () => {
  it('J03 takes only listed algorithms, though the key in the set names none', async () => {
    const { alg: _, use: __, ...jwk } = rsa.jwk
    const server = await serving([jwk])
    const { verdict } = build(remote(server.url))
    const raw = await crypto.subtle.exportKey('pkcs8', rsa.privateKey)
    const other = async (name: string, hash: string) =>
      crypto.subtle.importKey('pkcs8', raw, { name, hash }, false, ['sign'])
    expect(await verdict(await sign(rsa))).toBe('accepted')
    for (const [alg, key] of [
      ['RS512', await other('RSASSA-PKCS1-v1_5', 'SHA-512')],
      ['PS256', await other('RSA-PSS', 'SHA-256')],
    ] as const) {
      expect(await verdict(await sign({ alg, kid: 'good', privateKey: key }))).toBe('credential_invalid')
    }
  })

  it('J03 refuses HS256 against a key set, also where the set holds a symmetric key', async () => {
    const server = await serving([rsa.jwk, { kty: 'oct', k: b64(SECRET), kid: 'hmac', alg: 'HS256' }])
    const { verdict } = build(remote(server.url))
    for (const kid of ['good', 'hmac', undefined]) {
      expect(await verdict(forge({ ...HS, kid }, claims()))).toBe('credential_invalid')
      expect(await verdict(forge({ ...HS, kid }, claims(), pem))).toBe('credential_invalid')
    }
  })
})

describe('J05 keys that the token brings', () => {
  it('J05 ignores jku, x5u, x5c and jwk, and fetches nothing from them', async () => {
    const attacker = await pair('RS256', 'good')
    const server = await serving([rsa.jwk])
    const hostile = await serving([attacker.jwk])
    const { verdict, outside: at } = build(remote(server.url))
    const jwk = await exportJWK(attacker.publicKey)
    for (const header of [{ jku: hostile.url }, { x5u: hostile.url }, { jwk }, { x5c: ['MIIB'] }]) {
      expect(await verdict(await sign(attacker, claims(), header))).toBe('credential_invalid')
      expect(await verdict(await sign(rsa, claims(), header))).toBe('accepted')
    }
    expect(hostile.paths).toEqual([])
    expect(new Set(at.fetched)).toEqual(new Set([server.url]))
  })
})

describe('J06 critical extensions', () => {
  it.each([[['x']], [[]], [['exp']], [['b64']], ['x'], [null], [[1]], [['alg', 'alg']]])(
    'J06 refuses crit %j',
    async (crit) => {
      const header = { ...HS, crit, x: 1 }
      expect(await judge(forge(header, claims()))).toBe('credential_invalid')
    },
  )

  it('J06 refuses an unencoded payload, critical or not', async () => {
    expect(await judge(forge({ ...HS, b64: false, crit: ['b64'] }, claims()))).toBe('credential_malformed')
    expect(await judge(forge({ ...HS, b64: true }, claims()))).toBe('credential_malformed')
  })
})

describe('J09 size and depth', () => {
  it('J09 refuses 2 MB at once, before anything of it is decoded or digested', () => {
    const { authenticator } = build(symmetric(), {
      secrets,
      at: Object.assign(outside(), {
        sha256: () => {
          throw new Error('digested')
        },
      }),
    })
    const found = authenticator.authenticate(
      requestWith([`Bearer ${'A'.repeat(2_000_000)}`], START),
      new Set(['company']),
    )
    expect(found).toEqual({ is: 'rejected', reason: 'credential_malformed' })
  })

  it('J09 takes a token of 8 KiB and refuses one that is a character longer', async () => {
    const fill = (length: number): string => {
      for (let size = length; size > 0; size--) {
        const token = forge(HS, claims({ fill: 'x'.repeat(size) }))
        if (token.length <= length) return token
      }
      return ''
    }
    expect(fill(8192).length).toBeGreaterThan(8190)
    expect(await judge(fill(8192))).toBe('accepted')
    expect(await judge(forge(HS, claims({ fill: 'x'.repeat(6100) })))).toBe('credential_malformed')
  })

  it.each([33, 2000])('J09 refuses %i nested arrays, truly signed, without throwing', async (depth) => {
    const payload = `{"iss":"${ISSUER}","a":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(await judge(forge(HS, payload))).toBe('credential_malformed')
    expect(await judge(forge(`{"alg":"HS256","a":${'['.repeat(depth)}${']'.repeat(depth)}}`, claims()))).toBe(
      'credential_malformed',
    )
  })

  it('J09 refuses 200,000 nested arrays without throwing', async () => {
    expect(await judge(forge(HS, `{"a":${'['.repeat(200_000)}`))).toBe('credential_malformed')
  })
})

describe('J11 expiry', () => {
  const text = (exp: string) =>
    `{"iss":"${ISSUER}","aud":"${AUDIENCE}","sub":"alice"${exp === '' ? '' : `,"exp":${exp}`}}`

  it.each([
    ['', 'credential_invalid'],
    ['1e400', 'credential_invalid'],
    ['-1e400', 'credential_invalid'],
    [String(START + 600_000), 'credential_invalid'],
    ['1e300', 'credential_invalid'],
    ['1e306', 'credential_invalid'],
    [`"${START / 1000 + 600}"`, 'credential_invalid'],
    ['null', 'credential_invalid'],
    ['true', 'credential_invalid'],
    [`[${START / 1000 + 600}]`, 'credential_invalid'],
    ['{}', 'credential_invalid'],
    ['0', 'credential_expired'],
    ['-1', 'credential_expired'],
    [String(START / 1000 + 600), 'accepted'],
  ])('J11 exp %s: %s', async (exp, expected) => expect(await judge(forge(HS, text(exp)))).toBe(expected))

  it('J11 refuses a lifetime in milliseconds where a maximum age is set, too', async () => {
    expect(await judge(forge(HS, claims({ exp: START })), { maxAge: '1h' })).toBe('credential_invalid')
  })
})

describe('J13 audience', () => {
  it.each([
    [['other', AUDIENCE], 'accepted'],
    [AUDIENCE, 'accepted'],
    [undefined, 'credential_invalid'],
    [null, 'credential_invalid'],
    [[], 'credential_invalid'],
    ['', 'credential_invalid'],
    ['omn', 'credential_invalid'],
    ['omni ', 'credential_invalid'],
    ['OMNI', 'credential_invalid'],
    ['omni,other', 'credential_invalid'],
    [{ includes: AUDIENCE }, 'credential_invalid'],
    [{ 0: AUDIENCE, length: 1 }, 'credential_invalid'],
    [[[AUDIENCE]], 'credential_invalid'],
    [[AUDIENCE, 1], 'credential_invalid'],
    [true, 'credential_invalid'],
  ])('J13 aud %j: %s', async (aud, expected) =>
    expect(await judge(forge(HS, claims({ aud })))).toBe(expected),
  )
})

describe('J15 tokens of another type', () => {
  it.each(['logout+jwt', 'JWT', undefined, 'dpop+jwt', 'application/jwt'])(
    'J15 refuses typ %s where at+jwt is required',
    async (typ) =>
      expect(await judge(forge({ ...HS, typ }, claims()), { typ: 'at+jwt' })).toBe('credential_invalid'),
  )

  it.each([
    'logout+jwt',
    'LOGOUT+JWT',
    'application/logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'token-introspection+jwt',
    'oauth-authz-req+jwt',
    'vc+sd-jwt',
    'kb+jwt',
    'id+jwt',
    'anything',
  ])('J15 refuses typ %s also where no type is required', async (typ) =>
    expect(await judge(forge({ ...HS, typ }, claims()))).toBe('credential_invalid'),
  )
})

describe('J18 weak secrets', () => {
  it.each([
    '',
    'x',
    'secret',
    'changeme',
    'a'.repeat(32),
    'secretsecretsecretsecretsecretsecret',
    'k7Jv0oQ2Yw9ZpXc4RtL8mN1bH6gF3dS',
  ])('J18 refuses to start with the secret %j, without showing it', (value) => {
    const { problems } = read(symmetric(), { SECRET: value })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^company\.keys\.secret is (too short|too regular|a placeholder)/)
    if (value.length > 8) expect(problems[0]).not.toContain(value)
  })
})

describe('J20 a flood of unknown kids', () => {
  const flood = async (
    verdict: (token: string) => Promise<string>,
    advance: (n: number) => void,
    count = 1000,
  ) => {
    const [, payload, signature] = (await sign(rsa)).split('.')
    const found = new Set<string>()
    for (let n = 0; n < count; n++) {
      advance(n)
      found.add(
        await verdict(`${b64({ alg: 'RS256', kid: `kid-${Math.random()}` })}.${payload}.${signature}`),
      )
    }
    return [...found]
  }

  it('J20 causes one fetch a cooldown and one burst, with the key set up and then down', async () => {
    const server = await serving([rsa.jwk])
    const { verdict, outside: at } = build(remote(server.url))
    const advance = () => {
      at.clock++
    }
    expect(await verdict(await sign(rsa))).toBe('accepted')
    expect(server.paths).toHaveLength(1)
    expect(await flood(verdict, advance)).toEqual(['credential_invalid'])
    expect(server.paths).toHaveLength(2)

    at.clock += 31_000
    server.handle((_, response) => response.writeHead(500).end())
    expect(await flood(verdict, advance)).toEqual(['credential_invalid'])
    expect(server.paths).toHaveLength(3)
    at.clock += 31_000
    expect(await flood(verdict, advance)).toEqual(['credential_invalid'])
    expect(server.paths).toHaveLength(4)
    expect(await verdict(await sign(rsa))).toBe('accepted')
  })

  it('J20 causes one fetch when it comes all at once', async () => {
    const server = await serving([rsa.jwk])
    const { verdict } = build(remote(server.url))
    await verdict(await sign(rsa))
    const found = await Promise.all(Array.from({ length: 20 }, () => flood(verdict, () => {}, 50)))
    expect(new Set(found.flat())).toEqual(new Set(['credential_invalid']))
    expect(server.paths).toHaveLength(2)
  })

  it('J20 is answered unavailable when there are no keys at all, after one fetch', async () => {
    const server = await serving([])
    server.handle((_, response) => response.writeHead(500).end())
    const { verdict, outside: at } = build(remote(server.url))
    const advance = () => {
      at.clock++
    }
    expect(await flood(verdict, advance)).toEqual(['issuer_unavailable'])
    expect(server.paths).toHaveLength(1)
  })
})

describe('J22 where keys are fetched from', () => {
  it('J22 takes no address from the token or from a header', async () => {
    const server = await serving([rsa.jwk])
    const hostile = await serving([rsa.jwk])
    const { verdict, authenticator, outside: at } = build(remote(server.url))
    for (const iss of [hostile.url, `${hostile.url}/.well-known/jwks.json`, `${ISSUER}@${hostile.url}`]) {
      expect(await verdict(await sign(rsa, claims({ iss, jwks_uri: hostile.url })))).toBe('issuer_refused')
    }
    const lines: Readonly<Record<string, string>> = {
      authorization: `Bearer ${await sign(rsa)}`,
      'x-forwarded-host': hostile.url,
      'x-jwks-uri': hostile.url,
      host: hostile.url,
    }
    const headers = { lines: (name: string) => [lines[name] ?? []].flat(), names: () => Object.keys(lines) }
    const request = requestOf({ headers, now: at.clock })
    expect(await authenticator.authenticate(request, new Set(['company']))).toMatchObject({ is: 'accepted' })
    expect(hostile.paths).toEqual([])
    expect(at.fetched).toEqual([server.url])
  })

  it('J22 refuses http and private addresses without an opt-in, in the policy and at the connection', async () => {
    const server = await serving([rsa.jwk])
    const { problems } = read(remote(server.url, { keys: { jwks: server.url } }))
    expect(problems.join()).toContain('is not https')
    const asked: FetchRules[] = []
    const at = outside({
      fetchText: async (_, rules) => {
        asked.push(rules)
        throw new Error('refused')
      },
    })
    const { verdict } = build(remote('', { keys: { jwks: 'https://keys.example.com/jwks' } }), { at })
    expect(await verdict(await sign(rsa))).toBe('issuer_unavailable')
    expect(asked).toEqual([{ maxBytes: 262_144, timeout: 5000, http: false, private: false }])
  })
})

describe('J25 a JWT beside another credential', () => {
  it('J25 judges the token whatever else is presented, so a bad one is never rescued', async () => {
    const { authenticator } = built()
    const request = (token: string) => {
      const lines: Readonly<Record<string, string>> = {
        authorization: `Bearer ${token}`,
        'x-api-key': 'ak_good',
      }
      const headers = { lines: (name: string) => [lines[name] ?? []].flat(), names: () => Object.keys(lines) }
      return requestOf({ headers, now: START })
    }
    const accepts = new Set(['company'])
    const bad = forge(HS, claims(), 'another secret of enough length!!')
    expect(await authenticator.authenticate(request(bad), accepts)).toEqual({
      is: 'rejected',
      reason: 'credential_invalid',
    })
    expect(await authenticator.authenticate(request('x'), accepts)).toEqual({
      is: 'rejected',
      reason: 'credential_malformed',
    })
    expect(await authenticator.authenticate(request(forge(HS, claims())), accepts)).toMatchObject({
      is: 'accepted',
    })
  })
})

describe('what jose leaves open', () => {
  it.each([
    ['header', `{"alg":"HS256","alg":"HS256"}`, JSON.stringify(claims())],
    ['header, masked', `{"alg":"HS256","\\u0061lg":"none"}`, JSON.stringify(claims())],
    ['payload', '{"alg":"HS256"}', `${JSON.stringify(claims()).slice(0, -1)},"sub":"root"}`],
    ['payload, masked', '{"alg":"HS256"}', `${JSON.stringify(claims()).slice(0, -1)},"s\\u0075b":"root"}`],
    ['payload, within', '{"alg":"HS256"}', `${JSON.stringify(claims()).slice(0, -1)},"a":[{"b":1,"b":2}]}`],
  ])('refuses a duplicate member in the %s', async (_, header, payload) =>
    expect(await judge(forge(header, payload))).toBe('credential_malformed'),
  )

  it('refuses every other spelling of a good token', async () => {
    const good = forge(HS, claims({ pad: 'x' }))
    const { verdict } = built()
    expect(await verdict(good)).toBe('accepted')
    const [header = '', payload = '', signature = ''] = good.split('.')
    const last = signature.slice(-1)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const twin = alphabet[alphabet.indexOf(last) + 1] ?? ''
    const spellings = [
      `${header}.${payload}.${signature}=`,
      `${header}==.${payload}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -1)}${twin}`,
      `${header}.${payload}\n.${signature}`,
      `${header}.${payload}.${signature.replace(/-/g, '+').replace(/_/g, '/')}+`,
      `${good}.`,
      `${good}..`,
    ]
    for (const spelling of spellings) expect(await verdict(spelling)).toBe('credential_malformed')
  })

  it.each([
    '[]',
    '"x"',
    'null',
    '1',
    '',
    '{',
    `\ufeff${JSON.stringify(claims())}`,
    `${JSON.stringify(claims())}x`,
  ])('refuses a payload or header that is no JSON object: %j', async (text) => {
    expect(await judge(forge(HS, text === '' ? ' ' : text))).toBe('credential_malformed')
    expect(await judge(forge(text === '' ? ' ' : text, claims()))).toBe('credential_malformed')
  })

  it.each([1, null, ['a'], {}, 'x'.repeat(257)])('refuses the kid %j', async (kid) =>
    expect(await judge(forge({ ...HS, kid }, claims()))).toBe('credential_malformed'),
  )

  it('refuses an encrypted token', async () => {
    expect(await judge(`${b64({ alg: 'dir', enc: 'A256GCM' })}..YWFh.YWFh.YWFh`)).toBe('credential_malformed')
    expect(await judge(forge({ ...HS, enc: 'A256GCM' }, claims()))).toBe('credential_malformed')
  })

  it('takes no claim from a prototype', async () => {
    const payload = `{"__proto__":${JSON.stringify(claims())}}`
    expect(await judge(forge(HS, payload))).toBe('issuer_refused')
    expect(await judge(forge(`{"__proto__":{"alg":"HS256"}}`, claims()))).toBe('credential_malformed')
  })
})
