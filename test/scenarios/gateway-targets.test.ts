/** Odd request targets through the gateway, with the invariant that holds through every proxy. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fuzz, SEED, TARGETS } from '../e2e/fuzz.ts'
import { policy } from '../e2e/guarded.ts'
import { ORDINARY } from '../e2e/targets.ts'
import { exchange, type Line, requestBytes } from '../e2e/wire.ts'
import { issuers } from './policy/credentials.ts'
import { type StartedGateway, startGateway } from './targets/workerd-gateway.ts'

let gateway: StartedGateway
beforeAll(async () => {
  gateway = await startGateway({ part: { issuers, ...policy }, store: 'answers' })
})
afterAll(() => gateway?.stop())

const more: readonly Line[] = [['CF-Connecting-IP', '203.0.113.9']]

it(`whatever reaches the origin was authorised under every reading of its path (${TARGETS} targets, seed ${SEED})`, async () => {
  await fuzz({ ...gateway, more, hostHeader: 'X-Forwarded-Host' })
}, 60_000)

it.each(ORDINARY)('an ordinary URL passes: %s', async (target) => {
  const before = gateway.upstream.received.length
  const answer = await exchange(
    gateway.port,
    requestBytes(target, { host: 'open.example.com', headers: more }),
  )
  expect(answer?.status, answer?.body).toBe(200)
  expect(gateway.upstream.received.length - before).toBe(1)
})
