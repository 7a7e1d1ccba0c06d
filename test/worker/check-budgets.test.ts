/** What the check Worker weighs and how long it takes to start, as `wrangler deploy` would send it. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BUDGETS, withBundle } from '../../scripts/budgets.ts'
import { COMPATIBILITY_DATE } from './support/workerd.ts'

/** What a Worker has no use for: it does not parse YAML, has no command line, no file, no socket and no page of figures. */
const NEVER = ['yaml', 'commander', 'pino', 'prom-client', '@redis/client', '@hono/node-server']
/** Rooms of which a check needs nothing. */
const NOT_HERE = ['src/cli/', 'src/node/']

describe('the bundle of the check Worker', () => {
  it('is small, needs nothing of Node, holds no part that a Worker has no use for, and starts in time', async () => {
    await withBundle(async (bundle) => {
      expect(bundle.gzip).toBeLessThanOrEqual(BUDGETS.bundle)
      expect(bundle.imports).toEqual(['cloudflare:workers'])
      const parts = [...bundle.parts.keys()]
      expect(parts.filter((part) => [...NEVER, ...NOT_HERE].includes(part))).toEqual([])
      // The policy's own description is for whoever writes one; it was checked when it was compiled.
      expect(bundle.files.filter((file) => file.includes('src/policy/schema'))).toEqual([])
      // Of all the languages that Zod speaks only the one in which it is asked.
      expect(bundle.files.filter((file) => /zod\/.*locales\/(?!en\.)/.test(file))).toEqual([])
      expect(await bundle.start()).toBeLessThanOrEqual(BUDGETS.start)
    })
  })
})

describe('what is tested and what is deployed', () => {
  it.each(['wrangler.toml', 'wrangler-admin.toml'])(
    'are the same runtime, and none that imitates Node: %s',
    (file) => {
      const text = readFileSync(file, 'utf8')
      expect(text).toContain(`\ncompatibility_date = "${COMPATIBILITY_DATE}"\n`)
      expect(text).not.toContain('nodejs_compat')
    },
  )
})
