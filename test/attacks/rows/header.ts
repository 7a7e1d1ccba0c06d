/** Headers: identities of the attacker's choosing, fields of proxies, hosts. */
import type { Line } from '../../e2e/wire.ts'
import { type AttackClass, type Attempt, crossed } from '../attack.ts'
import { alice, KEYS, key } from '../forge.ts'

const FIELDS = ['User', 'Email', 'Roles', 'Permissions', 'Tenant', 'Method']

const publicly = (headers: readonly Line[], more: Partial<Attempt> = {}): Attempt => ({
  target: '/public/x',
  headers,
  status: 200,
  ...more,
})

/** Signs that some upstream, or the gateway interface before it, takes for a hyphen. */
const SIGNS = ['_', '.', '~', '!', '+', '$', '%', '*', "'", '^', '`', '|', '#', '&']

const ALIASES = SIGNS.flatMap((sign) => [
  ['X', sign, 'Auth', sign],
  ['X', '-', 'Auth', sign],
  ['X', sign, 'Auth', '-'],
  ['x', sign, 'AUTH', '-'],
]).map((parts) => parts.join(''))

/** What a client may claim, and what only Postern or the proxy can know. */
const CLAIMS: readonly Line[] = [
  ...['Forwarded-Uri', 'Original-Uri', 'Original-Url', 'Rewrite-Url', 'Forwarded-Prefix'].map(
    (name): Line => [`X-${name}`, '/public/spoof'],
  ),
  ['X-Original-URL', 'https://spoof.example.com/public/x'],
  ['X-Forwarded-Host', 'spoof.example.com'],
  ['X-Forwarded-Proto', 'spoof'],
  ['X-Forwarded-Method', 'SPOOF'],
  ['X-Original-Method', 'SPOOF'],
  ['X-Postern-Status', '200 spoof'],
  ['X-Postern-Secret', 'spoof'],
  ['Forwarded', 'host=spoof.example.com;for=203.0.113.66'],
]

/** Without a credential, where one is needed. */
const refused = (headers: readonly Line[], more: Partial<Attempt> = {}): Attempt => ({
  target: '/docs/x',
  headers,
  status: 401,
  ...more,
})

/** One at a time, and all at once. */
const each = (lines: readonly Line[]): readonly (readonly Line[])[] => [...lines.map((line) => [line]), lines]

/** Hosts under which somebody else may see the open one, or the guarded one. */
const OPEN = 'open.example.com'
const VAULT = 'vault.example.com'

export const HEADERS: AttackClass = {
  name: 'Headers and hosts',
  intro:
    'What an upstream believes comes from headers. Everything that a client chooses holds the word `spoof`; an attack has worked when the word arrives, when an identity header arrives twice or under another name, or when one of ours is missing.',
  attacks: [
    {
      id: 'H01',
      attack:
        'sends the identity headers itself: plain, in other cases, twice, empty, with and without a credential',
      references: ['CVE-2026-30851', 'GHSA-7r4p-vjf4-gxv4', 'CVE-2026-20896', 'CWE-290'],
      outcome: 'the upstream sees the values of Postern or none; all six headers are set on every allow',
      attempts: [
        publicly(FIELDS.map((field): Line => [`X-Auth-${field}`, 'spoof'])),
        publicly(FIELDS.map((field): Line => [`x-auth-${field.toLowerCase()}`, 'spoof'])),
        publicly(FIELDS.map((field): Line => [`X-AUTH-${field.toUpperCase()}`, 'spoof'])),
        publicly(
          FIELDS.flatMap((field): Line[] => [
            [`X-Auth-${field}`, 'spoof'],
            [`x-auth-${field}`, 'spoof-2'],
          ]),
        ),
        publicly(
          FIELDS.flatMap((field): Line[] => [
            [`X-Auth-${field}`, ''],
            [`X-AUTH-${field}`, 'spoof'],
          ]),
        ),
        publicly(
          [
            ['X-Auth-Roles', 'admin,spoof'],
            ['X-Auth-Extra', 'spoof'],
          ],
          { arrives: 'nothing', ways: ['in process'] },
        ),
        {
          target: '/docs/x',
          headers: () => [...FIELDS.map((field): Line => [`X-Auth-${field}`, 'spoof']), alice()],
          caller: 'alice',
          status: 200,
        },
        {
          target: '/docs/x',
          headers: () => [alice(), ...FIELDS.map((field): Line => [`x-auth-${field}`, 'spoof'])],
          caller: 'alice',
          status: 200,
        },
        { target: '/docs/x', headers: [['X-Auth-User', 'spoof'], key(KEYS.bot)], caller: 'bot', status: 200 },
        {
          target: '/docs/x',
          headers: [
            ['X-Auth-User', 'spoof'],
            ['X-Auth-Method', 'jwt:company'],
          ],
          status: 401,
        },
      ],
    },
    {
      id: 'H02',
      attack:
        'sends them under names that CGI, WSGI, PHP and others fold into the same variable: 14 signs in place of either hyphen, in two cases, for each of the six headers',
      references: [
        ...['CVE-2025-64484', 'CVE-2026-39858', 'CVE-2026-54763', 'CVE-2026-88011', 'CVE-2026-52845'],
        ...['GHSA-49wc-4hcv-v58q', 'RFC 3875 section 4.1.18'],
      ],
      outcome: '400 where Postern gets to see it, else taken out by the proxy; no alias reaches an upstream',
      attempts: [
        ...ALIASES.map(
          (alias): Attempt => publicly([[`${alias}User`, 'spoof']], { status: 400, arrives: 'harmless' }),
        ),
        ...crossed(['X_Auth_', 'X.Auth.', 'x-auth_'], FIELDS).map(
          ([alias, field]): Attempt =>
            publicly([[`${alias}${field}`, 'spoof']], { status: 400, arrives: 'harmless' }),
        ),
        {
          target: '/docs/x',
          headers: () => [['X_Auth_User', 'spoof'], alice(), ['X.Auth.Roles', 'spoof']],
          caller: 'alice',
          status: 400,
          arrives: 'harmless',
        },
      ],
    },
    {
      id: 'H04',
      attack:
        'sends the fields of one proxy’s contract through another proxy, to flip the judged path, host, method or scheme',
      references: [
        'CVE-2026-40575',
        'GHSA-7x63-xv5r-3p2x',
        'CVE-2026-35051',
        'CVE-2026-54764',
        'GHSA-vhr5-ggp3-qq85',
        'CWE-348',
      ],
      outcome: 'each endpoint reads its own contract alone: 401 as without them; none reaches an upstream',
      attempts: [
        // Without a proxy nobody takes out a client's secret, and two are none.
        ...each(CLAIMS.filter(([name]) => name !== 'X-Postern-Secret')).map((headers) => refused(headers)),
        ...each(CLAIMS).map((headers) => refused(headers, { ways: ['proxies'] })),
        ...each(CLAIMS).map((headers) => publicly(headers, { ways: ['proxies'] })),
        ...['X_Forwarded_Uri', 'X.Forwarded.Uri', 'X-Forwarded_Uri', 'X_Original_URL'].map((name) =>
          refused([[name, '/public/spoof']]),
        ),
      ],
    },
    {
      id: 'H05',
      attack:
        'a host in another spelling, with a port, a user, a list, a second line or a fragment, to slip past the rule of a host',
      references: [
        ...['CVE-2026-77560', 'CVE-2026-48794', 'CVE-2026-42273', 'CVE-2026-27588', 'CVE-2026-53622'],
        'RFC 9112 section 3.2',
      ],
      outcome:
        'case, port and one trailing dot are folded before any rule is looked up: 401; anything else is 400',
      attempts: [
        ...[
          VAULT,
          'Vault.Example.COM',
          `${VAULT}.`,
          `${VAULT}:443`,
          `${VAULT}.:8080`,
          'VAULT.EXAMPLE.COM.:1',
        ].map((host): Attempt => ({ host, target: '/public/x', status: 401 })),
        ...['u@', 'u:p@', ',', 'x,', '#', '%00', '\\', ' ', '\t'].flatMap((sign): Attempt[] => [
          { host: `${OPEN}${sign}${VAULT}`, target: '/admin/x', status: 400 },
          { host: `${VAULT}${sign}${OPEN}`, target: '/admin/x', status: 400 },
        ]),
        ...[
          '',
          '.',
          '..',
          `${VAULT}..`,
          `.${VAULT}`,
          `${VAULT}:`,
          `${VAULT}:0`,
          `${VAULT}:99999`,
          `${VAULT}:8x`,
        ].map((host): Attempt => ({ host, target: '/admin/x', status: 400 })),
        ...[
          '[::1',
          '::1',
          '[::1]x',
          'vault%2eexample.com',
          'vault.example.com/x',
          'vаult.example.com',
          '-',
          '0x7f.1',
        ].map(
          (host): Attempt => ({
            host: Buffer.from(host).toString('latin1'),
            target: '/admin/x',
            status: host === '-' || host === '0x7f.1' ? 401 : 400,
            ingressNginx: null,
          }),
        ),
        {
          bytes: `GET /admin/x HTTP/1.1\r\nHost: ${OPEN}\r\nHost: app.example.com\r\n\r\n`,
          status: 400,
          ways: ['proxies'],
        },
        {
          bytes: `GET /admin/x HTTP/1.1\r\nHost: app.example.com\r\nHost: ${OPEN}\r\n\r\n`,
          status: 400,
          ways: ['proxies'],
        },
        {
          bytes: `GET /admin/x HTTP/1.1\r\nHost : ${OPEN}\r\nHost: app.example.com\r\n\r\n`,
          status: 400,
          ways: ['proxies'],
        },
        {
          bytes: `GET /admin/x HTTP/1.1\r\nHost:\r\n ${OPEN}\r\n\r\n`,
          status: 400,
          ways: ['proxies'],
          arrives: 'harmless',
        },
        { bytes: `GET /admin/x HTTP/1.0\r\n\r\n`, status: 400, ways: ['proxies'] },
        {
          bytes: `GET /admin/x HTTP/1.0\r\nX-Forwarded-Host: ${OPEN}\r\n\r\n`,
          status: 400,
          ways: ['proxies'],
        },
      ],
    },
    {
      id: 'H08',
      attack:
        'control bytes, line breaks, other letters and sizes in the claims that become identity headers',
      references: ['CWE-113', 'CWE-93', 'RFC 9110 section 5.5'],
      outcome:
        'percent-encoded into visible ASCII, or 403 beyond 3 KiB; the process lives and no line is added',
      attempts: [
        ...[
          'a\r\nX-Auth-Roles: spoof',
          'a\u0000b',
          'a\u000bb',
          'a\u007fb',
          '€',
          'zoë',
          'a,b',
          'a b',
          '%0d%0a',
          '\u202eroot',
        ].map(
          (sub): Attempt => ({
            target: '/docs/x',
            headers: () => [alice({ sub })],
            status: 200,
            anyIdentity: true,
            ways: ['in process', 'Node', 'workerd'],
          }),
        ),
        {
          target: '/docs/x',
          headers: () => [
            alice({ permissions: Array.from({ length: 200 }, (_, at) => `documents:of-group-${at}:read`) }),
          ],
          status: 403,
        },
        { target: '/docs/x', headers: () => [alice({ email: 'x'.repeat(3100) })], status: 403 },
      ].map((attempt) => ({ ...attempt, caller: 'alice' as const })),
      shown: [
        {
          file: 'attacks/proxies.test.ts',
          title: 'a claim with a line break arrives in one line, encoded',
          ways: ['proxies'],
        },
        {
          file: 'node/wire.test.ts',
          title: 'as in %j in an identity header denies, and the process lives',
          ways: ['Node'],
        },
        {
          file: 'node/tls.test.ts',
          title: 'H08: a control byte denies over h2 too, and the session lives',
          ways: ['Node'],
        },
      ],
    },
    {
      id: 'H10',
      attack:
        'sends each field of a contract twice: same case, other case, joined by a comma, folded over two lines, empty',
      references: ['CVE-2026-26308', 'RFC 9110 section 5.3', 'RFC 9112 section 5.2'],
      outcome: '400 for every contract and field, whichever copy comes first',
      attempts: [
        ...[
          'X-Forwarded-Uri',
          'X-Original-Uri',
          'X-Forwarded-Host',
          'X-Forwarded-Method',
          'X-Forwarded-Proto',
        ].map((name) =>
          refused(
            [
              [name, '/public/spoof'],
              [name.toLowerCase(), '/public/spoof, /x'],
              [name.toUpperCase(), ''],
            ],
            { ways: ['proxies'] },
          ),
        ),
        {
          bytes:
            'GET /docs/x HTTP/1.1\r\nHost: app.example.com\r\nX-Forwarded-Uri: /public/spoof\r\n , /public/x\r\nX-Original-Uri:\r\n\t/public/spoof\r\n\r\n',
          status: 401,
          ways: ['proxies'],
        },
      ],
      shown: [
        {
          file: 'attacks/contract.test.ts',
          title: 'each field of a contract that comes twice, joined, folded, empty or not at all is refused',
          ways: ['Node'],
        },
        {
          file: 'proxies/conformance.ts',
          title: 'H10: refuses %s sent twice, in one spelling or two, equal or not',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'H11',
      attack:
        'names headers in `Connection`, so that the next hop removes the identity, the secret or the credential',
      references: ['CVE-2025-48865', 'CVE-2024-45410', 'RFC 9110 section 7.6.1'],
      outcome:
        '400 for the name of an identity header; behind a proxy the identity arrives whole or nothing does',
      attempts: [
        ...FIELDS.flatMap((field): Attempt[] => [
          {
            target: '/docs/x',
            headers: () => [alice(), ['Connection', `close, X-Auth-${field}`]],
            caller: 'alice',
            status: 400,
            arrives: 'harmless',
          },
          {
            target: '/docs/x',
            headers: () => [['Connection', `x_auth_${field}`], alice()],
            caller: 'alice',
            status: 400,
            arrives: 'harmless',
          },
        ]),
        ...[
          'X-Postern-Status',
          'X-Postern-Secret',
          'X-Forwarded-Uri',
          'X-Forwarded-For',
          'X-Original-URI',
          'Host',
          'Authorization',
        ].map(
          (name): Attempt => ({
            target: '/docs/x',
            headers: () => [alice(), ['Connection', `${name}, close`], ['Proxy-Connection', name]],
            caller: 'alice',
            status: 200,
            // Whoever has its own token taken out is a stranger; Envoy refuses some of these names itself.
            arrives: 'harmless',
          }),
        ),
        // A credential that is named there must not vanish on the way to its judge and arrive all the same.
        {
          target: '/docs/x',
          headers: () => [alice(), key('ak_spoof'), ['Connection', 'X-API-Key']],
          caller: 'alice',
          status: 401,
          arrives: 'harmless',
        },
        {
          bytes:
            'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\nConnection: X-Auth-User,\r\n\tX-Auth-Method\r\n\r\n',
          status: 400,
          arrives: 'harmless',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: 'H12',
      attack:
        'one request inside another: two lengths, odd transfer codings, bare line feeds, spaces before colons, trailers',
      references: ['CWE-444', 'RFC 9112 section 6.3', 'RFC 9112 section 11.2', 'RFC 9110 section 6.5'],
      outcome: 'no second request and no trailer reaches the upstream; what does arrive is harmless',
      ways: ['proxies'],
      attempts: smuggling(),
      shown: [
        {
          file: 'e2e/strangers.test.ts',
          title: 'a body of two lengths makes no second request',
          ways: ['proxies'],
        },
        {
          file: 'e2e/strangers.test.ts',
          title: 'cannot be replaced from the trailer of a chunked body',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: 'H13',
      attack:
        'speaks HTTP/2: by its first bytes, by an upgrade to h2c, and in pseudo-headers that HTTP/1.1 has no words for',
      references: ['RFC 9113 section 8.3', 'CWE-444', 'CVE-2026-30851'],
      outcome: 'judged as the upstream gets it, or refused; no tunnel past the checks',
      shown: [
        { file: 'attacks/proxies.test.ts', title: 'h2 without TLS changes no verdict', ways: ['proxies'] },
        {
          file: 'e2e/strangers.test.ts',
          title: 'HTTP/2 without TLS is no way around: no identity header, no alias and no trailer passes',
          ways: ['proxies'],
        },
        { file: 'e2e/strangers.test.ts', title: 'to %s never reaches the upstream', ways: ['proxies'] },
      ],
      gap: 'The recipes end TLS elsewhere, so h2 was sent without it; nginx, Caddy and Traefik then take it for nonsense.',
    },
    {
      id: 'H14',
      attack:
        'placeholders of the proxy’s own language in a header, a path or a claim, to have them filled in',
      references: ['GHSA-j8px-rmrx-76h9', 'CWE-94'],
      outcome: 'they stay the text that they are',
      attempts: [
        ...[
          '{env.POSTERN_SECRET}',
          '{http.request.header.X-Postern-Secret}',
          '%{POSTERN_SECRET}',
          '$http_x_postern_secret',
          '%REQ(X-POSTERN-SECRET)%',
        ].flatMap((text): Attempt[] => [
          publicly([
            ['X-Note', text],
            ['User-Agent', text],
          ]),
          { target: `/public/x?y=${text}`, status: 200 },
          { target: '/docs/x', headers: [key(text)], status: 401 },
        ]),
      ],
      shown: [
        {
          file: 'attacks/proxies.test.ts',
          title: 'a claim that reads like a placeholder arrives as it was written',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: 'H15',
      attack:
        'claims to be a health check, a crawler or an internal caller by its User-Agent or a well-known header',
      references: ['CVE-2026-34457', 'GHSA-5hvv-m4w4-gf6v', 'CWE-290'],
      outcome: 'no header but a credential opens anything: 401',
      attempts: [
        ...[
          'GoogleHC/1.0',
          'kube-probe/1.33',
          'ELB-HealthChecker/2.0',
          'Postern',
          'Traefik',
          'Prometheus/3.0',
        ].map((agent) => refused([['User-Agent', agent]])),
        ...(
          [
            ['X-Internal', 'true'],
            ['X-Envoy-Internal', 'true'],
            ['Remote-User', 'spoof'],
            ['X-Forwarded-User', 'spoof'],
            ['X-Remote-User', 'admin'],
            ['X-Middleware-Subrequest', 'middleware'],
            ['Cookie', 'session=spoof; user=admin'],
            ['X-Forwarded-Client-Cert', 'Subject="spoof"'],
            ['X-Forwarded-Tls-Client-Cert', 'spoof'],
            ['Ssl-Client-Verify', 'SUCCESS'],
            ['Ssl-Client-Subject-Dn', 'CN=admin'],
          ] satisfies Line[]
        ).map((line) => refused([line])),
      ],
    },
  ],
}

/** Bodies on whose end two parties may disagree. The hidden request goes where nobody may. */
function smuggling(): Attempt[] {
  const hidden = 'GET /admin/spoof HTTP/1.1\r\nHost: app.example.com\r\nX-Auth-User: spoof\r\n\r\n'
  const head = 'POST /public/x HTTP/1.1\r\nHost: app.example.com\r\n'
  const length = hidden.length + 5
  const fields = [
    [`Content-Length: ${length}`, 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', `Content-Length: ${length}`],
    ['Content-Length: 5', `Content-Length: ${length}`],
    [`Content-Length: 5, ${length}`],
    ['Content-Length: +5'],
    ['Content-Length: 0x5'],
    ['Content-Length: 5 '],
    ['Content-Length:\r\n 5'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding : chunked'],
    ['Transfer-Encoding:\u000bchunked'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding: identity, chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: cow'],
    ['Transfer-Encoding:\r\n chunked', `Content-Length: ${length}`],
    ['X: y\nTransfer-Encoding: chunked', `Content-Length: ${length}`],
    ['Transfer-Encoding: CHUNKED', `Content-Length: ${length}`],
    ['Transfer_Encoding: chunked', `Content-Length: 5`],
  ]
  const trailers = [
    'X-Auth-User: spoof',
    'X_Auth_User: spoof',
    'Authorization: Bearer spoof',
    'Host: spoof.example.com',
  ]
  return [
    ...fields.map((lines) => `${head}${lines.join('\r\n')}\r\n\r\n0\r\n\r\n${hidden}`),
    // A chunk's size, and its extension, in ways of their own.
    ...['0;x=1', '0 ', '00000000000000000', '0x0', '-0', '0\n'].map(
      (size) => `${head}Transfer-Encoding: chunked\r\n\r\n${size}\r\n\r\n${hidden}`,
    ),
    ...trailers.map(
      (trailer) => `${head}Transfer-Encoding: chunked\r\nTrailer: X-Auth-User\r\n\r\n0\r\n${trailer}\r\n\r\n`,
    ),
    // The head itself.
    'GET /public/x HTTP/1.1\nHost: app.example.com\nX-Auth-User: spoof\n\n',
    'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX-A: b\rX-Auth-User: root\r\n\r\n',
    'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX-Auth-User : spoof\r\n\r\n',
    'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\n X-Auth-User: spoof\r\n\r\n',
    'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX-Auth-User\r\n\r\n',
    'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX-Au\u0000th-User: spoof\r\n\r\n',
    'GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX-Note: \r\n X-Auth-User: b\r\n\r\n',
    'GET /public/x HTTP/1.2\r\nHost: app.example.com\r\n\r\n',
    'GET /public/x HTTP/0.9\r\nHost: app.example.com\r\n\r\n',
    'GET /public/x\r\n\r\n',
    '\r\n\r\nGET /public/x HTTP/1.1\r\nHost: app.example.com\r\nX_Auth_User: spoof\r\n\r\n',
    `GET /public/x HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ].map((bytes): Attempt => ({ bytes, status: 400, arrives: 'harmless' }))
}
