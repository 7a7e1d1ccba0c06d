/**
 * Preloaded into the process under test, and only there: on SIGUSR2 it collects garbage and writes what is left, and it
 * notes what nobody caught. Files, because anything that stays open would be a handle of its own.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = process.env['SOAK_PROBE']
if (folder !== undefined) {
  const file = join(folder, `${process.pid}.jsonl`)
  const write = (said: object): void => appendFileSync(file, `${JSON.stringify(said)}\n`)
  write({ is: 'begun' })
  process.on('SIGUSR2', () => {
    // Twice, with a turn between: what the first finds dead may hold finalisers.
    globalThis.gc?.()
    setImmediate(() => {
      globalThis.gc?.()
      const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage()
      const handles: Record<string, number> = {}
      for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1
      write({ is: 'sample', at: Date.now(), heapUsed, external, arrayBuffers, rss, handles })
    })
  })
  // A monitor changes nothing: the process still ends as it would without.
  process.on('uncaughtExceptionMonitor', (error, origin) =>
    write({ is: 'uncaught', origin, error: String(error?.stack ?? error) }),
  )
  process.on('warning', (warning) => write({ is: 'warning', error: `${warning.name}: ${warning.message}` }))
}
