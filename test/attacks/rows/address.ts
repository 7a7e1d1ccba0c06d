/** Client addresses: who is believed about where a request comes from. */
import type { AttackClass, Attempt } from '../attack.ts'

const DIRECT = ['in process', 'Node', 'workerd'] as const

/** The proxy says `from`; a real one knows better, and tells no upstream that it is somewhere else. */
const inside = (from: string, status: number): Attempt => ({
  target: '/inside/x',
  from,
  status,
  caller: 'insider',
  ways: DIRECT,
  // One address and no chain: that is the connection's.
  ...(/,/.test(from) ? { ingressNginx: 400 } : {}),
})

/** A client's own claims, which change nothing. */
const claiming = (name: string, value: string): Attempt => ({
  target: '/inside/x',
  headers: [[name, value]],
  status: 403,
})

const NAMES = [
  ...[
    'X-Forwarded-For',
    'X-Real-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
  ],
  ...[
    'Fastly-Client-IP',
    'X-Envoy-External-Address',
    'X-Original-Forwarded-For',
    'X-ProxyUser-Ip',
    'Client-IP',
  ],
]

export const ADDRESSES: AttackClass = {
  name: 'Client addresses',
  intro:
    'The policy lets `10.0.0.0/8` and `2001:db8:7::/48` into `/inside/**`, and the client is somewhere else.',
  attacks: [
    {
      id: 'I01',
      attack: 'puts an allowed address into X-Forwarded-For, left of the real one, or in a line of its own',
      references: ['CVE-2026-27700', 'CVE-2024-47070', 'RFC 7239 section 8.1'],
      outcome:
        'the chain is read from the right; the first address that is no trusted hop is the client: 403',
      attempts: [
        ...[
          '10.0.0.1, 203.0.113.9',
          '10.0.0.1,10.0.0.2 , 203.0.113.9',
          '203.0.113.9',
          '2001:db8:7::1, 203.0.113.9',
        ].map((from) => inside(from, 403)),
        ...['10.0.0.1', '10.0.0.1, 10.0.0.2', '2001:db8:7::1', '127.0.0.1', '::1'].map((value) =>
          claiming('X-Forwarded-For', value),
        ),
        {
          target: '/inside/x',
          headers: [
            ['X-Forwarded-For', '10.0.0.1'],
            ['x-forwarded-for', '10.0.0.2'],
          ],
          status: 403,
        },
      ],
    },
    {
      id: 'I02',
      attack: 'the same address in another spelling: mapped, hexadecimal, with a port, brackets or a zone',
      references: [
        'CVE-2026-39409',
        'GHSA-xpcf-pg52-r92g',
        'CVE-2026-47674',
        'CVE-2026-30827',
        'RFC 4291 section 2.5.5.2',
      ],
      outcome:
        'made canonical, then compared as a number: the mapped form is the address, every other trick is nobody',
      attempts: [
        ...[
          '::ffff:10.0.0.1',
          '::ffff:a00:1',
          '0:0:0:0:0:ffff:10.0.0.1',
          '::FFFF:0A00:0001',
          '[::ffff:10.0.0.1]:443',
        ].map((from) => inside(from, 200)),
        ...['10.0.0.1:80', '[2001:db8:7::1]:443', '2001:DB8:7:0::1', '[2001:db8:7::1]'].map((from) =>
          inside(from, 200),
        ),
        ...[
          '010.0.0.1',
          '0x0a.0.0.1',
          '167772161',
          '10.1',
          '10.0.0.1.',
          '10.0.0.256',
          '10.0.0.1/8',
          '::10.0.0.1',
        ].map((from) => inside(from, 403)),
        ...[
          '::ffff:203.0.113.9',
          'fe80::1%eth0',
          '64:ff9b::10.0.0.1',
          '2002:a00:1::',
          '::ffff:0:10.0.0.1',
          '٢٠.0.0.1',
        ].map((from) => inside(Buffer.from(from).toString('latin1'), 403)),
        ...[
          'unknown',
          '_hidden',
          'localhost',
          'for=10.0.0.1',
          '"10.0.0.1"',
          '10.0.0.1;',
          '10.0.0.1 10.0.0.2',
        ].map((from) => inside(from, 403)),
      ],
    },
    {
      id: 'I05',
      attack: 'hopes for a policy whose list of networks is empty, allows everything, or has a slip in it',
      references: ['CWE-636', 'CWE-1188', 'CVE-2026-27586'],
      outcome: 'the start is refused with the place of each problem',
      shown: [
        {
          file: 'attacks/policy.test.ts',
          title: 'a list of networks that would let in everybody, or nobody meant',
          ways: ['in process'],
        },
        {
          file: 'core/address.test.ts',
          title: 'I05 refuses %s and says what would be right',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'I06',
      attack: 'names itself in one of the headers in which CDNs and balancers name the client',
      references: ['CVE-2026-43634', 'CWE-348', 'RFC 7239 section 8.1'],
      outcome: 'none is read unless the contract names it: 403',
      attempts: [
        ...NAMES.map((name) => claiming(name, '10.0.0.1')),
        claiming('Forwarded', 'for=10.0.0.1'),
        claiming('Forwarded', 'for="[2001:db8:7::1]";by=10.0.0.1'),
        { target: '/inside/x', headers: NAMES.map((name) => [name, '10.0.0.1']), status: 403 },
        claiming('X_Forwarded_For', '10.0.0.1'),
        claiming('X-Forwarded_For', '10.0.0.1'),
      ],
    },
    {
      id: 'I07',
      attack: 'a chain that cannot be read: junk at its right end, empty members, thousands of hops',
      references: ['CVE-2024-47070', 'CWE-754', 'CWE-770'],
      outcome: 'nobody: rules about networks deny, however the chain goes on to the left',
      attempts: [
        ...[
          '10.0.0.1, junk',
          '10.0.0.1,',
          '10.0.0.1, ,',
          ',',
          '10.0.0.1, unknown',
          '10.0.0.1, 10.0.0.999',
        ].map((from) => inside(from, 403)),
        ...[`${'10.0.0.1, '.repeat(2000)}junk`, `${'127.0.0.1,'.repeat(500)}x`, 'x'.repeat(8000)].map(
          (from) => inside(from, 403),
        ),
      ],
    },
  ],
}
