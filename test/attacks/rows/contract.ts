/** The rules by which a check is read and answered, and what the libraries underneath leave open. */
import type { AttackClass, Attempt } from '../attack.ts'
import { alice } from '../forge.ts'

const node = (title: string) => ({ file: 'attacks/contract.test.ts', title, ways: ['Node' as const] })
const ALICE = { headers: () => [alice()], caller: 'alice' as const, status: 200 }

export const CONTRACT_RULES: AttackClass = {
  name: 'The contracts of the proxies',
  intro:
    'How a check is read and answered, for each of the six contracts (Traefik, Caddy, nginx, ingress-nginx, HAProxy, Envoy). An attack on a rule is whatever it forbids.',
  attacks: [
    {
      id: '3.1',
      attack:
        'makes Postern guess which proxy asks: paths beside and below the endpoints, a query, another method or Host of the check',
      references: ['CVE-2026-40575', 'CVE-2021-32637', 'CWE-436'],
      outcome:
        'one endpoint for each contract, at exactly its path; everything else is 404; query, method and Host of a check say nothing',
      shown: [
        node('nothing but the exact path of a configured contract is a check'),
        node('method, query and Host of a check change nothing'),
        {
          file: 'http/app.test.ts',
          title: 'P10: ignores that the check itself comes by %s, with a query and a Host of the client',
          ways: ['in process'],
        },
      ],
      attempts: [
        { target: '/docs/x?/check/traefik', status: 401 },
        { target: '/public/x?x-forwarded-uri=/docs/x&uri=/admin', status: 200 },
      ],
    },
    {
      id: '3.2',
      attack:
        'is no proxy: the wrong secret, a part of it, two of them, a certificate of somebody else; a policy that trusts everybody',
      references: ['CVE-2026-20896', 'GHSA-w6j9-vw59-27wv', 'CWE-208', 'CWE-1188'],
      outcome:
        '403 before anything is read; all that an entry names must hold, and a policy that names nothing or everybody does not start',
      shown: [
        {
          file: 'attacks/node.test.ts',
          title: 'a perfect check is nothing without the one secret, in any spelling',
          ways: ['Node'],
        },
        { file: 'attacks/policy.test.ts', title: 'a proxy that need not prove itself', ways: ['in process'] },
        {
          file: 'node/certificates.test.ts',
          title: 'is a stranger without one, with another one, and where no TLS could carry it',
          ways: ['Node'],
        },
        {
          file: 'worker/check.test.ts',
          title:
            'by a client certificate: only one that the edge has verified, that was not revoked, and that the policy names',
          ways: ['workerd'],
        },
      ],
    },
    {
      id: '3.3',
      attack:
        'leaves a field out, empties it, sends it twice or under its other name, so that something else stands in for it',
      references: ['CVE-2026-26308', 'CVE-2026-40575', 'CVE-2021-32637', 'RFC 9110 section 5.3'],
      outcome: '400: each field of the contract exactly once, and nothing stands in for another',
      shown: [
        node('each field of a contract that comes twice, joined, folded, empty or not at all is refused'),
      ],
      ways: ['proxies'],
      attempts: [
        { bytes: 'GET /docs/x HTTP/1.0\r\nX-Forwarded-Host: open.example.com\r\n\r\n', status: 400 },
        {
          bytes: 'OPTIONS * HTTP/1.1\r\nHost: open.example.com\r\nX-Forwarded-Uri: /public/x\r\n\r\n',
          status: 400,
        },
        { bytes: 'GET /docs/x HTTP/1.1\r\nHost:\r\nX-Forwarded-Host: open.example.com\r\n\r\n', status: 400 },
      ],
    },
    {
      id: '3.4',
      attack:
        'methods and schemes that are none: other cases, lists, unknown words, `javascript`, `ftp`, two schemes',
      references: ['RFC 9110 section 9.1', 'GHSA-vhr5-ggp3-qq85', 'CWE-436'],
      outcome:
        '400; `ws` and `wss` count as http and https; no rule depends on a scheme that a client could choose',
      ways: ['in process', 'Node', 'workerd'],
      attempts: [
        ...['http', 'https', 'ws', 'wss'].map(
          (scheme): Attempt => ({
            scheme,
            target: '/public/x',
            status: 200,
            ...(/^ws/.test(scheme) ? { ingressNginx: 400 } : {}),
          }),
        ),
        ...[
          'HTTP',
          'ftp',
          'javascript',
          'https,http',
          'https, https',
          'http:',
          'http ://',
          '',
          'h2',
          'https\u00a0',
        ].map((scheme): Attempt => ({ scheme, target: '/public/x', status: 400 })),
        ...['PURGE', 'COPYX', 'get', 'GET,', ',GET', 'GET;', 'G E T', '*'].map(
          (method): Attempt => ({ method, target: '/public/x', status: 400 }),
        ),
      ],
    },
    {
      id: '3.5',
      attack:
        'a host of letters and signs that no name has, of 300 characters, of labels of 64, an address in another spelling',
      references: ['RFC 1123 section 2.1', 'RFC 3986 section 3.2.2', 'CVE-2026-27588'],
      outcome: '400; rules go by the canonical host alone',
      ways: ['in process', 'Node', 'workerd'],
      attempts: [
        ...['open.example.com', 'OPEN.example.com', 'open.example.com.', 'open.example.com:1'].map(
          (host): Attempt => ({ host, target: '/anything', status: 200 }),
        ),
        ...[
          `${'a'.repeat(64)}.example.com`,
          `${'a.'.repeat(130)}com`,
          'open..example.com',
          'open.example.com..',
          '*.example.com',
        ].map((host): Attempt => ({ host, target: '/public/x', status: 400 })),
        ...[
          '[::1',
          '[::1]]',
          '[x]',
          '[::1]:',
          '[::1]:99999',
          '[fe80::1%25eth0]',
          '[::ffff:1.2.3]',
          'open.example.com:-1',
        ].map((host): Attempt => ({ host, target: '/public/x', status: 400 })),
        ...[
          'open.example.com/',
          'open.example.com?',
          'open.example.com%',
          'open.example.com&',
          'open.example.com;',
          '"open"',
        ].map((host): Attempt => ({ host, target: '/public/x', status: 400 })),
      ],
    },
    {
      id: '3.6',
      attack:
        'a path that one party reads as another one; a riddle of thousands of readings; and honest odd paths, which must pass',
      references: [
        'CVE-2026-33494',
        'CVE-2026-42274',
        'CVE-2026-47676',
        'CVE-2026-40912',
        'CVE-2026-48020',
        'CVE-2026-65600',
        'CVE-2026-27587',
        'CWE-407',
      ],
      outcome:
        'nonsense is 400, and so is every path whose readings select different routes; what one route owns in every reading passes; no riddle costs more than a bounded time',
      attempts: [
        ...[
          '/docs/a%2Fb',
          '/docs/100%25',
          '/docs/x;v=1',
          '/docs/wiki//a',
          '/docs/a%20b',
          '/docs/caf%C3%A9',
          '/docs/UPPER',
          '/docs/a,b+c',
          '/docs/~x/$y/@z',
          '/docs/x?y=/../admin#z',
        ].map(
          (target): Attempt => ({
            ...ALICE,
            target,
            ...(target.includes('#') ? { ways: ['in process', 'Node'] as const } : {}),
          }),
        ),
        { target: `/public/${'%252e%252e%252f;'.repeat(300)}admin`, status: 400 },
        { target: `/public/${'%2525252e;'.repeat(200)}`, status: 400, arrives: 'harmless' },
        { target: `/public/${'a%2f;b//C%5c%3f%23.'.repeat(100)}`, status: 400, arrives: 'harmless' },
        { target: `/public/..${';'.repeat(4000)}/admin`, status: 400 },
        { target: `/${'public/'.repeat(500)}${'..%2f'.repeat(501)}admin`, status: 400 },
      ],
    },
    {
      id: '3.7',
      attack: 'a chain of addresses that says more than one thing',
      references: ['CVE-2026-27700', 'CVE-2024-47070', 'RFC 7239 section 5.2'],
      outcome: 'right to left past trusted hops; what cannot be read on the way makes the client nobody',
      ways: ['in process', 'Node', 'workerd'],
      attempts: [
        { target: '/inside/x', from: '203.0.113.1, 10.0.0.1', status: 200, caller: 'insider' },
        { target: '/inside/x', from: '203.0.113.1,10.0.0.1', status: 200, caller: 'insider' },
        { target: '/inside/x', from: '10.0.0.1, 203.0.113.1', status: 403 },
        { target: '/inside/x', from: '10.0.0.1, 203.0.113.1,', status: 403 },
        { target: '/inside/x', from: '10.0.0.1, x', status: 403 },
      ].map((attempt): Attempt => ({ ...attempt, caller: 'insider', ingressNginx: 400 })),
      shown: [
        {
          file: 'e2e/balancer.test.ts',
          title: 'what a client had put before that name does not count',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: '3.8',
      attack: 'presents a client certificate as a header',
      references: ['CWE-290', 'RFC 9440 section 4', 'CVE-2026-27586'],
      outcome: 'none is read from a header; the recipes keep all of them from the upstream',
      attempts: [
        ...[
          'X-Forwarded-Tls-Client-Cert',
          'X-Forwarded-Tls-Client-Cert-Info',
          'X-Forwarded-Client-Cert',
          'Client-Cert',
          'X-SSL-Client-Cert',
          'Ssl-Client-Cert',
          'Cf-Client-Cert-Der-Base64',
        ].map(
          (name): Attempt => ({
            target: '/docs/x',
            headers: [
              [name, 'MIIBspoof'],
              ['Ssl-Client-Verify', 'SUCCESS'],
            ],
            status: 401,
          }),
        ),
      ],
    },
    {
      id: '3.9',
      attack: 'credentials in two lines, identity headers in the check, a body instead of headers',
      references: ['CVE-2026-26308', 'CVE-2026-44456', 'CVE-2025-59139', 'CVE-2026-26998', 'CWE-290'],
      outcome:
        'credentials are single; identity headers are never read; the body of a check is not waited for and not read',
      shown: [node('the body of a check is neither read nor waited for')],
      attempts: [
        { target: '/docs/x', headers: () => [alice(), alice()], caller: 'alice', status: 400 },
        {
          target: '/docs/x',
          headers: [
            ['X-Auth-User', 'spoof'],
            ['X-Auth-Roles', 'admin'],
          ],
          status: 401,
        },
      ],
    },
    {
      id: '3.10',
      attack:
        'waits for an answer that leaks or lets in: an identity on a denial, a missing header on an allow, a cookie, another 2xx',
      references: ['CVE-2026-30851', 'CVE-2026-25748', 'RFC 9111 section 5.2.2.5', 'CWE-524'],
      outcome:
        'an allow is 200 with all six headers and no body; a denial has none of them and is not stored; every answer tells its true status',
      shown: [
        node('an allow has every identity header, no body and no cookie'),
        node('a denial has no identity, is not stored, and says its true status'),
        {
          file: 'e2e/outage.test.ts',
          title: 'another service on its port with ${name} that says 200 to everything lets nobody in',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: '3.11',
      attack: 'values that an answer’s header cannot hold, or that are too long for one',
      references: ['CWE-113', 'RFC 9110 section 5.5'],
      outcome: 'visible ASCII or percent-encoded; beyond 3 KiB 403; the process lives',
      shown: [
        node('a control byte in a claim leaves percent-encoded, and the process lives'),
        {
          file: 'core/identity.test.ts',
          title: 'H08 are never cut: beyond 3 KiB there are none',
          ways: ['in process'],
        },
      ],
    },
    {
      id: '3.12',
      attack: 'large, slow, half and upgraded requests at Postern’s own port',
      references: ['CWE-400', 'CWE-770', 'RFC 9112 section 9.5'],
      outcome:
        'a head of up to 64 KiB is judged, a larger one is 431; connections stay open after a denial; no upgrade; no request stops another',
      shown: [
        node('a head of 60 kB is judged, one of 80 kB is 431'),
        node('a connection outlives its denials'),
        node('half a request holds up nobody else'),
        {
          file: 'attacks/node.test.ts',
          title: 'no check is ever answered with 101 or any other 1xx',
          ways: ['Node'],
        },
      ],
    },
    {
      id: '3.13',
      attack: 'has one request checked several times, by connections that die and answers that come late',
      references: ['RFC 9110 section 9.2.2', 'CWE-837'],
      outcome:
        'each check is judged for itself with the same verdict; limits bear repeats; an answer takes 400 ms at most',
      shown: [
        node('the same check again gets the same verdict'),
        {
          file: 'attacks/limit.test.ts',
          title: 'a store that is dead, silent, slow or refuses to write never opens a limit',
          ways: ['in process'],
        },
        {
          file: 'e2e/outage.test.ts',
          title: 'a check that hangs is denied with ${traits.hang} after a while',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: '3.1 answers',
      attack:
        'counts on a proxy that makes another status of a denial: an allow, a redirect, an error that is retried',
      references: ['CVE-2021-32637', 'CVE-2026-24513', 'RFC 9110 section 15'],
      outcome:
        'each outcome (allow, 401, 403, 429, 400, 503) has the one status that the contract relays: native, or 401 and 403 for the two nginx contracts, without a body',
      shown: [
        node('every outcome has the status that its contract relays'),
        {
          file: 'e2e/verdicts.test.ts',
          title:
            'an exhausted limit is 429 and says when to come back; the client learns its quota where the proxy can',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: '3.2 libraries',
      attack:
        'what the libraries underneath let through: repaired targets, joined lines, loose tokens, addresses as text',
      references: [
        ...[
          'CVE-2026-22817',
          'CVE-2026-44459',
          'CVE-2026-47673',
          'CVE-2025-62610',
          'CVE-2026-39409',
          'CVE-2026-27700',
        ],
        ...['CVE-2026-47676', 'CVE-2026-44456', 'CVE-2026-44457', 'RFC 9112 section 3.2'],
      ],
      outcome:
        'Postern reads raw targets and raw lines itself, and judges tokens and addresses before and after the library; on Workers a joined line counts as a repeat',
      shown: [
        node('a target is read as its bytes, not as a URL'),
        {
          file: 'attacks/workerd.test.ts',
          title: 'a field that the runtime has joined is refused',
          ways: ['workerd'],
        },
      ],
    },
  ],
}
