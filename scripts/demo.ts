/** `npm run demo`: a real Traefik on the files of traefik/, Postern behind it, and an upstream that shows what it got. */

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { portNear } from './free-port.ts'
import { startPostern } from './postern-process.ts'
import { curl, mintQuickstart } from './quickstart.ts'
import { copyRecipe } from './recipe.ts'
import { findServer } from './servers.ts'

const traefik = await findServer('traefik')
if ('missing' in traefik) {
  console.error(`The demo needs Traefik: ${traefik.missing}`)
  process.exit(1)
}

/** The upstream: answers with the request line and the headers that reached it. */
const upstream = createServer((request, response) => {
  const lines = [`${request.method} ${request.url}`]
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`)
  }
  request.resume()
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${lines.join('\n')}\n`)
})
upstream.listen(await portNear(3000), '127.0.0.1')
await once(upstream, 'listening')
const upstreamAddress = upstream.address()
const upstreamPort =
  typeof upstreamAddress === 'object' && upstreamAddress !== null ? upstreamAddress.port : 0

const quickstart = mintQuickstart()
const { child: postern, listen } = await startPostern(
  fileURLToPath(new URL('../examples/quickstart.yaml', import.meta.url)),
  {
    listen: `127.0.0.1:${await portNear(8081)}`,
    environment: quickstart.environment,
    onLine: (line) => console.log(line),
  },
)

const folder = await mkdtemp(join(tmpdir(), 'postern-demo-'))
const front = `127.0.0.1:${await portNear(8080)}`
await copyRecipe('traefik/traefik.yml', folder, [], { ':8080': front })
// Whoever tries this has no authority at hand.
await copyRecipe('traefik/dynamic.yml', folder, ['over http'], {
  'postern:8081': listen['check'] ?? '',
  'app:3000': `127.0.0.1:${upstreamPort}`,
})
const proxy = spawn(traefik.path, ['--configFile=traefik.yml'], {
  cwd: folder,
  env: { ...process.env, POSTERN_SECRET: randomBytes(32).toString('hex') },
  stdio: ['ignore', 'ignore', 'inherit'],
})

/** Stops what was started, last first. */
async function stop(code: number): Promise<void> {
  for (const child of [proxy, postern] as ChildProcess[]) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  upstream.closeAllConnections()
  upstream.close()
  await rm(folder, { recursive: true, force: true })
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(0))
proxy.once('exit', () => void stop(1))
postern.once('exit', () => void stop(1))

// Traefik says nothing when it is ready: it is once the public route answers.
const url = `http://${front}`
const answers = () =>
  fetch(`${url}/health`).then(
    (response) => response.ok,
    () => false,
  )
for (let tries = 0; !(await answers()); tries++) {
  if (tries > 100) throw new Error('Traefik does not answer')
  await delay(100)
}

const user = { Authorization: `Bearer ${await quickstart.token(['user'])}` }
const admin = { Authorization: `Bearer ${await quickstart.token(['admin'])}` }
const key = { 'X-API-Key': quickstart.apiKey }

console.log(`
Traefik ${traefik.version} listens on ${url}, asks Postern on ${listen['check']}, and guards an upstream that shows what it received.

${curl(`${url}/app/reports`, user, 200, 'a JWT that passes')}
${curl(`${url}/app/reports`, key, 200, 'an API key that passes')}
${curl(`${url}/health`, {}, 200, 'a public route')}
${curl(`${url}/app/reports`, {}, 401, 'no credential')}
${curl(`${url}/admin/users`, user, 403, 'a wrong role')}
${curl(`${url}/admin/users`, admin, 200, 'the right role')}
${curl(`${url}/office/x`, admin, 403, 'a wrong network')}
${curl(`--path-as-is ${url}/app/..%2fadmin/users`, user, 400, 'a path that others would read otherwise')}
${curl(`${url}/tiny`, {}, 200, 'a limit of one request a minute: the first')}
${curl(`${url}/tiny`, {}, 429, 'and the second')}

What the upstream gets, a forged identity header included:
curl -s -H 'X-Auth-User: root'${Object.entries(key)
  .map(([name, value]) => ` -H '${name}: ${value}'`)
  .join('')} ${url}/app/reports

Every decision is a line below. Ctrl-C stops all three.
`)
