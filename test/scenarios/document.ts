/** docs/conformance.md: which scenario was seen where, and what is seen instead where something forces it. */
import { credentialOf, type Row } from './scenario.ts'
import { BEYOND, ROWS } from './table.ts'
import { TARGETS } from './targets/index.ts'
import { type Difference, outlook } from './targets/target.ts'

/** By the target's name: what it was run with. */
export type Versions = Readonly<Record<string, string>>

const INTRODUCTION = `# Conformance

<!-- Written by \`npm run conformance\`, from a run in which every scenario was seen as it is marked here. -->

One policy means the same wherever it is asked. Each row is a scenario: a request under one of the suite's policies
(\`test/scenarios\`), with the verdict, the reason, the true status, all six identity headers and the quota that
everybody must come to. Each column is a way in: the decision in process (*core*), \`postern serve\` over TCP (*Node*),
real proxies on the recipes of this repository in front of Node, the Worker in a real workerd as a check and as a
gateway, and a proxy in front of the Worker. Where a proxy or a runtime forces something else, the suite holds exactly
that, and a footnote says why.

✓ seen as the row says · a number: seen as that footnote says, and as everybody else but for it · – cannot be played
there, for the reason of the footnote

What only the real edge has is injected here: \`request.cf\` (country, AS number,
client certificates) and CF-Connecting-IP come from the suite, and the shield's binding is the local runtime's, which is
exact where the edge's is approximate. Clients beyond this machine are named by a balancer that the suite plays. Identity is
compared where the upstream receives it. The reason is that of Postern's own record, which is exact where the answer is
coarse ([reasons](reasons.md)).
`

/** The whole document; the same for the same versions. */
export function documentOf(versions: Versions): string {
  const notes = new Notes()
  const body = groupsOf(ROWS).map(([group, rows]) => section(group, rows, notes))
  return `${[
    INTRODUCTION,
    '## Ways in\n',
    table(
      ['way in', 'versions', 'as the row says', 'otherwise', 'not played'],
      TARGETS.map((target) => {
        const outlooks = ROWS.map((row) => outlook(target, row))
        const absent = outlooks.filter(({ seen }) => seen === null).length
        const otherwise = outlooks.filter(({ seen, because }) => seen !== null && because.length > 0).length
        return [
          target.name,
          versions[target.name] ?? '',
          String(ROWS.length - absent - otherwise),
          String(otherwise),
          String(absent),
        ]
      }),
    ),
    ...body,
    '## Why some of it is seen otherwise\n',
    notes.list(),
    '## Reasons that no request brings about\n',
    table(
      ['reason', 'when'],
      Object.entries(BEYOND).map(([reason, when]) => [`\`${reason}\``, when]),
    ),
  ].join('\n')}`
}

function section(group: string, rows: readonly Row[], notes: Notes): string {
  const head = ['scenario', 'credential', 'outcome', ...TARGETS.map(({ name }) => name)]
  const lines = rows.map((row) => [
    `${row.says} (\`${row.id.slice(group.length + 1)}\`)`,
    credentialOf(row),
    row.expected.reason === null ? 'allow' : `${row.expected.status} \`${row.expected.reason}\``,
    ...TARGETS.map((target) => {
      const { seen, because } = outlook(target, row)
      const marks = because.map((each) => notes.numberOf(each))
      return `${seen === null ? '– ' : ''}${marks.join(', ')}` || '✓'
    }),
  ])
  return `## ${TITLES[group] ?? group}\n\n${table(head, lines)}`
}

const TITLES: Readonly<Record<string, string>> = {
  host: 'Hosts',
  path: 'Paths',
  method: 'Methods',
  reading: 'Readings of a path',
  credential: 'Credentials',
  demand: 'Demands',
  client: 'Clients',
  request: 'Requests',
  limit: 'Limits',
  ban: 'Bans',
  outage: 'A store that is silent',
  shield: 'The shield of a Worker',
  socket: 'WebSockets',
}

const groupsOf = (rows: readonly Row[]): [string, readonly Row[]][] => [
  ...Map.groupBy(rows, ({ id }) => id.split('/')[0] ?? ''),
]

const table = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('')

/** Footnotes, numbered as they come; what two targets say in the same words is one. */
class Notes {
  readonly #numbers = new Map<string, number>()

  numberOf({ why }: Difference): number {
    const number = this.#numbers.get(why) ?? this.#numbers.size + 1
    this.#numbers.set(why, number)
    return number
  }

  list(): string {
    return [...this.#numbers].map(([why, number]) => `${number}. ${why}\n`).join('')
  }
}

/** The versions that a document names, so that it can be told whether the rest of it is current. */
export function versionsIn(text: string): Versions {
  const versions = TARGETS.map(({ name }) => {
    const line = text.split('\n').find((each) => each.startsWith(`| ${name} | `))
    return [name, line?.split(' | ')[1] ?? '']
  })
  return Object.fromEntries(versions)
}
