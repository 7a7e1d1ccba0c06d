/** What `npm start` and `npm run dev:worker` print for people to paste, pasted. */

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Launch, launch, until } from '../e2e/process.ts'

const ROOT = join(import.meta.dirname, '../..')
const shell = promisify(execFile)
const missing = await shell('curl', ['--version']).then(
  () => null,
  () => 'curl is not installed',
)

const SCRIPTS = {
  'npm start': { script: 'scripts/start.ts', count: 12, shows: [200, 400, 401, 403, 429] },
  'npm run dev:worker': { script: 'scripts/dev-worker.ts', count: 15, shows: [200, 400, 401, 403, 429] },
}

describe.skipIf(missing !== null && process.env['CI'] !== 'true')('the lines that are printed', () => {
  it.each(Object.entries(SCRIPTS))(
    '%s: each gives the status beside it, and all ends by a signal',
    async (_, { script, count, shows }) => {
      const mark = `POSTERN_TEST_MARK_${process.pid}`
      const running = start(script, { [mark]: '1' })
      let lines: string[] = []
      try {
        await until(async () => running.output().includes('Ctrl-C stops'), running)
        lines = running
          .output()
          .split('\n')
          .filter((line) => line.startsWith('curl '))
        const found: string[] = []
        // In their order, since some are about limits.
        for (const line of lines) found.push((await shell('sh', ['-c', line])).stdout.trim())
        const promised = lines.map((line) => line.slice(line.lastIndexOf('# ') + 2))
        expect(found).toEqual(promised)
        expect(
          promised
            .map(Number)
            .filter((status, at, all) => all.indexOf(status) === at)
            .sort(),
        ).toEqual(shows)
      } finally {
        await running.stop()
      }
      expect(lines).toHaveLength(count)
      // Nothing of what wrangler says before it is ready, and no warning, stands between what is printed.
      expect(running.output()).not.toMatch(/wrangler:|\bWARN|Error:/)
      expect(marked(mark)).toEqual([])
    },
  )
})

function start(script: string, environment: Launch['environment'] = {}) {
  return launch(process.execPath, [join(ROOT, script)], { folder: ROOT, environment, signal: 'SIGINT' })
}

/** Processes whose environment holds a name: those that were started below one that had it. */
function marked(name: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false
    try {
      return (
        existsSync(`/proc/${pid}/environ`) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(name)
      )
    } catch {
      return false
    }
  })
}
