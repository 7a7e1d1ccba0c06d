/** Ways around: preflights, upgrades, the direct way, the admin side, logs and the policy file. */
import type { Line } from '../../e2e/wire.ts'
import type { AttackClass, Attempt } from '../attack.ts'
import { claims, hmac } from '../forge.ts'

const preflight = (headers: readonly Line[], more: Partial<Attempt> = {}): Attempt => ({
  method: 'OPTIONS',
  target: '/api/x',
  headers,
  status: 401,
  ...more,
})
const ORIGIN: Line = ['Origin', 'https://app.example.com']
const ACRM: Line = ['Access-Control-Request-Method', 'POST']

const WEBSOCKET: readonly Line[] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
]

/** Things that a sloppy parser chokes on. */
const JUNK = [
  ...[
    '..',
    '...',
    'e30.e30.e30',
    'eyJhbGciOiJub25lIn0.e30.',
    '{}',
    '[]',
    'null',
    '\u00ff\u00fe',
    '%00',
    '\ud83d',
  ],
  ...[
    'a'.repeat(4000),
    '.'.repeat(50),
    '{"a":',
    '"',
    '\\',
    '\u00e9'.repeat(10),
    '=?utf-8?q?x?=',
    '__proto__',
  ],
]

export const OPERATIONS: AttackClass = {
  name: 'Ways around',
  intro: 'Requests that skip the check, reach what is not meant for clients, or make Postern fall over.',
  attacks: [
    {
      id: 'C01',
      attack:
        'calls itself a CORS preflight: without Origin, without a method, with another method than OPTIONS, where no route allows it',
      references: ['CWE-942', 'CWE-287', 'WHATWG Fetch section 4.8'],
      outcome: 'a real preflight passes where the route says so, with empty identity; everything else is 401',
      attempts: [
        preflight([ORIGIN, ACRM], { status: 200, caller: 'preflight' }),
        preflight([ORIGIN, ACRM, ['X-Auth-User', 'spoof']], { status: 200, caller: 'preflight' }),
        preflight([]),
        preflight([ORIGIN]),
        preflight([ACRM]),
        preflight([['Origin', ''], ACRM]),
        preflight([ORIGIN, ['Access-Control-Request-Method', '']]),
        preflight([ORIGIN, ['Access_Control_Request_Method', 'POST']]),
        ...['POST', 'GET', 'PUT', 'DELETE', 'HEAD'].map((method) =>
          preflight([ORIGIN, ACRM, ['Access-Control-Request-Headers', 'authorization']], { method }),
        ),
        preflight([ORIGIN, ACRM], { target: '/docs/x' }),
        preflight([ORIGIN, ACRM], { target: '/admin/x' }),
        preflight([ORIGIN, ACRM], { target: '/api/../admin/x', status: 400 }),
        preflight([ORIGIN, ACRM, ['X-HTTP-Method-Override', 'GET']], { status: 200, caller: 'preflight' }),
        { method: 'OPTIONS', target: '*', status: 400 },
      ],
    },
    {
      id: 'W01',
      attack:
        'the token in the query or in Sec-WebSocket-Protocol; an upgrade to have a tunnel opened; a page of another origin',
      references: ['RFC 6750 section 5.3', 'RFC 6455 section 10.2', 'CWE-598', 'CWE-1385'],
      outcome:
        '401, and nothing of the token in a record; checks are never answered with 101; origins as the route lists them',
      attempts: [
        { target: `/docs/x?access_token=spoof`, status: 401 },
        lazily(() => [['Sec-WebSocket-Protocol', `bearer, ${hmac()}`], ...WEBSOCKET]),
        lazily(() => [['Sec-WebSocket-Protocol', `access_token, ${hmac()}`]]),
        lazily(() => [...WEBSOCKET]),
        lazily(() => [
          ['Connection', 'Upgrade, HTTP2-Settings'],
          ['Upgrade', 'h2c'],
          ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
        ]),
        { target: '/pages/x', headers: [['Origin', 'https://evil.example.com'], ...WEBSOCKET], status: 403 },
        ...[
          'null',
          'https://app.example.com.evil.example.com',
          'http://app.example.com',
          'https://app.example.com:444',
          'https://app.example.com/',
          'x',
        ].map((origin): Attempt => ({ target: '/pages/x', headers: [['Origin', origin]], status: 403 })),
        { target: '/pages/x', headers: [ORIGIN, ['Origin', 'https://evil.example.com']], status: 403 },
        { target: '/pages/x', headers: [ORIGIN], status: 200 },
      ],
      shown: [
        {
          file: 'attacks/node.test.ts',
          title: 'no check is ever answered with 101 or any other 1xx',
          ways: ['Node'],
        },
        {
          file: 'e2e/strangers.test.ts',
          title: 'to WebSocket does not pass when the request is denied',
          ways: ['proxies'],
        },
        { file: 'worker/gateway-websocket.test.ts', title: 'is judged like any request', ways: ['workerd'] },
      ],
    },
    {
      id: 'X01',
      attack:
        'asks Postern itself, with a perfect check: from another address, without, with a wrong or with two secrets',
      references: ['CVE-2026-20896', 'GHSA-w6j9-vw59-27wv', 'GHSA-fj56-5763-j8pp', 'CWE-306'],
      outcome: '403, nothing of the check is read, no identity is told',
      shown: [
        {
          file: 'attacks/node.test.ts',
          title: 'a perfect check is nothing without the one secret, in any spelling',
          ways: ['Node'],
        },
        {
          file: 'attacks/operation.test.ts',
          title: 'a perfect check from another address is refused before it is read',
          ways: ['in process'],
        },
        {
          file: 'attacks/workerd.test.ts',
          title: 'a perfect check is nothing without the one secret',
          ways: ['workerd'],
        },
        {
          file: 'attacks/proxies.test.ts',
          title: 'the path of a check is no check for a client of the proxy',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: 'X03',
      attack: 'credentials, cookies and headers that make a parser throw; a decision that throws',
      references: ['CVE-2026-25748', 'GHSA-fj56-5763-j8pp', 'CVE-2024-47070', 'CWE-755'],
      outcome: 'a malformed credential is 401, a throw is 503; never an allow without an identity',
      attempts: JUNK.flatMap((text): Attempt[] => [
        { target: '/docs/x', headers: [['Authorization', `Bearer ${latin1(text)}`]], status: 401 },
        { target: '/docs/x', headers: [['X-API-Key', latin1(text)]], status: 401 },
        { target: '/docs/x', headers: [['Cookie', latin1(text)]], status: 401 },
        {
          target: '/docs/x',
          headers: [
            ['Traceparent', latin1(text)],
            ['Origin', latin1(text)],
          ],
          status: 401,
        },
      ]),
      shown: [
        {
          file: 'attacks/operation.test.ts',
          title: 'whatever stands where a credential belongs is 401',
          ways: ['in process'],
        },
        {
          file: 'attacks/operation.test.ts',
          title: 'a throw while deciding is 503, told to nobody but the record',
          ways: ['in process'],
        },
        {
          file: 'attacks/node.test.ts',
          title: 'bytes that are no request end their connection and nothing else',
          ways: ['Node'],
        },
      ],
    },
    {
      id: 'X04',
      attack:
        'reaches for `/metrics`, health and key management: on the check port, by a Host or an absolute target, through the proxy, with the admin’s own token',
      references: ['CWE-306', 'CWE-749', 'CVE-2026-20896'],
      outcome:
        'listeners of their own: 404 wherever they are not, 401 without a token of their own; through a proxy a path without a route like any other',
      attempts: [
        ...[
          '/metrics',
          '/livez',
          '/readyz',
          '/v1/keys',
          '/openapi.json',
          '/check/traefik',
          '/check/nginx',
          '/check/envoy/public/x',
        ].map((target): Attempt => ({ target, status: 403 })),
        { target: '/metrics', host: '127.0.0.1:8082', status: 403 },
        { target: '/public/../metrics', status: 400 },
        {
          target: '/v1/keys',
          headers: [['Authorization', 'Bearer an-admin-token-of-the-attack-suite']],
          status: 403,
        },
      ],
      shown: [
        {
          file: 'attacks/node.test.ts',
          title:
            'the check port serves checks, the health port health, the admin port its tokens, whatever Host and target say',
          ways: ['Node'],
        },
        {
          file: 'node/admin.test.ts',
          title: 'X04 cannot be reached where checks are taken, nor checks or metrics where it is',
          ways: ['Node'],
        },
        {
          file: 'attacks/workerd.test.ts',
          title: 'a Worker of checks serves nothing else',
          ways: ['workerd'],
        },
      ],
      gap: 'Who can reach the ports of the health and admin listeners is the network’s affair; by default both are on loopback.',
    },
    {
      id: 'X06',
      attack:
        'writes into the log: line breaks, terminal sequences, right-to-left marks, quotes and a megabyte in path, agent, subject and key id',
      references: ['CWE-117', 'CWE-150', 'CVE-2021-42574'],
      outcome: 'one line of printable ASCII in JSON, every field capped',
      attempts: [
        'a\r\nb',
        '\u001b[2J',
        '\u202e',
        '","verdict":"allow","x":"',
        '\u2028',
        '\u0000',
        'x'.repeat(5000),
      ].flatMap((text): Attempt[] => [
        {
          target: '/docs/x',
          headers: [['User-Agent', latin1(text)]],
          status: 401,
          ways: ['in process', 'Node'],
        },
        {
          target: '/docs/x',
          headers: () => [
            [
              'Authorization',
              `Bearer ${hmac(claims({ sub: text, iss: text }), { alg: 'HS256', kid: text })}`,
            ],
          ],
          status: 401,
        },
      ]),
      shown: [
        {
          file: 'attacks/operation.test.ts',
          title: 'every record is one line of printable ASCII, of bounded length',
          ways: ['in process'],
        },
        {
          file: 'attacks/node.test.ts',
          title: 'every line that was printed is one JSON object in printable ASCII',
          ways: ['Node'],
        },
      ],
    },
    {
      id: 'X07',
      attack:
        'hopes for a slip in the policy: `__proto__`, an unknown or repeated field, an allow-all default, a missing secret, trust in everybody',
      references: ['CVE-2026-32811', 'CWE-1321', 'CWE-1188', 'CWE-276'],
      outcome: 'Postern does not start, and lists every problem with its place',
      shown: [
        { file: 'attacks/policy.test.ts', title: 'a policy with a slip in it', ways: ['in process'] },
        {
          file: 'attacks/policy.test.ts',
          title: 'a policy that opens nothing lets nobody in',
          ways: ['in process'],
        },
        {
          file: 'faults/start.test.ts',
          title: 'postern serve does not start, and says why without a secret',
          ways: ['Node'],
        },
      ],
    },
  ],
}

/** As bytes of UTF-8 stand on the wire. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function lazily(headers: () => readonly Line[]): Attempt {
  return { target: '/docs/x', headers, status: 401 }
}
