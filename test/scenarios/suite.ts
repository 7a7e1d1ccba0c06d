/** Plays every scenario against a target and compares what is seen with what is expected there. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { POLICY_NAMES } from './policies.ts'
import type { Seen } from './scenario.ts'
import { ROWS } from './table.ts'
import { outlook, type Session, type Target } from './targets/target.ts'

/** Which scenario a test is of, for whoever collects what became of it. */
export interface Played {
  readonly target: string
  readonly row: string
}

declare module 'vitest' {
  interface TaskMeta {
    scenario?: Played
    /** Versions that a target was run with. */
    version?: { readonly target: string; readonly version: string }
  }
}

export async function conforms(target: Target): Promise<void> {
  const missing = await target.missing()
  if (missing !== null) {
    if (process.env['CI'] === 'true')
      it(target.name, () => {
        throw new Error(missing)
      })
    else {
      console.warn(`skipped, ${target.name}: ${missing}`)
      describe.skip(target.name, () => it.each(ROWS)('$id', () => {}))
    }
    return
  }
  describe(target.name, () => {
    const sessions: Session[] = []
    const seen = new Map<string, Seen>()
    const playable = ROWS.filter((row) => outlook(target, row).seen !== null)

    beforeAll(async () => {
      const playing = POLICY_NAMES.map(async (policy) => {
        const rows = playable.filter((row) => row.policy === policy)
        if (rows.length === 0) return
        const session = await inTime(`${policy} to start`, target.start(policy))
        sessions.push(session)
        for (const [id, one] of await inTime(`${policy} to be played`, session.play(rows))) seen.set(id, one)
      })
      // All of them have begun, so all of them must have ended before anything is stopped.
      for (const one of await Promise.allSettled(playing)) if (one.status === 'rejected') throw one.reason
    })
    afterAll(() => inTime('everything to stop', Promise.all(sessions.map((session) => session.stop()))))

    it('tells its version', async ({ task }) => {
      const version = await target.version()
      task.meta.version = { target: target.name, version }
      expect(version).toMatch(/\d/)
    })

    it.for(playable)('$id: $says', (row, { task }) => {
      task.meta.scenario = { target: target.name, row: row.id }
      expect(seen.get(row.id), sessions.map((one) => one.output()).join('\n')).toEqual(
        outlook(target, row).seen,
      )
    })
  })
}

/** Milliseconds that each step may take, on a machine that has other things to do as well. */
const PATIENCE = 60_000

/** Says which step it was that did not end. */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const abort = new AbortController()
  const late = delay(PATIENCE, null, { signal: abort.signal }).then(
    () => Promise.reject(new Error(`waited ${PATIENCE} ms for ${what}`)),
    () => new Promise<never>(() => {}),
  )
  try {
    return await Promise.race([work, late])
  } finally {
    abort.abort()
  }
}
