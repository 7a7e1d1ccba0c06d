/** `postern serve` over TCP, asked as a proxy would ask it. */

import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { portNear } from '../../../scripts/free-port.ts'
import { nodeOutside } from '../../../src/ports/node-outside.ts'
import { sqlite } from '../../../src/stores/sqlite.ts'
import { type Certificates, issueCertificates } from '../../e2e/certificate.ts'
import { type PolicyPart, startPostern } from '../../e2e/stand.ts'
import { CERTIFICATES, ENVIRONMENT, POLICIES, type PolicyName, PROXY_ENTRY } from '../policies.ts'
import { CLOSED } from '../policy/credentials.ts'
import { ENTRIES } from '../policy/entries.ts'
import { fails, type Proof } from '../scenario.ts'
import { type CheckEntrance, ownForwarded, playChecks } from './checks.ts'
import { NODE_ONLY } from './forced.ts'
import { Records } from './recorded.ts'
import type { Target } from './target.ts'

export const node: Target = {
  name: 'Node',
  version: async () => process.versions.node,
  missing: async () => null,
  differences: [
    ...NODE_ONLY,
    {
      why: "Without a proxy nobody takes out the client's copy of a forwarded field, so that it comes twice.",
      concerns: ownForwarded,
      instead: () => fails('request_malformed', 400),
    },
    {
      why: 'Whoever presents a certificate to Node has shown that it holds the key; there is none that does not verify.',
      concerns: ({ request }) => request.proof === 'certificate that does not verify',
      instead: () => null,
    },
  ],

  async start(name) {
    const folder = await mkdtemp(join(tmpdir(), 'postern-scenarios-'))
    const lines: string[] = []
    const policy = await policyOnNode(name, 'traefik', folder)
    const options = { policy, environment: ENVIRONMENT, onRecord: (line: string) => void lines.push(line) }
    const tls = POLICIES[name].proxy !== undefined
    const postern = await startPostern(
      { adapter: 'traefik', tls },
      options,
      folder,
      issueCertificates(),
      tls ? await portNear(0) : 0,
    )
    const wraps = tls ? await wrapAll(postern.port) : null
    const enter: CheckEntrance = ({ request }) => ({ port: wraps?.portFor(request.proof) ?? postern.port })
    return {
      play: (rows) => playChecks(enter, rows, new Records(() => lines)),
      output: postern.output,
      async stop() {
        await wraps?.stop()
        await postern.stop()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}

/** A policy of the suite as Node serves it behind one proxy, its store filled in a file of `folder`. */
export async function policyOnNode(name: PolicyName, adapter: string, folder: string): Promise<PolicyPart> {
  const { part, store, proxy = PROXY_ENTRY } = POLICIES[name]
  const proxies = { [adapter]: { ...proxy, peers: ['127.0.0.1/32'] } }
  if (store === 'is silent')
    return { ...part, proxies, store: { redis: { url: `redis://127.0.0.1:${CLOSED}` } } }
  const file = join(folder, 'state.db')
  await fill(file)
  // Patient, since what is counted here alone would be another count.
  return { ...part, proxies, store: { sqlite: file, deadline: '350ms' } }
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

/** Ports where plain bytes go in and leave over TLS, with each of the suite's certificates and with none. */
async function wrapAll(port: number) {
  const [none, right, other] = await Promise.all([
    wrap(port, null),
    wrap(port, CERTIFICATES.certificate),
    wrap(port, CERTIFICATES['another certificate']),
  ])
  const ports: Partial<Record<Proof, number>> = { certificate: right.port, 'another certificate': other.port }
  return {
    portFor: (proof: Proof | undefined): number => ports[proof ?? 'none'] ?? none.port,
    stop: () => Promise.all([none.stop(), right.stop(), other.stop()]),
  }
}

async function wrap(port: number, identity: Certificates | null) {
  const open = new Set<Socket>()
  const server = createServer((from) => {
    const to = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
    })
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one)
      one
        .on('error', () => {})
        .on('close', () => {
          open.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const socket of open) socket.destroy()
      }),
  }
}
