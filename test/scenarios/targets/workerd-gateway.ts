/** The Worker in front of an origin, with what only the real edge has put in its place by the suite. */
import { startUpstream, type Upstream } from '../../e2e/upstream.ts'
import type { Line } from '../../e2e/wire.ts'
import { POLICIES, type ScenarioPolicy } from '../policies.ts'
import { fails, passes, pathOf, STRANGER } from '../scenario.ts'
import { answersItself, hostHolds, namesClient, rewrites } from './forced.ts'
import { type Entrance, playThrough } from './proxy.ts'
import type { Target } from './target.ts'
import { edgeLine, portOf, type StartedWorker, startWorker, workerdVersion } from './worker.ts'

export interface StartedGateway {
  readonly worker: StartedWorker
  readonly upstream: Upstream
  /** Where clients come in. */
  readonly port: number
  /** Where those come in of whom the edge says where they are. */
  readonly edge: number
  stop(): Promise<void>
}

/** A policy in front of a recording upstream. */
export async function startGateway(policy: ScenarioPolicy): Promise<StartedGateway> {
  const upstream = await startUpstream()
  try {
    const worker = await startWorker(policy, {
      gateway: { origin: `http://127.0.0.1:${upstream.port}`, secret: '${POSTERN_SECRET}' },
    })
    return {
      worker,
      upstream,
      port: portOf(worker),
      edge: portOf(worker, 'edge'),
      async stop() {
        await worker.workerd.stop()
        await upstream.stop()
      },
    }
  } catch (problem) {
    await upstream.stop()
    throw problem
  }
}

/** What the edge says of a client. */
const throughEdge =
  (edge: number): Entrance =>
  ({ client, request: { place } }) => {
    const lines: Line[] = [
      // Of a chain the edge believes what opened the connection.
      ['CF-Connecting-IP', client.split(', ').at(-1) ?? ''],
      ...(client.includes(',') ? [['X-Forwarded-For', client] as const] : []),
    ]
    const from = '127.0.0.1'
    if (place === undefined) return { from, lines }
    const { country, asn } = place
    const cf = { country, ...(asn === undefined ? {} : { asn: Number(asn) }) }
    return { from, lines: [...lines, edgeLine(cf)], port: edge }
  }

export const workerdGateway: Target = {
  name: 'workerd gateway',
  version: workerdVersion,
  missing: async () => null,
  differences: [
    {
      why: 'A client of the gateway proves nothing, and asks nobody for a check.',
      concerns: ({ request }) => request.proof !== undefined,
      instead: () => null,
    },
    {
      why: 'Requests of other schemes never reach a Worker.',
      concerns: ({ request }) => request.scheme === 'ftp',
      instead: () => null,
    },
    {
      why: 'In a gateway whose policy names a proxy, the path of its check is for checks, and a client is no proxy.',
      concerns: (row) => pathOf(row).startsWith('/check/'),
      instead: () => fails('proxy_untrusted', 403),
    },
    answersItself(
      'workerd refuses methods that its parser does not know itself.',
      ({ request }) => /^(?:BREW|SPAM|get)$/.test(request.method ?? ''),
      501,
    ),
    rewrites(
      'workerd makes a URL of the target before any code runs: dot segments are resolved, backslashes become slashes and a fragment is dropped. What is left is judged and sent on.',
      (path) => new URL(`http://origin${path}`).pathname,
    ),
    {
      why: 'workerd makes a URL of the host before any code runs: escapes are decoded, and a user is no part of it. What is left is judged and sent on.',
      concerns: hostHolds(/[@%]/),
      instead: () => passes(STRANGER),
    },
    answersItself('workerd refuses an empty Host itself.', hostHolds(/^$/)),
    {
      why: 'The edge always names one address of the client; the gateway refuses what is none.',
      concerns: ({ client }) => /^(?:unknown|not-an-address)$/.test(client),
      instead: () => fails('request_malformed', 400),
    },
    namesClient('The edge names the client itself, whatever stands in X-Forwarded-For.'),
  ],

  async start(policy) {
    const gateway = await startGateway(POLICIES[policy])
    return {
      play: (rows) => playThrough(gateway, rows, gateway.worker.records, throughEdge(gateway.edge)),
      output: gateway.worker.output,
      stop: gateway.stop,
    }
  },
}
