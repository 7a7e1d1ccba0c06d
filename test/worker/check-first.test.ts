/** The first request of an isolate, ended at any moment by whoever sent it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkOf } from '../http/support.ts'
import { OBJECTS, policyWith, VARIABLES } from './support/check.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

/** Turns of the runtime after which the first request ends, each in an isolate that nobody has asked before. */
const TURNS = [0, 1, 2, 3, 4, 6, 8, 12]

/** Asks, goes away after so many turns, and asks again. */
const CALLER = `
export default {
  async fetch(request, env) {
    const { turns, headers } = await request.json()
    const ask = (signal) => env['FIRST_' + turns].fetch('https://postern.example.com/check/traefik', { headers, signal })
    const gone = new AbortController()
    const first = ask(gone.signal).then(() => {}, () => {})
    for (let turn = 0; turn < turns; turn++) await import('cloudflare:workers')
    gone.abort()
    await first
    const bound = new AbortController()
    const timer = setTimeout(() => bound.abort(), 5000)
    const { status } = await ask(bound.signal).catch(() => ({ status: 'no answer' }))
    clearTimeout(timer)
    return Response.json(status)
  },
}
`

let workerd: Workerd
beforeAll(async () => {
  const names = TURNS.map((turns) => `FIRST_${turns}`)
  workerd = await startWorkerd([
    ...names.map((name) => ({
      name,
      entry: 'src/worker.ts',
      policy: policyWith(),
      variables: VARIABLES,
      bindings: OBJECTS,
      options: { compatibilityFlags: ['enable_request_signal'] },
    })),
    {
      name: 'caller',
      entry: { text: CALLER },
      bindings: { serviceBindings: Object.fromEntries(names.map((name) => [name, name])) },
    },
  ])
})
afterAll(() => workerd?.stop())

describe('a first request whose client goes away', () => {
  it.each(TURNS)('after %d turns leaves nothing behind that the next one would wait for', async (turns) => {
    const headers = checkOf('traefik', '/public/x')
    const answer = await fetch(workerd.url('caller'), {
      method: 'POST',
      body: JSON.stringify({ turns, headers }),
    })
    expect(await answer.json()).toBe(200)
  })
})
