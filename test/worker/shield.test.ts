import { describe, expect, it } from 'vitest'
import { deskOf } from '../cli/support.ts'
import { checkWorker, type Duo, duoOf, policyOf } from './support/duo.ts'
import { startWorkerd, type WorkerSpec } from './support/workerd.ts'

const SHIELD = 'shield: { binding: SHIELD }'
/** In the window of a minute. Windows follow the clock of the wall, so that a test may see two of them. */
const LIMIT = 3
const TRIES = 3 * LIMIT

/** The runtime's own binding, as workerd has it when it runs locally. */
const SIMULATED = {
  ratelimits: { SHIELD: { namespace_id: '1001', simple: { limit: LIMIT, period: 60 } } },
} as const

/** Bindings of the same form that fail, which the runtime's own does not do when it runs locally. */
const FAULTY: WorkerSpec = {
  name: 'faulty',
  entry: {
    text: `
      import { WorkerEntrypoint } from 'cloudflare:workers'
      export class Throws extends WorkerEntrypoint { limit() { throw new TypeError('no quota for 192.0.2.1') } }
      export class Hangs extends WorkerEntrypoint { limit() { return new Promise((resolve) => setTimeout(resolve, 60000)) } }
      export class Empty extends WorkerEntrypoint { limit() {} }
      export default { fetch: () => new Response() }`,
  },
}

async function shielded(
  bindings: WorkerSpec['bindings'],
  work: (duo: Duo) => Promise<void>,
  policy: string = policyOf(SHIELD, 'store: memory'),
): Promise<void> {
  const workerd = await startWorkerd([checkWorker(policy, { bindings: bindings ?? {} }), FAULTY])
  try {
    await work(duoOf(workerd))
  } finally {
    await workerd.stop()
  }
}

/** What became of some requests, one after the other. */
async function statuses(duo: Duo, from: readonly string[], target = '/open'): Promise<number[]> {
  const found: number[] = []
  for (const address of from) found.push((await duo.check({ target, from: address })).status)
  return found
}

const same = (address: string) => Array<string>(TRIES).fill(address)

describe('the shield of a check Worker', () => {
  it('holds back a client that asks too often, and no other, before anything is asked of the store', () =>
    shielded(
      { ...SIMULATED, durableObjects: { POSTERN_STATE: { className: 'PosternState', useSQLite: true } } },
      async (duo) => {
        // The first request opens the store.
        expect(await statuses(duo, ['192.0.2.9'], '/open')).toEqual([200])
        const found = await statuses(duo, same('192.0.2.1'), '/keyed')
        expect(found.slice(0, LIMIT)).toEqual(Array(LIMIT).fill(401))
        expect(found.filter((status) => status === 429).length).toBeGreaterThanOrEqual(TRIES - 2 * LIMIT)
        expect(await statuses(duo, ['192.0.2.2'])).toEqual([200])
        const held = duo.workerd.events('decision').filter(({ reason }) => reason === 'shield_exceeded')
        expect(held.length).toBeGreaterThanOrEqual(TRIES - 2 * LIMIT)
        // A limit would have been charged, and counted in an object.
        for (const { limits } of held) expect(limits).toEqual([])
      },
      policyOf(SHIELD),
    ))

  it('counts an IPv6 client by its network of 64 bits', () =>
    shielded(SIMULATED, async (duo) => {
      const neighbours = Array.from({ length: TRIES }, (_, index) => `2001:db8:0:1::${index + 1}`)
      expect(await statuses(duo, neighbours)).toContain(429)
      expect(await statuses(duo, ['2001:db8:0:2::1'])).toEqual([200])
    }))

  it('is named by postern compile, which cannot see whether it is bound', async () => {
    const desk = deskOf('memory')
    try {
      desk.file('shielded.yaml', policyOf(SHIELD))
      const { code, out } = await desk.run(['compile', 'shielded.yaml'])
      expect([code, out]).toEqual([0, expect.stringMatching(/needs the rate limiting binding SHIELD \(/)])
    } finally {
      desk.end()
    }
  })

  it('is said to be missing once, and the limits behind it hold', () =>
    shielded(
      {},
      async (duo) => {
        expect(await statuses(duo, same('192.0.2.1'), '/limited')).toEqual([
          200,
          200,
          ...Array(TRIES - 2).fill(429),
        ])
        expect(duo.workerd.events('shield_missing')).toEqual([
          expect.objectContaining({
            problem: 'there is no rate limiting binding SHIELD: nothing is held back before the limits',
          }),
        ])
      },
      LIMITED,
    ))

  it.each([
    ['throws', 'Throws', 'failed (TypeError)'],
    ['does not answer', 'Hangs', 'took longer than 50 ms'],
    ['answers nothing', 'Empty', 'failed (TypeError)'],
  ])('lets everybody pass to the limits when it %s, and says so once', (_, entrypoint, what) =>
    shielded(
      { serviceBindings: { SHIELD: { name: 'faulty', entrypoint } } },
      async (duo) => {
        expect(await statuses(duo, same('192.0.2.1'), '/limited')).toEqual([
          200,
          200,
          ...Array(TRIES - 2).fill(429),
        ])
        const told = duo.workerd.events('shield_failed')
        expect(told.map(({ problem }) => problem)).toEqual([`the binding SHIELD ${what}: its clients pass`])
        expect(duo.workerd.logs.map(({ text }) => text).join()).not.toContain('no quota for')
      },
      LIMITED,
    ),
  )
})

const LIMITED = `
proxies: { traefik: { secret: "\${PROXY_SECRET}" } }
store: memory
${SHIELD}
limits: { two: { by: client, rate: 2/hour } }
routes: { limited: { match: { path: /limited }, credentials: [anonymous], limits: [two] } }`
