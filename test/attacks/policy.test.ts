/** Slips in a policy: each stops the start, with its place. */
import { describe, expect, it } from 'vitest'
import { environmentOf, problemsOf, strong } from '../support/policy.ts'
import { serviceOf } from '../support/service.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { VENDOR_PEM } from './forge.ts'

const named = (id: string, says: string) => titled(attack(id), says)

const BASE = `
proxies: { traefik: { peers: [127.0.0.1] } }
routes: { open: { match: { path: /open }, credentials: [anonymous] } }
`
const refused = (text: string, environment = environmentOf({ SECRET: strong('jwt') })) => {
  const problems = problemsOf(text, environment)
  expect(problems, text).not.toEqual([])
  for (const problem of problems) expect(problem, text).toMatch(/^test\.yaml:\d+:\d+ .*: /)
  return problems
}
const issuer = (keys: string, more = 'algorithms: [HS256]') =>
  `${BASE}issuers: { a: { issuer: "https://a.example", audience: [x], keys: ${keys}, ${more} } }\n`

describe('postern does not start with', () => {
  it(named('X07', 'a policy with a slip in it'), () => {
    expect(problemsOf(BASE)).toEqual([])
    for (const text of [
      ...['', 'null', '[]', '{}', '"x"', '\t', 'a: &a [*a]', 'x: !!js/function "x"', '{', '\0'],
      `${BASE}__proto__: { routes: {} }`,
      `${BASE}roles: { __proto__: { permissions: ["*"] } }`,
      `${BASE}roles: { constructor: {} }`,
      `${BASE}unknown: true`,
      `${BASE}routes: {}`,
      `${BASE}default: allow`,
      `${BASE}allowByDefault: true`,
      BASE.replace('credentials: [anonymous]', 'credentials: []'),
      BASE.replace('credentials: [anonymous]', 'credentials: [everybody]'),
      BASE.replace('credentials: [anonymous]', 'credentials: [jwt:nobody]'),
      BASE.replace(', credentials: [anonymous]', ''),
      BASE.replace('credentials: [anonymous]', 'credentials: [anonymous], credential: [api-key]'),
      BASE.replace('open: {', 'open: { match: { path: /admin }, credentials: [anonymous] }, open: {'),
      BASE.replace('path: /open', 'path: open'),
      BASE.replace('path: /open', 'path: /a/../open'),
      BASE.replace('path: /open', 'path: "/open?x"'),
      BASE.replace('path: /open', 'path: "/**/open"'),
      BASE.replace('path: /open', 'path: /open, host: "a b"'),
      BASE.replace('path: /open', 'path: /open, regex: ".*"'),
      BASE.replace('[anonymous]', '[anonymous], limits: [nothing]'),
      BASE.replace('[anonymous]', '[anonymous], require: { roles: [nobody] }'),
      BASE.replace('[anonymous]', '[anonymous], preflight: true'),
      JSON.stringify({ proxies: { traefik: { peers: ['127.0.0.1'] } }, routes: {}, x: 1 }),
      '{"proxies":{"traefik":{"peers":["127.0.0.1"]}},"proxies":{},"routes":{}}',
    ])
      refused(text)
    // A missing variable, and one that is empty.
    for (const variables of [{}, { SECRET: '' }])
      refused(issuer('{ secret: "${SECRET}" }'), environmentOf(variables))
    refused(issuer('{ secret: "${SECRET:-a-fallback-that-is-long-enough-000}" }'))
    refused(issuer(`{ secret: "${strong('in the file')}" }`))
  })

  it(named('3.2', 'a proxy that need not prove itself'), () => {
    for (const entry of [
      ...[
        '{}',
        '{ peers: [] }',
        '{ peers: [0.0.0.0/0] }',
        '{ peers: ["::/0"] }',
        '{ peers: [0.0.0.0/0], secret: "${SECRET}" }',
      ],
      ...[
        '{ peers: [127.0.0.1, "::/0"] }',
        '{ secret: "" }',
        '{ secret: short }',
        '{ secret: "${SHORT}" }',
        '{ certificates: [] }',
      ],
      ...[
        '{ peers: [0.0.0.0/1, 128.0.0.0/1] }',
        '{ peers: [10.0.0.5/8] }',
        '{ peers: [localhost] }',
        '{ peers: [127.0.0.1], trust: all }',
      ],
    ])
      refused(
        BASE.replace('{ peers: [127.0.0.1] }', entry),
        environmentOf({ SECRET: strong('x'), SHORT: 'short' }),
      )
    refused(BASE.replace('traefik:', 'unknown:'))
    refused('proxies: {}\nroutes: { open: { match: { path: /open }, credentials: [anonymous] } }\n')
  })

  it(named('I05', 'a list of networks that would let in everybody, or nobody meant'), () => {
    const networks = (text: string) =>
      BASE.replace('[anonymous]', `[anonymous], networks: { allow: ${text} }`)
    expect(problemsOf(networks('[10.0.0.0/8]'))).toEqual([])
    for (const text of [
      ...[
        '[]',
        '[0.0.0.0/0]',
        '["::/0"]',
        '[10.0.0.0/33]',
        '[10.0.0.5/8]',
        '["2001:db8::1/32"]',
        '[10.0.0.0/-1]',
        '[10.0.0.0/08]',
      ],
      ...[
        '[10.0.0]',
        '[010.0.0.0/8]',
        '["::ffff:10.0.0.0/129"]',
        '[10.0.0.0/8/8]',
        '["10.0.0.0/ 8"]',
        '[any]',
        '["*"]',
        '[""]',
        'all',
      ],
      ...['[10.0.0.0/8, 0.0.0.0/0]', '[0.0.0.0/1, 128.0.0.0/1]'],
    ])
      refused(networks(text))
    for (const hops of ['[0.0.0.0/0]', '[0.0.0.0/1, 128.0.0.0/1]', '["::/0"]', '[10.0.0.5/8]', '[everybody]'])
      refused(`${BASE}trustedHops: ${hops}\n`)
  })

  it(named('J18', 'a secret that can be guessed'), () => {
    for (const secret of [
      '',
      's',
      'secret',
      'changeme',
      'a'.repeat(32),
      'secret'.repeat(8),
      '0123456789'.repeat(4),
      'password'.repeat(5),
    ]) {
      const problems = refused(issuer('{ secret: "${SECRET}" }'), environmentOf({ SECRET: secret }))
      if (secret.length > 8) expect(problems.join()).not.toContain(secret)
    }
  })

  it(named('J02', 'a public key where a secret belongs'), () => {
    const flat = VENDOR_PEM.replaceAll('\n', '\\n')
    for (const secret of [
      VENDOR_PEM,
      ` ${VENDOR_PEM}`,
      `\n\n${VENDOR_PEM}`,
      VENDOR_PEM.trim(),
      VENDOR_PEM.toLowerCase(),
      `\ufeff${VENDOR_PEM}`,
      flat,
    ])
      refused(issuer('{ secret: "${SECRET}" }'), environmentOf({ SECRET: secret }))
    refused(issuer('{ secret: "${SECRET}" }', 'algorithms: [HS256, RS256]'))
    refused(issuer('{ pem: "${PEM}" }', 'algorithms: [HS256]'), environmentOf({ PEM: VENDOR_PEM }))
    refused(issuer('{ pem: "${PEM}" }', 'algorithms: [none]'), environmentOf({ PEM: VENDOR_PEM }))
    refused(issuer('{ pem: "${PEM}" }', 'algorithms: []'), environmentOf({ PEM: VENDOR_PEM }))
  })

  it(named('J22', 'keys over http or on a private address without a word'), () => {
    const jwks = (url: string, more = '') => issuer(`{ jwks: "${url}"${more} }`, 'algorithms: [RS256]')
    expect(problemsOf(jwks('https://keys.example.com/jwks'))).toEqual([])
    for (const url of [
      ...[
        'http://keys.example.com/jwks',
        'ftp://keys.example.com/',
        'file:///etc/passwd',
        'data:application/json,{}',
        'keys',
        '',
      ],
      ...[
        'https://user:pass@keys.example.com/',
        'https://127.0.0.1/keys',
        'https://[::1]/keys',
        'https://10.0.0.1/',
        'https://169.254.169.254/latest',
      ],
      ...['https://2130706433/', 'https://0x7f.1/', 'https://[::ffff:127.0.0.1]/', 'https://localhost/keys'],
    ])
      refused(jwks(url))
    refused(jwks('http://127.0.0.1/keys', ', allow: [http]'))
    refused(jwks('http://127.0.0.1/keys', ', allow: [private]'))
    refused(jwks('https://keys.example.com/jwks', ', allow: [everything]'))
  })
})

it(named('X07', 'a policy that opens nothing lets nobody in'), async () => {
  const one = serviceOf(BASE)
  for (const target of ['/', '/other', '/open/x', '/openx', '/OPEN', '/open%2f..'])
    for (const method of ['GET', 'POST', 'OPTIONS'])
      expect((await one.ask({ target, method })).trueStatus, target).toBeGreaterThanOrEqual(400)
  expect((await one.ask({ target: '/open' })).trueStatus).toBe(200)
})
