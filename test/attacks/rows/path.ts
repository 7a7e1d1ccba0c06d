/** Paths, targets and methods: two parties that read one request in two ways. */
import { type AttackClass, type Attempt, crossed } from '../attack.ts'
import { alice } from '../forge.ts'

const refused = (target: string, more: Partial<Attempt> = {}): Attempt => ({ target, status: 400, ...more })

const HARMLESS = { arrives: 'harmless' } as const

/** Every spelling of "one up" that some upstream understands. */
const CLIMBS = [
  ...['..', '%2e%2e', '.%2e', '%2E.', '%2E%2e', '%252e%252e', '.%252e', '%25252e.'],
  ...['..;', '..;x=1', '..%3b', '..%3Bx', '%2e%2e;', '..%00', '..%09', '..%20', '.. ', '..%2520'],
  ...['%c0%ae%c0%ae', '%e0%80%ae.', '%u002e.', '%ef%bc%8e%ef%bc%8e', '.%c2%ad.'],
]
/** Every spelling of a slash. */
const SLASHES = [
  ...['/', '%2f', '%2F', '%252f', '%252F', '%25252f', '\\', '%5c', '%5C', '%255c', '//', '/./', '/%2e/'],
  ...[';/', '%c0%af', '%e0%80%af', '%u002f', '%ef%bc%8f', '%00/'],
]

const CLIMBING = crossed(CLIMBS, SLASHES)
  // A raw space ends the target; that is a row of its own.
  .filter(([climb]) => !climb.includes(' '))
  .flatMap(([climb, slash]) => [
    refused(`/public/${climb}${slash}admin/x`),
    // Envoy takes the dots first and then merges the slashes: what it sends on is below /public.
    ...(slash === '/'
      ? []
      : [refused(`/public${slash}${climb}${slash}admin/x`, slash === '//' ? HARMLESS : {})]),
  ])

export const PATHS: AttackClass = {
  name: 'Paths, targets and methods',
  intro:
    'The policy opens `/public/**` to everybody and guards `/admin/**`. An attack has worked when a request that somebody could read as one for `/admin` passes as one for `/public`.',
  attacks: [
    {
      id: 'P01',
      attack:
        'climbs out of the public tree: every spelling of a dot segment with every spelling of a slash (plain, encoded once, twice and three times, overlong, fullwidth, `;` parameters, NUL, tabs)',
      references: [
        ...['CVE-2026-33494', 'CVE-2026-42274', 'CVE-2026-42272', 'CVE-2026-34908', 'CVE-2026-63177'],
        ...['CVE-2021-29492', 'CVE-2025-66490', 'CVE-2026-32811', 'RFC 3986 section 5.2.4'],
      ],
      outcome: '400; what a proxy has resolved is judged as the upstream gets it',
      attempts: [
        ...CLIMBING,
        ...['/public/../admin', '/public/%2e%2e/admin', '/public/..%2fadmin', '/public/..%2Fadmin'].map(
          (target) => refused(target),
        ),
        // Inside the tree a climb is still one that parties may disagree on; what a proxy resolves is harmless.
        refused('/public/x/../y', { arrives: 'harmless' }),
        refused('/public/./y', { arrives: 'harmless' }),
        refused('/admin/../public/x', { arrives: 'harmless' }),
        refused('/../public/x', { arrives: 'harmless' }),
      ],
      shown: [
        {
          file: 'attacks/path.test.ts',
          title: 'no path put together of such pieces climbs out of the public tree',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'P02',
      attack: 'starts the target with several slashes, so that somebody reads the first segment as a host',
      references: ['CVE-2026-26205', 'RFC 3986 section 3.2'],
      outcome: '400, never matched as the path behind them',
      attempts: [
        ...['//admin/x', '///admin', '////admin/x', '//admin', '//app.example.com/admin', '/%2fadmin/x'],
        ...['/%2Fadmin/x', '/\\admin/x', '/%5cadmin/x', '/;/admin/x', '/./admin/x', '/%2e/admin/x'],
        '//public/../admin',
      ]
        .map((target) => refused(target))
        .concat(
          [
            '//public/x',
            '///public/x',
            '//open.example.com/public/x',
            '/public//../admin/x',
            '/public//..//admin',
          ].map((target) => refused(target, { arrives: 'harmless' })),
        ),
    },
    {
      id: 'P05',
      attack:
        'bytes that some upstream folds or drops: backslashes, NUL, control bytes, raw UTF-8, overlong forms, `%u` escapes, soft hyphens, zero-width and fullwidth letters',
      references: ['CVE-2026-42272', 'CVE-2025-66490', 'RFC 3986 section 2', 'CWE-176'],
      outcome: '400',
      attempts: [
        ...[
          ...['/public\\..\\admin', '/public/..%5cadmin', '/admin%5cx', '/admin%00/x', '/public%00/../admin'],
          ...[
            '/adm%C2%ADin/x',
            '/adm%E2%80%8Bin/x',
            '/%EF%BD%81dmin/x',
            '/ad%09min/x',
            '/ad%0Dmin/x',
            '/admi%00n',
          ],
          ...[
            '/adm%69n%2fx;/',
            '/admin%252fx',
            '/admin%c0%afx',
            '/admin%u002fx',
            '/%u0061dmin/x',
            '/ADMIN/x',
          ],
          ...[
            '/Admin/x',
            '/%41dmin/x',
            '/%61dmin/x',
            '/admin./x',
            '/admin%20/x',
            '/admin%2e/x',
            '/admin;v=1/x',
          ],
        ].map((target) => refused(target)),
        // Of these nothing guarded is a reading, but they are nonsense all the same.
        ...[
          '/public%5cx',
          '/public/%00',
          '/public/\u0001',
          '/public/\u00e9',
          '/public/%C0%AF',
          '/public/%u002f',
        ].map((target) => refused(target, { arrives: 'harmless' })),
        ...[
          '/public/\u00ad',
          '/public/%zz',
          '/public/%',
          '/public/%f',
          '/public/\u007f',
          '/public/%0d%0aX:%20y',
        ].map((target) => refused(target, { arrives: 'harmless' })),
      ],
    },
    {
      id: 'P07',
      attack: 'hides the name of the public route in the query or behind a `#`',
      references: ['GHSA-7rh7-c77v-6434', 'CVE-2026-41059', 'CVE-2026-32811', 'RFC 3986 section 3.5'],
      outcome: 'the path alone is judged: 401; a `#` in a path is 400',
      attempts: [
        ...[
          '/admin?x=/public',
          '/admin/x?path=/public/y',
          '/admin?/../public',
          '/admin/x?/public/',
          '/admin??/public',
        ].map((target): Attempt => refused(target, { status: 401 })),
        ...['/admin/x?x=#/public/', '/admin?\\..\\public', '/admin/x?%2e%2e/public'].map(
          (target): Attempt => refused(target, { status: 401 }),
        ),
        ...[
          '/admin/#/public',
          '/admin#/public',
          '/public#/../admin',
          '/admin%23/public',
          '/admin%3f/public',
        ].map((target) => refused(target)),
        ...['/public/x%23/../../admin', '/public%3f/../admin', '/admin%3Fx=/public'].map((target) =>
          refused(target),
        ),
      ],
    },
    {
      id: 'P08',
      attack: 'a target that is no path: absolute, without its slash, `*`, empty, unparsable',
      references: ['CVE-2021-32637', 'CVE-2026-33186', 'RFC 9112 section 3.2'],
      outcome:
        '400; an absolute target that a proxy takes apart is judged by the host and path that the upstream gets',
      attempts: [
        ...['http://x/y', 'http://vault.example.com/public/x', 'admin/x', '*', '', '?', '%', '/%'].map(
          (target) => refused(target, { ways: ['in process', 'Node', 'workerd'], ingressNginx: null }),
        ),
        // On the wire a blank before a value is none.
        refused(' /public/x', { ways: ['in process'], ingressNginx: null }),
        ...[
          'admin/x',
          '*',
          '/%',
          'http://',
          'http:///admin/x',
          'http:/admin/x',
          'http:admin',
          'urn:x:admin',
        ].map((target) => refused(target, { ways: ['proxies'] })),
        ...[
          'http://vault.example.com/public/x',
          'http://app.example.com/admin/x',
          'HTTP://APP.example.com/admin',
        ].map((target) => refused(target, { ways: ['proxies'] })),
        refused('http://app.example.com/admin/x', { host: 'open.example.com', ways: ['proxies'] }),
        refused('http://open.example.com/admin/x', { ways: ['proxies'], arrives: 'harmless' }),
        refused('http://open.example.com@app.example.com/admin/x', {
          host: 'open.example.com',
          ways: ['proxies'],
        }),
        refused('/public/x /admin/x', { ways: ['proxies'], arrives: 'harmless' }),
        refused('/public/x\t/admin/x', { ways: ['proxies'], arrives: 'harmless' }),
      ],
    },
    {
      id: 'P10',
      attack:
        'another method than the one that is judged: override headers, lower case, lists, methods nobody knows',
      references: ['CWE-436', 'RFC 9110 section 9.1'],
      outcome:
        'overrides are ignored (and taken out by the recipes): 401; a method outside the known set is 400',
      attempts: [
        ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X_HTTP_Method_Override'].map(
          (name): Attempt => ({
            method: 'DELETE',
            target: '/notes/1',
            headers: [[name, 'GET']],
            status: 401,
          }),
        ),
        { method: 'POST', target: '/notes/1?_method=GET', status: 401 },
        { method: 'POST', target: '/notes/1', headers: [['X-Forwarded-Method', 'GET']], status: 401 },
        { method: 'POST', target: '/notes/1', headers: [['X-Original-Method', 'GET']], status: 401 },
        ...[
          'get',
          'Get',
          'GET, DELETE',
          'GET,GET',
          'FOO',
          '',
          'TRACE',
          'CONNECT',
          'GET /x',
          'G%45T',
          'GET\u0000',
        ].map(
          (method): Attempt => ({
            method,
            target: '/notes/1',
            status: 400,
            // What is sent as nothing, or as two words, is another request to a proxy; it may still be an honest one.
            arrives: 'harmless',
          }),
        ),
        ...['post', 'PoST', 'POST,GET', 'BREW', 'TRACE', 'GETT', 'PRI'].map(
          (method): Attempt => ({ method, target: '/notes/1', status: 400 }),
        ),
        {
          method: 'CONNECT',
          target: 'open.example.com:443',
          host: 'open.example.com:443',
          status: 400,
          ways: ['proxies'],
        },
        { method: 'CONNECT', target: '/notes/1', status: 400, ways: ['proxies'] },
      ],
    },
    {
      id: 'P11',
      attack:
        'one odd path, presented with somebody’s own good token, to reach what that token does not open',
      references: ['CVE-2026-33494', 'CVE-2026-47676', 'CWE-863'],
      outcome: '400 or 403; never an allow under the reading of another route',
      attempts: [
        ...[
          '/docs/../admin/x',
          '/docs/..%2fadmin',
          '/docs/%2e%2e;/admin',
          '/docs\\..\\admin',
          '/docs/..%252fadmin',
        ].map((target): Attempt => refused(target, { headers: () => [alice()], caller: 'alice' })),
        { target: '/admin/x', headers: () => [alice()], caller: 'alice', status: 403 },
        {
          target: '/admin/../docs/x',
          headers: () => [alice()],
          caller: 'alice',
          status: 400,
          arrives: 'harmless',
        },
        // Honest oddities stay open where one route owns every reading.
        ...[
          '/docs/a%2Fb',
          '/docs/100%25',
          '/docs/x;v=1',
          '/docs//a',
          '/docs/README',
          '/docs/caf%C3%A9',
          '/docs/',
        ].map((target): Attempt => ({ target, headers: () => [alice()], caller: 'alice', status: 200 })),
      ],
    },
  ],
}
