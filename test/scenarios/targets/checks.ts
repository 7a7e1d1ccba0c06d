/** Checks as a proxy in front would send them, for runtimes that are asked without one. */
import { PROXY_SECRET } from '../../e2e/credentials.ts'
import { type Answer, Connection, header, type Line, requestBytes } from '../../e2e/wire.ts'
import { answerOf, identityIn, linesOfRow, placeLines, quotaIn } from '../request.ts'
import { earlierOf, type Proof, type Row, type Seen } from '../scenario.ts'
import type { Records } from './recorded.ts'
import type { Difference } from './target.ts'

/** Which secrets a check carries. */
const SECRETS: Readonly<Record<Proof | 'right', readonly string[]>> = {
  right: [PROXY_SECRET],
  none: [],
  wrong: [`${PROXY_SECRET}x`],
  twice: [PROXY_SECRET, PROXY_SECRET],
  certificate: [],
  'another certificate': [],
  'certificate that does not verify': [],
}

/** The header of a check of Traefik's contract. */
function checkOf(row: Row): Line[] {
  const { method = 'GET', scheme = 'http', host = 'app.example.com', target, proof = 'right' } = row.request
  return [
    ...SECRETS[proof].map((secret) => ['X-Postern-Secret', secret] as const),
    ['X-Forwarded-Method', method],
    ['X-Forwarded-Proto', scheme],
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Uri', target],
    ['X-Forwarded-For', row.client],
    ...placeLines(row),
    ...linesOfRow(row),
  ]
}

/** Where a check is sent, and the lines that it needs there beside its own. */
export type CheckEntrance = (row: Row) => { readonly port: number; readonly lines?: readonly Line[] }

/** Sends each scenario's checks, and reads answers and audit lines. */
export async function playChecks(
  enter: CheckEntrance,
  rows: readonly Row[],
  records: Records,
): Promise<ReadonlyMap<string, Seen>> {
  const ask = async (row: Row): Promise<Answer | null> => {
    const { port, lines = [] } = enter(row)
    const connection = new Connection(port)
    try {
      const headers = [...lines, ...checkOf(row)]
      return await answerOf(connection, requestBytes('/check/traefik', { host: 'postern', headers }))
    } finally {
      connection.close()
    }
  }
  for (const row of records.warmUps(rows)) await ask(row)
  const answers = new Map<string, Answer | null>()
  for (const row of rows) {
    for (const earlier of earlierOf(row)) await ask(earlier)
    answers.set(row.id, await ask(row))
    await ask(records.markerOf(row))
  }
  const recorded = await records.of(rows)
  return new Map(
    rows.map((row) => {
      const answer = answers.get(row.id) ?? null
      const record = recorded.get(row.id)
      const lines = answer?.lines ?? []
      return [
        row.id,
        {
          status: Number(header(lines, 'X-Postern-Status') ?? 0),
          reason: record?.reason ?? null,
          judged: record !== undefined,
          identity: answer?.status === 200 ? identityIn(lines) : null,
          quota: quotaIn(header(lines, 'RateLimit')),
          charged: record?.charged ?? {},
        },
      ]
    }),
  )
}

/** A client's own copy of a forwarded field, which only a proxy would take out. */
export const ownForwarded: Difference['concerns'] = ({ request }) =>
  request.headers?.some(([name]) => /^x-forwarded-/i.test(name)) === true
