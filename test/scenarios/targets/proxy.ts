/** Real proxies in front of Node, each on the files that users copy, with a recording upstream behind. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findServer } from '../../../scripts/servers.ts'
import { PROXIES, type ProxyKind } from '../../e2e/proxies.ts'
import { type Stand, startStand } from '../../e2e/stand.ts'
import { type Answer, Connection, header, type Line, requestBytes } from '../../e2e/wire.ts'
import { ENVIRONMENT } from '../policies.ts'
import { answerOf, connectionLines, identityIn, linesOfRow, placeLines, quotaIn } from '../request.ts'
import { earlierOf, type Identity, isRemote, type Row, type Seen } from '../scenario.ts'
import { NODE_ONLY } from './forced.ts'
import { policyOnNode } from './node.ts'
import { Records } from './recorded.ts'
import type { Difference, Target } from './target.ts'

/** Whoever connects from there is a balancer, and names clients that this machine cannot have. */
export const BALANCER = '127.0.0.1/32'

/** What no proxy shows, whatever stands behind it. */
export const COMMON: readonly Difference[] = [
  {
    why: 'A proxy of the suite knows its secret; strangers who ask Postern directly are played without a proxy.',
    concerns: ({ request }) => request.proof !== undefined,
    instead: () => null,
  },
]

export function proxy(kind: ProxyKind, name: string, differences: readonly Difference[]): Target {
  const { server, adapter } = PROXIES[kind]
  return {
    name,
    async version() {
      const found = await findServer(server)
      return 'missing' in found ? '' : found.version
    },
    async missing() {
      const found = await findServer(server)
      return 'missing' in found ? found.missing : null
    },
    differences: [...COMMON, ...NODE_ONLY, ...differences],

    async start(policyName) {
      const folder = await mkdtemp(join(tmpdir(), 'postern-scenarios-'))
      const lines: string[] = []
      const stand = await startStand(kind, {
        policy: await policyOnNode(policyName, adapter, folder),
        environment: ENVIRONMENT,
        balancer: BALANCER,
        onRecord: (line) => void lines.push(line),
      })
      return {
        play: (rows) => playThrough(stand, rows, new Records(() => lines)),
        output: stand.output,
        async stop() {
          await stand.stop()
          await rm(folder, { recursive: true, force: true })
        },
      }
    },
  }
}

/** Switching Protocols: the upstream agrees. */
const SWITCHING = 101

/** What came of a request: the answer to the client, and what reached the upstream of it. */
interface Played {
  readonly answer: Answer | null
  readonly identity: Identity | null
}

/** How a client comes in: from which address of this machine, and what somebody before the proxy says of it. */
export type Entrance = (row: Row) => {
  readonly from: string
  readonly lines: readonly Line[]
  /** Where it goes instead of straight to what is played. */
  readonly port?: number
}

/** Clients of this machine come directly; all others by way of a balancer that names them. */
const byBalancer: Entrance = (row) => {
  const { scheme, place } = row.request
  if (!isRemote(row) && place === undefined && scheme === undefined) return { from: row.client, lines: [] }
  const hops: Line[] = [
    ['X-Forwarded-For', row.client],
    ['X-Forwarded-Proto', scheme ?? 'https'],
  ]
  return { from: '127.0.0.1', lines: [...hops, ...placeLines(row)] }
}

/** Plays scenarios by way of whatever listens at a port, and compares at the upstream behind it. */
export async function playThrough(
  { port, upstream }: Pick<Stand, 'port' | 'upstream'>,
  rows: readonly Row[],
  records: Records,
  enter: Entrance = byBalancer,
): Promise<ReadonlyMap<string, Seen>> {
  const open: Connection[] = []
  const ask = (row: Row): Promise<Answer | null> => {
    const { method = 'GET', host = 'app.example.com', target } = row.request
    const { from, lines, port: way = port } = enter(row)
    const headers = [...lines, ...connectionLines(row), ...linesOfRow(row)]
    const connection = new Connection(way, from)
    open.push(connection)
    return answerOf(connection, requestBytes(target, { method, host, headers }))
  }
  const leave = () => {
    for (const connection of open.splice(0)) connection.close()
  }
  for (const row of records.warmUps(rows)) await ask(row)
  leave()
  const played = new Map<string, Played>()
  for (const row of rows) {
    for (const earlier of earlierOf(row)) {
      await ask(earlier)
      if (row.request.websocket !== true) leave()
    }
    const reached = upstream.received.length
    const answer = await ask(row)
    const received = upstream.received[reached]
    played.set(row.id, { answer, identity: received === undefined ? null : identityIn(received.lines) })
    leave()
    await ask(records.markerOf(row))
    leave()
  }
  const recorded = await records.of(rows)
  return new Map(
    rows.map((row) => {
      const { answer, identity } = played.get(row.id) ?? { answer: null, identity: null }
      const record = recorded.get(row.id)
      return [
        row.id,
        {
          status: answer?.status === SWITCHING ? 200 : (answer?.status ?? 0),
          reason: record?.reason ?? null,
          judged: record !== undefined,
          identity,
          quota: quotaIn(header(answer?.lines ?? [], 'RateLimit')),
          charged: record?.charged ?? {},
        },
      ]
    }),
  )
}
