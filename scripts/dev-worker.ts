/**
 * `npm run dev:worker`: the check Worker in a local workerd with examples/worker.yaml, and curl lines that speak to it as
 * Traefik would.
 */

import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { portNear } from './free-port.ts'
import { asking, mintQuickstart, tour } from './quickstart.ts'

const ROOT = join(import.meta.dirname, '..')
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
)

// What the Worker keeps goes away with the secrets that it was made with.
const folder = mkdtempSync(join(tmpdir(), 'postern-worker-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const artefact = join(folder, 'policy.json')
const compiled = spawnSync(
  process.execPath,
  ['src/cli/main.ts', 'compile', 'examples/worker.yaml', '--out', artefact],
  { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] },
)
if (compiled.status !== 0) process.exit(1)

const quickstart = mintQuickstart()
const secret = randomBytes(32).toString('hex')
const variables = Object.entries({ ...quickstart.environment, POSTERN_SECRET: secret })
const secrets = join(folder, 'secrets.env')
writeFileSync(secrets, variables.map(([name, value]) => `${name}=${value}\n`).join(''), { mode: 0o600 })

const port = await portNear(8787)
const wrangler = spawn(
  process.execPath,
  [
    ...[WRANGLER, 'dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
    ...['--alias', `postern-policy:${artefact}`, '--env-file', secrets],
    ...['--persist-to', join(folder, 'state'), '--show-interactive-dev-session=false'],
  ],
  {
    cwd: ROOT,
    // A group of its own, so that it ends as a whole and not before it is told to.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  },
)

let stopping = false
/** Ends wrangler and the runtime that it has started. */
function stop(): void {
  stopping = true
  try {
    if (wrangler.pid !== undefined) process.kill(-wrangler.pid, 'SIGTERM')
  } catch (error) {
    // Then the group is gone already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

/** What wrangler says before it is ready concerns nobody unless it never is. */
const said: string[] = []
const ready = new Promise<void>((resolve, reject) => {
  let waiting = true
  const hear = (line: string) => {
    if (!waiting) {
      // Decisions have lines of their own, and say more.
      if (!/^\[wrangler:info\] [A-Z]+ \S+ \d{3} /.test(line)) console.log(line)
    } else if (line.includes('Ready on ')) {
      waiting = false
      resolve()
    } else said.push(line)
  }
  createInterface({ input: wrangler.stdout }).on('line', hear)
  createInterface({ input: wrangler.stderr }).on('line', hear)
  wrangler.once('error', reject)
  wrangler.once('exit', (code) => reject(new Error(`wrangler dev ended with ${code} before it was ready`)))
})
const ended = once(wrangler, 'exit')

try {
  await ready
} catch (problem) {
  if (!stopping) {
    console.error(`${said.join('\n')}\n${problem instanceof Error ? problem.message : problem}`)
    process.exitCode = 1
  }
}

if (process.exitCode === undefined && !stopping) {
  const origin = `http://127.0.0.1:${port}`
  const ask = asking(origin, { 'X-Postern-Secret': secret })
  const { lines } = await tour(ask, quickstart)
  console.log(`
The check Worker listens on ${origin} in a local workerd, with examples/worker.yaml and secrets made for this run.
These lines ask it what a Traefik in front of https://app.example.com would ask. Paste them into another terminal:

${lines.join('\n')}
${ask('/regional/x', 200, 'a country that may, as the proxy says', { 'X-Client-Country': 'DE' })}
${ask('/regional/x', 403, 'a country that may not', { 'X-Client-Country': 'US' })}
${ask('/regional/x', 403, 'a country that nobody knows')}
${asking(origin)('/health', 403, 'a stranger, without the secret of the proxy')}

With -i in place of -o /dev/null a line shows the answer, identity headers and all. Every decision is a line below. Ctrl-C stops.
`)
}
await ended
