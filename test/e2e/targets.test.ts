/**
 * Odd request targets through the real proxies. Whatever reaches the upstream must have been authorised under every
 * common reading of its path; ordinary URLs must all pass.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fuzz, SEED, TARGETS } from './fuzz.ts'
import { policy } from './guarded.ts'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import { ORDINARY } from './targets.ts'
import { exchange, requestBytes } from './wire.ts'

await throughEachProxy((kind) => {
  let stand: Stand
  beforeAll(async () => {
    stand = await startStand(kind, { policy })
  })
  afterAll(() => stand?.stop())

  it(`whatever reaches the upstream was authorised under every reading of its path (${TARGETS} targets, seed ${SEED})`, async () => {
    await fuzz(stand)
  }, 60_000)

  it.each(ORDINARY)('an ordinary URL passes: %s', async (target) => {
    const before = stand.upstream.received.length
    const answer = await exchange(stand.port, requestBytes(target, { host: 'open.example.com' }))
    expect(answer?.status, `${answer?.body}\n${stand.output()}`).toBe(200)
    expect(stand.upstream.received.length - before).toBe(1)
  })
})
