import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CLOCK_STEPS } from '../../scripts/outcomes.ts'
import { nodeOutside } from '../../src/ports/node-outside.ts'
import { guarded } from '../../src/state/guard.ts'
import { sqlite } from '../../src/stores/sqlite.ts'
import { serviceOf } from '../support/service.ts'

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1] } }
store: memory
limits: { few: { by: client, rate: 10/minute } }
routes: { app: { match: { path: /app }, credentials: [anonymous], limits: [few] } }
`

describe("when the clock of a sqlite store's machine is set", () => {
  it.each(Object.values(CLOCK_STEPS))('$what', async ({ step, spent, admitted }) => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-clock-'))
    let now = Date.now()
    const outside = { ...nodeOutside(() => {}), now: () => now, resolvePath: (path: string) => path }
    const file = await sqlite.create(join(folder, 'postern.db'), outside, 350)
    const store = guarded(file, {
      deadline: 350,
      ticks: () => performance.now(),
      random: Math.random,
      report: (event) => expect.unreachable(event),
    })
    await store.open()
    const service = serviceOf(POLICY, { ports: { counters: store } })
    /** How many of twenty requests pass. */
    const pass = async (): Promise<number> => {
      let passed = 0
      for (let i = 0; i < 20; i++) {
        const { status, decision } = await service.ask({ target: '/app' })
        expect(decision.degraded).toEqual([])
        if (status === 200) passed++
      }
      return passed
    }
    const move = (milliseconds: number): void => {
      now += milliseconds
      // What is known to be used up is known on a clock that never steps.
      service.pass(Math.max(milliseconds, 0))
    }
    try {
      for (let i = 0; i < spent; i++) expect((await service.ask({ target: '/app' })).status).toBe(200)
      move(step)
      expect(await pass()).toBe(admitted)
      // From then on all is as usual: one unit in six seconds, ten in a minute.
      move(6000)
      expect(await pass()).toBe(1)
      move(60_000)
      expect(await pass()).toBe(10)
    } finally {
      await store.close()
      await rm(folder, { recursive: true })
    }
  })
})
