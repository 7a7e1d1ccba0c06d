/** The attacks that are tried through proxies, on the Worker as a gateway before an origin of its own. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startUpstream, type Upstream } from '../e2e/upstream.ts'
import { requestBytes } from '../e2e/wire.ts'
import { OBJECTS } from '../worker/support/check.ts'
import { startWorkerd, type Workerd } from '../worker/support/workerd.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { alice, key } from './forge.ts'
import { CREDENTIAL } from './served.ts'
import { besiege, Siege } from './siege.ts'
import { POLICY, VARIABLES } from './stage.ts'

let workerd: Workerd
let upstream: Upstream
let siege: Siege
beforeAll(async () => {
  upstream = await startUpstream()
  const gateway = { origin: `http://127.0.0.1:${upstream.port}`, secret: '${POSTERN_SECRET}' }
  workerd = await startWorkerd([
    {
      name: 'gateway',
      entry: 'src/worker.ts',
      policy: JSON.stringify({ ...POLICY, gateway }),
      variables: VARIABLES,
      bindings: OBJECTS,
      options: { compatibilityFlags: ['enable_request_signal'] },
    },
  ])
  siege = new Siege({
    port: Number(new URL(workerd.url('gateway')).port),
    upstream,
    // The edge says who the client is, and nobody else can: it puts its own in the place of what a client sends.
    line: ['CF-Connecting-IP', '203.0.113.9'],
    telling: { host: 'X-Forwarded-Host', secret: 'x-postern-secret' },
  })
})
afterAll(async () => {
  await workerd?.stop()
  await upstream?.stop()
})

/**
 * workerd makes a URL of target and Host before any code runs: a fragment, a user and what follows a backslash are no
 * part of the host any more. What is left is what the gateway judges and what the origin is told, so it has to be open.
 */
const REPAIRED = ['P07', 'P08', 'H05']

besiege(
  () => siege,
  (attempt, { id }) => {
    const { headers = [] } = attempt
    const names = typeof headers === 'function' ? [] : headers.map(([name]) => name.toLowerCase())
    if (names.includes('cf-connecting-ip')) return null
    return REPAIRED.includes(id) ? { ...attempt, arrives: 'harmless' } : attempt
  },
)

it(
  titled(attack('K07'), 'nothing that was presented stands in an answer, or in what the gateway logs'),
  async () => {
    await siege.send(requestBytes('/docs/x', { headers: [alice(), key('ak_x')] }))
    expect(siege.answers.length).toBeGreaterThan(0)
    for (const text of [...siege.answers, ...workerd.logs.map((line) => line.text)])
      expect(CREDENTIAL.exec(text)?.[0]).toBeUndefined()
  },
)
