/** `postern serve` over TCP, asked as a proxy would ask it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeOutside } from '../../../src/ports/node-outside.ts'
import { sqlite } from '../../../src/stores/sqlite.ts'
import { issueCertificates } from '../../e2e/certificate.ts'
import { type PolicyPart, startPostern } from '../../e2e/stand.ts'
import { CLOSED, ENTRIES, ENVIRONMENT, POLICIES, type PolicyName, PROXY_ENTRY } from '../policies.ts'
import { fails } from '../scenario.ts'
import { ownForwarded, playChecks } from './checks.ts'
import { WITHOUT_SHIELD } from './forced.ts'
import { Records } from './recorded.ts'
import type { Target } from './target.ts'

export const node: Target = {
  name: 'Node',
  version: async () => process.versions.node,
  missing: async () => null,
  differences: [
    WITHOUT_SHIELD,
    {
      why: "Without a proxy nobody takes out the client's copy of a forwarded field, so that it comes twice.",
      concerns: ownForwarded,
      instead: () => fails('request_malformed', 400),
    },
  ],

  async start(name) {
    const folder = await mkdtemp(join(tmpdir(), 'postern-scenarios-'))
    const lines: string[] = []
    const policy = await policyOnNode(name, 'traefik', folder)
    const options = { policy, environment: ENVIRONMENT, onRecord: (line: string) => void lines.push(line) }
    const postern = await startPostern(
      { adapter: 'traefik', tls: false },
      options,
      folder,
      issueCertificates(),
      0,
    )
    return {
      play: (rows) => playChecks(postern.port, rows, new Records(() => lines)),
      output: postern.output,
      async stop() {
        await postern.stop()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}

/** A policy of the suite as Node serves it behind one proxy, its store filled in a file of `folder`. */
export async function policyOnNode(name: PolicyName, adapter: string, folder: string): Promise<PolicyPart> {
  const { part, store } = POLICIES[name]
  const proxies = { [adapter]: { ...PROXY_ENTRY, peers: ['127.0.0.1/32'] } }
  if (store === 'is silent')
    return { ...part, proxies, store: { redis: { url: `redis://127.0.0.1:${CLOSED}` } } }
  const file = join(folder, 'state.db')
  await fill(file)
  return { ...part, proxies, store: { sqlite: file } }
}

async function fill(file: string): Promise<void> {
  const outside = {
    ...nodeOutside(() => {}),
    resolvePath: (path: string) => path,
    ticks: () => performance.now(),
  }
  const store = await sqlite.create(file, outside, 1000)
  await store.open()
  const changes = ENTRIES.map((one) => ({ put: one, expected: 'any' as const }))
  await store.apply(changes, null)
  await store.close()
}
