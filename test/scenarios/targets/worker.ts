/** The Worker of a policy, in a real workerd. */
import { readFile } from 'node:fs/promises'
import type { Change } from '../../../src/stores/contract.ts'
import { NAMES, type StateNamespace } from '../../../src/stores/durable-object/wire.ts'
import { JWT_SECRET, PROXY_SECRET } from '../../e2e/credentials.ts'
import type { Line } from '../../e2e/wire.ts'
import { strong } from '../../support/policy.ts'
import { startWorkerd, type Workerd } from '../../worker/support/workerd.ts'
import { ENVIRONMENT, PROXY_ENTRY, type ScenarioPolicy, SHIELD } from '../policies.ts'
import { CLOSED } from '../policy/credentials.ts'
import { ENTRIES } from '../policy/entries.ts'
import { Records } from './recorded.ts'

/** Stands for the edge: what it says of a request comes in a header here, and leaves as `request.cf`. */
const EDGE = `
export default {
  fetch(request, env) {
    const headers = new Headers(request.headers)
    const cf = JSON.parse(headers.get('x-scenario-cf'))
    headers.delete('x-scenario-cf')
    return env.POSTERN.fetch(new Request(request, { headers, cf, redirect: 'manual' }))
  },
}`

/** What the edge is to say of a request. */
export const edgeLine = (cf: object): Line => ['X-Scenario-Cf', JSON.stringify(cf)]

export interface StartedWorker {
  readonly workerd: Workerd
  readonly records: Records
  output(): string
}

/**
 * A policy of the suite as a Worker serves it, its objects filled; beside it the `edge`.
 * @param extra sections of the policy beside those of the scenarios
 */
export async function startWorker(
  { part, store, proxy = PROXY_ENTRY }: ScenarioPolicy,
  extra: object = {},
): Promise<StartedWorker> {
  const url = `http://127.0.0.1:${CLOSED}`
  const workerd = await startWorkerd([
    {
      name: 'postern',
      entry: 'src/worker.ts',
      policy: JSON.stringify({
        ...part,
        proxies: { traefik: proxy },
        store:
          store === 'answers'
            ? { durableObject: {}, deadline: '350ms' }
            : { upstash: { url, token: '${UPSTASH_TOKEN}' } },
        ...extra,
      }),
      variables: {
        ...ENVIRONMENT,
        JWT_SECRET,
        POSTERN_SECRET: PROXY_SECRET,
        UPSTASH_TOKEN: strong('upstash'),
      },
      bindings: {
        durableObjects: { POSTERN_STATE: { className: 'PosternState', useSQLite: true } },
        ratelimits: {
          [SHIELD.binding]: { namespace_id: '1001', simple: { limit: SHIELD.limit, period: 60 } },
        },
      },
    },
    { name: 'edge', entry: { text: EDGE }, bindings: { serviceBindings: { POSTERN: 'postern' } } },
  ])
  if (store === 'answers') await fill(workerd)
  const lines = () => workerd.logs.map(({ text }) => text)
  return { workerd, records: new Records(lines), output: () => lines().slice(0, 20).join('\n') }
}

async function fill({ miniflare }: Workerd): Promise<void> {
  const namespace = (await miniflare.getDurableObjectNamespace(
    'POSTERN_STATE',
    'postern',
  )) as unknown as StateNamespace
  const changes: Change[] = ENTRIES.map((put) => ({ put, expected: 'any' }))
  const applied = await namespace.getByName(NAMES.access).apply(changes, null)
  if ('fault' in applied) throw new Error(applied.message)
}

/** Port of a Worker's own socket. */
export const portOf = ({ workerd }: StartedWorker, name = 'postern'): number =>
  Number(new URL(workerd.url(name)).port)

/** As it stands in its package. */
export async function workerdVersion(): Promise<string> {
  const file = new URL('../../../node_modules/workerd/package.json', import.meta.url)
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return `workerd ${version}`
}
