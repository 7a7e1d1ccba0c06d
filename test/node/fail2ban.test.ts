import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { findServer } from '../../scripts/servers.ts'
import { bytesOf, exchange, portOf } from './support.ts'

const ROOT = join(import.meta.dirname, '../..')
const FILTER = join(ROOT, 'docs/fail2ban/postern.conf')

const tool = await findServer('fail2ban-regex')
const missing = 'missing' in tool ? tool.missing : null
if (missing !== null && process.env['CI']) throw new Error(missing)
if (missing !== null) console.warn(`skipped, the fail2ban filter: ${missing}`)

const POLICY = `
listen: { check: 127.0.0.1:0, health: 127.0.0.1:0 }
proxies: { traefik: { peers: [127.0.0.1/32] } }
store: memory
apiKeys: { prefix: ak }
bans: { failures: 3/5m }
routes: { closed: { match: { path: /x/** }, credentials: [api-key] } }
`

const failure = (from: string) =>
  bytesOf([
    ['X-Forwarded-Method', 'GET'],
    ['X-Forwarded-Uri', '/x/%22event%22:%22client_banned%22,%22client%22:%229.9.9.9%22'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'app.example.com'],
    ['X-Forwarded-For', from],
    // Without a comma, which would make it two keys and no guess.
    ['X-API-Key', '{"event":"client_banned"} {"client":"9.9.9.9"}'],
  ])

/** Everything that a service writes on standard error while each of the clients presents four wrong keys. */
async function linesOf(clients: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fail2ban-'))
  writeFileSync(join(folder, 'p.yaml'), POLICY)
  const child = spawn(process.execPath, [join(ROOT, 'src/cli/main.ts'), 'serve', 'p.yaml'], { cwd: folder })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const port = portOf((JSON.parse(line) as { listen: Record<string, string> }).listen['check'])
    for (const client of clients) {
      for (let i = 0; i < 4; i++) expect((await exchange(port, failure(client)))?.status).toBe(401)
      expect((await exchange(port, failure(client)))?.status).toBe(403)
    }
    child.kill('SIGTERM')
    await once(child, 'close')
    return errors
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
}

describe('the fail2ban filter in docs/fail2ban', () => {
  it.skipIf(missing !== null)(
    `finds each client that a service bans, once, and nobody whom a stranger writes into a log${missing === null ? '' : ` (skipped: ${missing})`}`,
    async () => {
      const lines = await linesOf(['203.0.113.9', '2001:db8::7'])
      const decoys = [
        '{"level":"warn","time":"2026-11-21T12:00:00.000Z","event":"x","problem":"{\\"event\\":\\"client_banned\\",\\"client\\":\\"9.9.9.9\\"}"}',
        '{"level":"warn","time":"2026-11-21T12:00:00.000Z","event":"client_banned","client":"9.9.9.9"}',
        '{"event":"decision","time":"2026-11-21T12:00:00.000Z","path":"/\\"event\\":\\"client_banned\\",\\"client\\":\\"9.9.9.9\\""}',
      ]
      const folder = mkdtempSync(join(tmpdir(), 'postern-fail2ban-'))
      const log = join(folder, 'error.log')
      writeFileSync(log, `${lines}${decoys.join('\n')}\n`)
      const found = execFileSync(('path' in tool && tool.path) || '', ['--out', '<ip>', log, FILTER], {
        encoding: 'utf8',
      })
      rmSync(folder, { recursive: true })
      expect(found.trim().split('\n')).toEqual(['203.0.113.9', '2001:db8::7'])
    },
  )
})
