import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { START_REFUSALS, type StartRefusalName } from '../../scripts/outcomes.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { pepperEntry } from '../../src/state/peppers.ts'
import { SECRETS } from './credentials.ts'
import { Stand, seed } from './stand.ts'

/** What stands where the file should be, before the service starts. */
const PREPARED: Readonly<Record<StartRefusalName, (file: string) => Promise<unknown>>> = {
  'start-folder': (file) => rm(join(file, '..'), { recursive: true }),
  'start-damaged': (file) => writeFile(file, 'rubbish '.repeat(4096)),
  'start-foreign': async (file) => {
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE theirs (a)')
    db.close()
  },
  'start-pepper': (file) =>
    seed(`{ sqlite: "${file}" }`, [pepperEntry('v1', 'another secret than that of the policy', hmacSha256)]),
}

describe('postern serve does not start, and says why without a secret', () => {
  it.each(Object.keys(PREPARED) as StartRefusalName[])('%s', async (name) => {
    const above = await mkdtemp(join(tmpdir(), 'postern-start-'))
    try {
      await mkdir(join(above, 'data'))
      const file = join(above, 'data', 'postern.db')
      await PREPARED[name](file)
      const problem = await Stand.start({ store: `{ sqlite: "${file}" }` }).then(
        () => null,
        (error: Error) => error.message,
      )
      expect(problem).toContain('ended with 1: postern: store: ')
      expect(problem).toContain(START_REFUSALS[name].says)
      for (const secret of Object.values(SECRETS)) expect(problem).not.toContain(secret)
    } finally {
      await rm(above, { recursive: true, force: true })
    }
  })
})
