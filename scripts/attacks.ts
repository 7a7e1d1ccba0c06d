/** docs/security/attacks.md, written from the catalogue that the attack suite runs. */

import { type Attack, type AttackClass, attemptsIn, WAYS, type Way } from '../test/attacks/attack.ts'
import { ATTACKS, CLASSES, ELSEWHERE } from '../test/attacks/catalogue.ts'

/** The suite that makes the attempts of each way. */
const RUNNERS: Readonly<Record<Way, { readonly file: string; readonly says: string }>> = {
  'in process': {
    file: 'attacks/in-process.test.ts',
    says: 'The whole service (policy, decision, answer, record) behind each of the six contracts, without a socket.',
  },
  Node: {
    file: 'attacks/node.test.ts',
    says: 'A running `postern serve`: the bytes of each check on its HTTP/1.1 listener for each of the six contracts, and once more over TLS and h2 where they can be said there.',
  },
  workerd: {
    file: 'attacks/workerd.test.ts',
    says: 'The Worker in workerd, by the bytes of checks; of a table of hundreds every seventh.',
  },
  proxies: {
    file: 'attacks/proxies.test.ts',
    says: 'Through real Traefik (http and https), Caddy, nginx, HAProxy and Envoy on the files that users copy, by the bytes of a client. Judged at the upstream: nothing arrives, or what arrives is open to the caller in every reading, with the identity headers of Postern and nothing of the attacker’s choosing.',
  },
}

export function attackReference(): string {
  const requests = ATTACKS.reduce((sum, { attempts = [] }) => sum + attempts.length, 0)
  return [
    '# Attacks',
    '',
    '<!-- Written by `npm run generate` from test/attacks. Do not edit. -->',
    '',
    `What has been tried against Postern: ${ATTACKS.length} attacks with ${requests.toLocaleString('en-GB')} requests, and what becomes of each. The page is written from the data that the suite runs, so nothing stands here that is not tried in every run of the tests. An advisory beside an attack says where another product was got past in the same way.`,
    '',
    '## Where they are tried',
    '',
    '| way | what that is | suite |',
    '|---|---|---|',
    ...WAYS.map((way) => `| ${way} | ${RUNNERS[way].says} | \`test/${RUNNERS[way].file}\` |`),
    '| proxies | The same requests to the Worker as a gateway in workerd, judged at its origin. | `test/attacks/gateway.test.ts` |',
    '',
    'A number of requests in the last column below says how many variants of the attack the suites of these ways send; a file beside it holds tests written for this attack.',
    ...CLASSES.flatMap(sectionOf),
    '',
    '## Advisories',
    '',
    'Every advisory that the suite goes by, and the attacks that try it.',
    '',
    '| advisory | attacks |',
    '|---|---|',
    ...advisories().map(([advisory, ids]) => `| ${advisory} | ${ids.join(', ')} |`),
    '',
    'Of these there is nothing in Postern to attack:',
    '',
    ...Object.entries(ELSEWHERE).map(([advisory, why]) => `- ${advisory}: ${why}.`),
    '',
  ].join('\n')
}

const sectionOf = ({ name, intro, attacks }: AttackClass): string[] => [
  '',
  `## ${name}`,
  '',
  intro,
  '',
  '| | attack | reference | what happens | where shown |',
  '|---|---|---|---|---|',
  ...attacks.map((attack) =>
    row(attack.id, attack.attack, attack.references.join(', '), attack.outcome, whereShown(attack)),
  ),
  ...attacks.flatMap(({ id, gap }) => (gap === undefined ? [] : ['', `${id}, what is not shown: ${gap}`])),
]

const row = (...cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

function whereShown(attack: Attack): string {
  const { attempts = [], shown = [] } = attack
  const ways = WAYS.filter((way) => attemptsIn(attack, way).length > 0)
  const files = new Map<string, Set<Way>>()
  for (const { file, ways: others } of shown)
    files.set(file, new Set([...(files.get(file) ?? []), ...others]))
  return [
    ...(attempts.length === 0 ? [] : [`${attempts.length} requests: ${ways.join(', ')}`]),
    ...[...files].map(([file, others]) => `\`test/${file}\` (${[...others].join(', ')})`),
  ].join('; ')
}

/** By name; standards and weaknesses are no advisories. */
function advisories(): [string, string[]][] {
  const found = new Map<string, string[]>()
  for (const { id, references } of ATTACKS)
    for (const reference of references)
      if (/^(?:CVE|GHSA)-/.test(reference)) found.set(reference, [...(found.get(reference) ?? []), id])
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1))
}
