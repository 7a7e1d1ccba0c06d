/** Limits: more requests than somebody may make. */
import type { AttackClass } from '../attack.ts'

const here = (title: string) => ({ file: 'attacks/limit.test.ts', title, ways: ['in process' as const] })

export const LIMITS: AttackClass = {
  name: 'Limits',
  intro:
    'A limit is got past by being somebody else, by asking at the right moment, or by taking its store away.',
  attacks: [
    {
      id: 'R01',
      attack: 'another address of its IPv6 network for each request; all 65,536 networks of a /48',
      references: ['RFC 6177', 'RFC 8981', 'CVE-2026-30827', 'CWE-799'],
      outcome: 'a /64 is one client, and a /48 has sixteen times its limit',
      shown: [
        here('every address of a /64 is one client'),
        here('all networks of a /48 together have a ceiling'),
        {
          file: 'core/limit.test.ts',
          title:
            'R01 puts every address of an IPv6 /64 into one bucket, and every /64 of a /48 under one ceiling',
          ways: ['in process'],
        },
      ],
    },
    {
      id: 'R03',
      attack:
        'the same client, key, subject, host or path in another spelling for each request; made-up X-Forwarded-For',
      references: ['CVE-2026-27700', 'CVE-2026-47674', 'CWE-180'],
      outcome: 'one bucket: what is counted is the canonical form',
      shown: [
        here('no spelling of address, host, path or credential is a client of its own'),
        {
          file: 'attacks/node.test.ts',
          title: 'a limit holds whatever the client claims to be',
          ways: ['Node'],
        },
        {
          file: 'attacks/proxies.test.ts',
          title: 'a limit holds whatever the client claims to be',
          ways: ['proxies'],
        },
      ],
    },
    {
      id: 'R05',
      attack:
        'takes the store away: dead, frozen, slow, read-only, moved to another node, restarted empty, an hour off, asked by two instances whose clocks differ',
      references: ['CWE-636', 'CWE-400', 'CWE-367'],
      outcome:
        'each limit falls back to a count of its own, or denies, as the policy says, within 400 ms; never open by itself, never twice the limit',
      shown: [
        here('a store that is dead, silent, slow or refuses to write never opens a limit'),
        here('a clock that jumps by an hour, either way, gives nobody a second burst'),
        here('two instances whose clocks differ by five seconds admit one burst together'),
        {
          file: 'core/outage.test.ts',
          title:
            'R05 is counted by this instance alone, each of several with its part, so that together they admit no more',
          ways: ['in process'],
        },
        { file: 'faults/stores.test.ts', title: 'when a store fails', ways: ['Node'] },
        {
          file: 'faults/clock.test.ts',
          title: "when the clock of a sqlite store's machine is set",
          ways: ['in process'],
        },
        {
          file: 'instances/limits.test.ts',
          title: 'admit no more than documented when one of them is killed and Redis comes back empty',
          ways: ['Node'],
        },
        {
          file: 'e2e/outage.test.ts',
          title: 'an outage behind Postern reaches its client whole where the policy has it told as 403',
          ways: ['proxies'],
        },
      ],
      gap: 'A store that loses what it acknowledged (a primary that fails over before it replicated) admits at most another burst; that is a property of the store, and docs/stores.md says so.',
    },
    {
      id: 'R07',
      attack: 'a hundred requests at one instant, at the edge of a window, and through several instances',
      references: ['CWE-362', 'CWE-367'],
      outcome: 'exactly the limit passes; 429 with Retry-After for the rest',
      shown: [
        here('a hundred at once pass as often as the limit says'),
        here('the edge of a window is no place to stand'),
        {
          file: 'attacks/node.test.ts',
          title: 'a hundred at once over a hundred connections pass as often as the limit says',
          ways: ['Node'],
        },
        {
          file: 'instances/limits.test.ts',
          title: 'admit no principal more than its limit, whoever of 1,000 asks whichever of them',
          ways: ['Node'],
        },
      ],
    },
    {
      id: 'R08',
      attack:
        'spends somebody else’s limit with bad credentials, or its own without being counted, by being refused first',
      references: ['CWE-799', 'CWE-307'],
      outcome:
        'a client’s limit counts whatever its credential; a principal’s only once it was accepted and allowed',
      shown: [here('bad credentials count against the client and against nobody else')],
    },
  ],
}
