/** Checks while the store does not answer at all. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, bearer, policyWith, VARIABLES } from './support/check.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

const SILENT = `
import { DurableObject } from 'cloudflare:workers'
const never = () => new Promise(() => {})
export class Silent extends DurableObject {
  ready() { return never() }
  charge() { return never() }
  changes() { return never() }
  list() { return never() }
}
export default { fetch: () => new Response() }
`

/** Milliseconds that a request waits at most for what should be known before it is decided. */
const PATIENCE = 350

let workerd: Workerd
beforeAll(async () => {
  const objects = (className: string, scriptName?: string) => ({
    durableObjects: {
      POSTERN_STATE: { className, useSQLite: true, ...(scriptName === undefined ? {} : { scriptName }) },
    },
  })
  workerd = await startWorkerd([
    {
      name: 'check',
      entry: 'src/worker.ts',
      policy: policyWith(),
      variables: VARIABLES,
      bindings: objects('Silent', 'silent'),
    },
    { name: 'silent', entry: { text: SILENT }, bindings: objects('Silent') },
  ])
})
afterAll(() => workerd?.stop())

describe('a store that does not answer', () => {
  it('is waited for by who asks first, and now and then: not by everybody', async () => {
    expect((await ask(workerd, '/public/x')).status).toBe(200)
    const rounds = 20
    const began = performance.now()
    for (let round = 0; round < rounds; round++) expect((await ask(workerd, '/public/x')).status).toBe(200)
    expect(performance.now() - began).toBeLessThan((rounds * PATIENCE) / 2)
  })

  it('leaves nobody let in of whom it may have been told that he is revoked', async () => {
    const token = await bearer()
    for (let round = 0; round < 3; round++) {
      const { status, headers } = await ask(workerd, '/docs/x', [token])
      expect(status).toBe(503)
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    }
  })
})
