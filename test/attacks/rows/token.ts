/** Bearer tokens. */
import type { Line } from '../../e2e/wire.ts'
import type { AttackClass, Attempt } from '../attack.ts'
import {
  access,
  base64url,
  bearer,
  byPartner,
  byStranger,
  byVendor,
  COMPANY,
  claims,
  ecSignatures,
  hmac,
  input,
  type Json,
  KEYS,
  key,
  STRANGER_JWK,
  VENDOR_DER,
  VENDOR_PEM,
  withPublicJwk,
  withPublicKey,
} from '../forge.ts'
import type { Caller } from '../stage.ts'

/** Tokens for a route, all refused; made when they are sent. */
const refused = (target: string, make: () => readonly string[], count: number): Attempt[] =>
  Array.from({ length: count }, (_, at) => ({
    target,
    headers: () => [bearer(make()[at] ?? 'missing')],
    status: 401,
  }))

const lines = (headers: () => readonly Line[], status = 401, more: Partial<Attempt> = {}): Attempt => ({
  target: '/docs/x',
  headers,
  status,
  ...more,
})

/** One that is good in all but this, and one that is good. */
const company = (claim: () => unknown, status = 401): Attempt =>
  lines(() => [bearer(hmac(claim()))], status, { caller: 'alice' })

const good = (target: string, caller: Caller, make: () => string): Attempt => ({
  target,
  headers: () => [bearer(make())],
  caller,
  status: 200,
})

const now = (): number => Math.floor(Date.now() / 1000)
const withExp = (text: string): string =>
  JSON.stringify(claims({ exp: 0 })).replace('"exp":0', `"exp":${text}`)
const EVIL = 'https://evil.example.com/keys'

const NONES = ['none', 'None', 'nOnE', 'NONE', '', ' none', 'HS256 ', 'hs256', 'HS\u0000256']
const OTHER_ALGS: readonly unknown[] = [
  undefined,
  null,
  0,
  true,
  ['HS256'],
  ['none', 'HS256'],
  { 0: 'HS256' },
]

export const TOKENS: AttackClass = {
  name: 'Tokens',
  intro:
    'Issuers of four kinds (HMAC secret, RSA key in PEM, EC key as JWK without `alg`, access tokens by type) and tokens that are good in all but one thing. Beside each stands one that passes, or the refusals would show nothing.',
  attacks: [
    {
      id: 'J01',
      attack:
        'no signature: `alg` none in any case, empty, of another type, or an empty signature under the right one',
      references: ['CVE-2022-23540', 'RFC 8725 section 3.1'],
      outcome: '401',
      attempts: [
        good('/docs/x', 'alice', () => hmac()),
        ...NONES.flatMap((alg): Attempt[] => [
          lines(() => [bearer(`${input({ alg }, claims())}.`)]),
          lines(() => [bearer(hmac(claims(), { alg }))]),
        ]),
        ...OTHER_ALGS.map((alg) => lines(() => [bearer(hmac(claims(), { alg }))])),
        lines(() => [bearer(`${input({ alg: 'HS256' }, claims())}.`)]),
        lines(() => [bearer(input({ alg: 'HS256' }, claims()))]),
        lines(() => [bearer(hmac(claims(), { alg: 'HS256' }, ''))]),
        lines(() => [bearer(hmac(claims(), { alg: 'HS256' }, '\u0000'))]),
      ],
    },
    {
      id: 'J02',
      attack: 'the public RSA key as an HMAC secret: as PEM, with white space, without its lines, as DER',
      references: ['CVE-2026-34950', 'CVE-2023-48223', 'CVE-2022-23541', 'RFC 8725 section 3.1'],
      outcome: '401; a policy that gives a PEM as a secret does not start',
      attempts: [
        good('/vendor/x', 'vendor', () => byVendor()),
        ...refused(
          '/vendor/x',
          () => [VENDOR_PEM, VENDOR_PEM.trim(), ` ${VENDOR_PEM}`, `\n${VENDOR_PEM}`].map(withPublicKey),
          4,
        ),
        ...refused(
          '/vendor/x',
          () =>
            [
              VENDOR_PEM.replaceAll('\n', '\r\n'),
              VENDOR_PEM.replaceAll('\n', ''),
              VENDOR_DER,
              base64url(VENDOR_DER),
            ].map(withPublicKey),
          4,
        ),
      ],
      shown: [
        {
          file: 'attacks/policy.test.ts',
          title: 'a public key where a secret belongs',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'J03',
      attack:
        'lets the token choose among algorithms for a key that names none: the JWK, its text and its coordinates as secrets',
      references: [
        'CVE-2026-22817',
        'GHSA-f67f-6cw9-8mq4',
        'CVE-2026-22818',
        'CVE-2022-23539',
        'RFC 8725 section 3.1',
      ],
      outcome: '401: the issuer’s own list decides',
      attempts: [
        good('/partner/x', 'partner', () => byPartner()),
        ...refused('/partner/x', withPublicJwk, 3),
        ...refused(
          '/partner/x',
          () => [
            byPartner({}, { alg: 'HS256', kid: 'p1' }),
            byPartner({}, { alg: 'ES384', kid: 'p1' }, 'sha384'),
          ],
          2,
        ),
        ...refused(
          '/vendor/x',
          () => [byVendor({}, { alg: 'RS512' }, 'sha512'), byVendor({}, { alg: 'PS256' })],
          2,
        ),
        ...refused('/docs/x', () => [hmac(claims(), { alg: 'HS512' }, undefined, 'sha512')], 1),
      ],
      shown: [
        {
          file: 'credentials/jwt-attacks.test.ts',
          title: 'J03 refuses HS256 against a key set, also where the set holds a symmetric key',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'J05',
      attack: 'brings its own key, or an address of one: `jwk`, `jku`, `x5u`, `x5c`, `kid` with a path',
      references: ['CVE-2018-0114', 'RFC 7515 section 10', 'RFC 8725 section 3.10'],
      outcome: '401, and nothing is fetched',
      attempts: [
        ...(
          [
            { jwk: STRANGER_JWK, kid: 'mine' },
            { jku: EVIL, kid: 'mine' },
            { x5u: EVIL },
            { x5c: [base64url(VENDOR_DER)] },
            { kid: '../../../../dev/null' },
            { kid: "x' UNION SELECT 'secret" },
            { kid: EVIL },
            { kid: '__proto__' },
            { kid: ['mine'] },
          ] satisfies Json[]
        ).flatMap((header) => refused('/vendor/x', () => [byStranger(header)], 1)),
        ...refused('/docs/x', () => [hmac(claims(), { alg: 'HS256', kid: '/dev/null' }, '')], 1),
      ],
      shown: [
        {
          file: 'attacks/token.test.ts',
          title: 'no token and no header makes Postern fetch from where it says',
          ways: ['Node'],
        },
      ],
    },
    {
      id: 'J06',
      attack: 'demands extensions that nobody knows, or a payload that is not encoded (`crit`, `b64`)',
      references: ['CVE-2026-35042', 'RFC 7515 section 4.1.11', 'RFC 7797'],
      outcome: '401',
      attempts: [
        ...[['x-unknown'], [], 'exp', null, [1], ['alg'], ['b64'], ['exp', 'exp'], {}].map((crit) =>
          lines(() => [bearer(hmac(claims(), { alg: 'HS256', crit, exp: 1, b64: false, 'x-unknown': 1 }))]),
        ),
        lines(() => [bearer(hmac(claims(), { alg: 'HS256', b64: false }))]),
      ],
    },
    {
      id: 'J09',
      attack:
        'size and depth: two megabytes, one byte more than the largest token, thousands of nested arrays, a million digits',
      references: ['CWE-400', 'CWE-674', 'RFC 8725 section 3.11'],
      outcome:
        '401 before anything is parsed (or refused by whoever reads the header); a good token passes right after',
      attempts: [
        lines(() => [bearer(hmac(claims({ pad: 'x'.repeat(2 ** 21) })))], 401, { ways: ['in process'] }),
        lines(() => [bearer('a.'.repeat(2 ** 20))], 401, { ways: ['in process'] }),
        lines(() => [bearer(hmac(claims({ pad: 'x'.repeat(7000) })))]),
        lines(() => [bearer(`${'a'.repeat(8193)}`)]),
        ...[33, 300, 2000].map((depth) =>
          lines(() => [
            bearer(
              hmac(`{"a":${'['.repeat(depth)}${']'.repeat(depth)},${JSON.stringify(claims()).slice(1)}`),
            ),
          ]),
        ),
        lines(() => [bearer(hmac(`{"a":${'{"a":'.repeat(900)}1${'}'.repeat(900)}}`))]),
        lines(() => [bearer(hmac(`{"a":${'9'.repeat(5000)},${JSON.stringify(claims()).slice(1)}`))], 200, {
          caller: 'alice',
        }),
        lines(() => [bearer('.'.repeat(8000))]),
        good('/docs/x', 'alice', () => hmac()),
      ],
    },
    {
      id: 'J11',
      attack:
        'a token without an end: `exp` missing, infinite, in milliseconds, a text, null, zero, negative, long ago',
      references: ['CVE-2026-44459', 'GHSA-hm8q-7f3q-5f36', 'CVE-2026-35039', 'RFC 7519 section 4.1.4'],
      outcome: '401; so are `iat` and `nbf` that are no finite numbers, or lie ahead',
      attempts: [
        company(() => claims({ exp: undefined })),
        ...[
          '1e400',
          '-1e400',
          '1e999',
          'null',
          '""',
          '"9999999999"',
          '0',
          '-1',
          '[]',
          '{}',
          'true',
          '1',
          '-0',
          '1e-400',
        ].map((text) => company(() => withExp(text))),
        company(() => claims({ exp: Date.now() + 60_000 })),
        company(() => claims({ exp: now() - 3600 })),
        company(() => claims({ exp: now() + 86_400 * 365 })),
        company(() => claims({ iat: undefined })),
        company(() => claims({ iat: now() + 3600 })),
        company(() => claims({ iat: '0' })),
        company(() => claims({ nbf: now() + 3600 })),
        company(() => claims({ nbf: '1' })),
        company(() => claims({ nbf: null })),
        company(() => JSON.stringify(claims({ nbf: 1 })).replace('"nbf":1', '"nbf":1e400')),
      ],
    },
    {
      id: 'J13',
      attack: 'a token for somebody else: other, missing or odd audience, a part of ours, another issuer',
      references: ['CVE-2025-62610', 'RFC 7519 section 4.1.3', 'RFC 8725 section 3.8'],
      outcome: '401; a list that holds our audience passes',
      attempts: [
        company(() => claims({ aud: ['other', 'app'] }), 200),
        ...[
          'other',
          'ap',
          'apps',
          'App',
          'app ',
          '',
          null,
          0,
          [],
          ['App'],
          [['app']],
          { includes: 'app' },
          { 0: 'app', length: 1 },
          undefined,
        ].map((aud) => company(() => claims({ aud }))),
        ...[
          `${COMPANY}/`,
          COMPANY.toUpperCase(),
          `${COMPANY}@evil.example.com`,
          'https://evil.example.com',
          '',
          null,
          [COMPANY],
          undefined,
        ].map((iss) => company(() => claims({ iss }))),
        ...['__proto__', 'constructor', 'company', 'toString'].map((iss) => company(() => claims({ iss }))),
      ],
    },
    {
      id: 'J15',
      attack:
        'a token of another kind: logout, ID token, DPoP proof, where access tokens are demanded by type and where they are not',
      references: ['RFC 9068 section 4', 'RFC 8725 section 3.11'],
      outcome: '401',
      attempts: [
        { target: '/access/x', headers: () => [access({ typ: 'at+jwt' })], caller: 'access', status: 200 },
        {
          target: '/access/x',
          headers: () => [access({ typ: 'application/at+jwt' })],
          caller: 'access',
          status: 200,
        },
        ...[
          'JWT',
          'logout+jwt',
          'id+jwt',
          'dpop+jwt',
          'secevent+jwt',
          '',
          null,
          undefined,
          ['at+jwt'],
          'at+jwt ',
        ].map((typ): Attempt => ({ target: '/access/x', headers: () => [access({ typ })], status: 401 })),
        ...['logout+jwt', 'LOGOUT+JWT', 'application/logout+jwt', 'dpop+jwt'].map((typ) =>
          lines(() => [bearer(hmac(claims(), { alg: 'HS256', typ }))]),
        ),
      ],
    },
    {
      id: 'J18',
      attack: 'guesses the HMAC secret: empty, one byte, a placeholder',
      references: ['RFC 7518 section 3.2', 'CWE-521'],
      outcome: 'Postern does not start with a secret of less than 32 bytes, or one that a list has',
      shown: [
        { file: 'attacks/policy.test.ts', title: 'a secret that can be guessed', ways: ['in process'] },
        {
          file: 'credentials/jwt-attacks.test.ts',
          title: 'J18 refuses to start with the secret %j, without showing it',
          ways: ['in process'],
        },
      ],
      attempts: ['', 's', 'secret', 'changeme', '\u0000'.repeat(32)].map((secret) =>
        lines(() => [bearer(hmac(claims(), { alg: 'HS256' }, secret))]),
      ),
    },
    {
      id: 'J20',
      attack:
        'a thousand tokens with made-up key ids, to have the keys fetched a thousand times; the same while the issuer is down',
      references: ['CWE-400', 'CWE-406', 'RFC 7517 section 5'],
      outcome: 'one fetch in each cooldown, failures included; 401, and 503 while there are no keys at all',
      shown: [
        {
          file: 'attacks/token.test.ts',
          title: 'a thousand made-up key ids cause one fetch',
          ways: ['Node'],
        },
        {
          file: 'attacks/token.test.ts',
          title: 'while the issuer is down they are 503, and cause one fetch',
          ways: ['Node'],
        },
        {
          file: 'credentials/jwt-attacks.test.ts',
          title: 'J20 causes one fetch a cooldown and one burst, with the key set up and then down',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'J22',
      attack:
        'has the keys of its choice fetched: an address in the token or in a header; a redirect or an issuer on a private address',
      references: ['CWE-918', 'RFC 8725 section 3.9'],
      outcome: 'only the policy names addresses; https, no redirect, no private address unless it says so',
      shown: [
        {
          file: 'attacks/token.test.ts',
          title: 'no token and no header makes Postern fetch from where it says',
          ways: ['Node'],
        },
        {
          file: 'attacks/policy.test.ts',
          title: 'keys over http or on a private address without a word',
          ways: ['in process'],
        },
        {
          file: 'credentials/jwt-attacks.test.ts',
          title:
            'J22 refuses http and private addresses without an opt-in, in the policy and at the connection',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'J25',
      attack: 'a good credential beside a bad one, in either order and in either header, or two good ones',
      references: ['CWE-287', 'CWE-436', 'RFC 6750 section 2'],
      outcome:
        'one bad denies with 401, two good ones are 400; what counts as presented is not rescued by the other',
      attempts: [
        lines(() => [bearer(hmac()), key(`${KEYS.bot}x`)]),
        lines(() => [key(`${KEYS.bot}x`), bearer(hmac())]),
        lines(() => [bearer(`${hmac()}x`), key(KEYS.bot)]),
        lines(() => [key(KEYS.bot), bearer(`${hmac()}x`)]),
        lines(() => [bearer(hmac()), key(KEYS.bot)], 400),
        lines(() => [bearer(''), key(KEYS.bot)]),
        // A proxy may drop an empty line, and then it was never presented.
        lines(() => [bearer(hmac()), key('')], 401, { ways: ['in process', 'Node', 'workerd'] }),
        lines(() => [bearer(hmac()), key('')], 401, {
          ways: ['proxies'],
          arrives: 'harmless',
          caller: 'alice',
        }),
        lines(() => [bearer(byVendor()), key(KEYS.bot)]),
      ],
    },
    {
      id: 'J26',
      attack:
        'Authorization twice, joined, folded, with another scheme, with blanks and signs around the token',
      references: ['CVE-2026-47673', 'RFC 6750 section 2.1', 'RFC 9110 section 11.4'],
      outcome: '400 for two, 401 for anything that is not one token of the scheme Bearer',
      attempts: [
        lines(() => [bearer(hmac()), bearer(hmac())], 400),
        lines(() => [bearer(hmac()), ['authorization', 'Bearer x']], 400),
        lines(() => [['AUTHORIZATION', 'Basic x'], bearer(hmac())], 400),
        lines(() => [['Authorization', `Bearer ${hmac()}, Bearer ${hmac()}`]], 400),
        lines(() => [['Authorization', `Basic x, Bearer ${hmac()}`]], 400),
        ...['Basic', 'Token', 'JWT', 'Bear', 'Bearerx', 'Negotiate', 'DPoP', ''].map((scheme) =>
          lines(() => [['Authorization', `${scheme} ${hmac()}`]]),
        ),
        ...[
          'Bearer\t',
          'Bearer',
          'Bearer: ',
          'Bearer=',
          'Bearer "',
          "Bearer '",
          'Bearer\u00a0',
          'Bearer Bearer ',
        ].map((before) => lines(() => [['Authorization', `${before}${hmac()}`]])),
        ...[' x', ',', '"', '=', '==', '.', '%', '\u00e9', ' ,'].map((after) =>
          lines(() => [['Authorization', `Bearer ${hmac()}${after}`]], after.includes(',') ? 400 : 401),
        ),
        ...[
          'Authorisation',
          'Proxy-Authorization',
          'X-Authorization',
          'X-Access-Token',
          'X-Forwarded-Access-Token',
          'Auth_orization',
        ].map((name) => lines(() => [[name, `Bearer ${hmac()}`]])),
        // Blanks around a value are no part of it, however it came; or a bad token would hide behind a good key.
        ...[' ', '\t', '  '].flatMap((blank) =>
          [`${blank}Bearer forged`, `Bearer forged${blank}`, `${blank}Bearer${blank}`].map((value) =>
            lines(() => [['Authorization', value], key(KEYS.bot)], 401, {
              ways: ['Node', 'workerd', 'proxies'],
            }),
          ),
        ),
        lines(() => [['Cookie', `Authorization=Bearer ${hmac()}; access_token=${hmac()}`]]),
      ],
    },
    {
      id: 'J27',
      attack:
        'a token that two parsers read in two ways: members twice, other serialisations, encryption, loose base64url, signatures that are none',
      references: [
        ...[
          'CVE-2024-28176',
          'CVE-2022-36083',
          'CVE-2025-65945',
          'GHSA-869p-cjfg-cm3x',
          'GHSA-jc38-x7x8-2xc8',
        ],
        ...['CVE-2022-21449', 'RFC 7515 section 4', 'RFC 4648 section 3.5'],
      ],
      outcome: '401',
      attempts: [
        ...[
          '{"alg":"HS256","alg":"none"}',
          '{"alg":"HS256","\\u0061lg":"HS256"}',
          '[]',
          'null',
          '""',
          '{"alg":"HS256"}x',
          '\u00ff',
        ].map((header) => lines(() => [bearer(hmac(claims(), header))])),
        ...['"sub":"root"', '"s\\u0075b":"root"', '"a":{"b":1,"b":2}', '"__proto__":1,"__proto__":{}'].map(
          (member) => company(() => `${JSON.stringify(claims()).slice(0, -1)},${member}}`),
        ),
        ...['[]', 'null', '1', '"x"', '{', '', ' ', '{"a":NaN}', `\ufeff{}`].map((payload) =>
          company(() => payload),
        ),
        lines(
          () => [
            bearer(JSON.stringify({ payload: '', protected: '', header: { alg: 'none' }, signature: '' })),
          ],
          400,
        ),
        lines(() => [bearer(JSON.stringify({ payload: hmac() }))]),
        lines(() => [bearer(`${base64url('{"alg":"dir","enc":"A128GCM","zip":"DEF"}')}..AAAA.AAAA.AAAA`)]),
        lines(() => [
          bearer(
            `${base64url('{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"p2s":"AA"}')}.A.A.A.A`,
          ),
        ]),
        ...['=', '==', '\n', '%3d', '+', '/'].map((sign) =>
          lines(
            () => [bearer(hmac().replace('.', `${sign}.`))],
            401,
            sign === '\n' ? { ways: ['in process'] } : {},
          ),
        ),
        lines(() => [bearer(hmac().replaceAll('_', '/').replaceAll('-', '+').replace(/$/, '='))]),
        lines(() => [bearer(nonCanonical(hmac()))]),
        lines(() => [bearer(`${hmac()}.${hmac()}`)]),
        ...refused('/partner/x', ecSignatures, 6),
      ],
    },
    {
      id: 'J28',
      attack:
        'a token that is good elsewhere, shown there first so that its verdict is remembered: another issuer’s route, a role, a scope',
      references: ['GHSA-4mq7-pvjg-xp2r', 'GHSA-qvp4-rpmr-xwrr', 'CWE-863', 'CVE-2026-44457'],
      outcome:
        'what is remembered is the token, never the verdict: 401 for another issuer, 403 for what it may not do',
      attempts: [
        good('/docs/x', 'alice', () => hmac()),
        { target: '/vendor/x', headers: () => [bearer(hmac())], status: 401 },
        { target: '/admin/x', headers: () => [bearer(hmac())], status: 403 },
        { target: '/scoped/x', headers: () => [bearer(hmac())], status: 403 },
        {
          target: '/scoped/x',
          headers: () => [bearer(hmac(claims({ scope: 'read write-not' })))],
          status: 403,
        },
        good('/vendor/x', 'vendor', () => byVendor()),
        { target: '/docs/x', headers: () => [bearer(byVendor())], status: 401 },
        { target: '/partner/x', headers: () => [bearer(byVendor())], status: 401 },
      ],
      shown: [
        {
          file: 'attacks/token.test.ts',
          title: 'a token that was remembered opens nothing that it does not open fresh',
          ways: ['in process'],
        },
        {
          file: 'attacks/token.test.ts',
          title: 'a remembered token dies with its exp',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'J29',
      attack:
        'roles, tenants and permissions of its own making in a token: names that are wildcards, other types, unknown roles',
      references: ['CWE-269', 'CWE-1321'],
      outcome: 'what is no known role grants nothing: 403',
      attempts: [
        ...[
          ['*'],
          ['admin '],
          ['ADMIN'],
          ['reader,admin'],
          ['__proto__'],
          ['constructor'],
          ['аdmin'],
          { admin: true },
          [['admin']],
          'reader,admin',
        ].map(
          (roles): Attempt => ({
            target: '/admin/x',
            headers: () => [bearer(hmac(claims({ roles })))],
            status: 403,
          }),
        ),
        { target: '/admin/x', headers: () => [bearer(hmac(claims({ permissions: ['*'] })))], status: 403 },
      ],
    },
  ],
}

/** The same signature in other letters: the last one holds bits that decode to nothing. */
function nonCanonical(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) ?? 'A')
  return token.slice(0, -1) + alphabet.charAt(last ^ 1)
}
