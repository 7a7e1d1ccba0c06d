/** `npm start`: Postern on loopback with examples/quickstart.yaml, and curl lines that speak to it as Traefik would. */

import { fileURLToPath } from 'node:url'
import { portNear } from './free-port.ts'
import { startPostern } from './postern-process.ts'
import { curl, mintQuickstart } from './quickstart.ts'

const policy = fileURLToPath(new URL('../examples/quickstart.yaml', import.meta.url))
const quickstart = mintQuickstart()
const { child, listen } = await startPostern(policy, {
  listen: `127.0.0.1:${await portNear(8081)}`,
  environment: quickstart.environment,
  onLine: (line) => console.log(line),
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))

const check = `http://${listen['check']}/check/traefik`
const asked = (path: string, headers: Record<string, string> = {}, client = '10.1.2.3') => ({
  'X-Forwarded-Method': 'GET',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'app.example.com',
  'X-Forwarded-Uri': path,
  'X-Forwarded-For': client,
  ...headers,
})
const user = { Authorization: `Bearer ${await quickstart.token(['user'])}` }
const admin = { Authorization: `Bearer ${await quickstart.token(['admin'])}` }

console.log(`
Postern listens on http://${listen['check']} (checks) and http://${listen['health']} (/livez /readyz /metrics).
These lines ask it what a Traefik in front of https://app.example.com would ask. Paste them into another terminal:

${curl(check, asked('/app/reports', user), 200, 'a JWT that passes')}
${curl(check, asked('/app/reports', { 'X-API-Key': quickstart.apiKey }), 200, 'an API key that passes')}
${curl(check, asked('/health'), 200, 'a public route')}
${curl(check, asked('/app/reports'), 401, 'no credential')}
${curl(check, asked('/app/reports', { 'X-API-Key': `${quickstart.apiKey.slice(0, -1)}_` }), 401, 'a bad credential')}
${curl(check, asked('/admin/users', user), 403, 'a wrong role')}
${curl(check, asked('/admin/users', admin), 200, 'the right role from the right network')}
${curl(check, asked('/admin/users', admin, '203.0.113.9'), 403, 'a wrong network')}
${curl(check, asked('/office/x', admin), 403, 'a network that holds nobody')}
${curl(check, asked('/app/..%2fadmin/users', user), 400, 'a path that others would read otherwise')}
${curl(check, asked('/tiny'), 200, 'a limit of one request a minute: the first')}
${curl(check, asked('/tiny'), 429, 'and the second')}

With -i in place of -o /dev/null a line shows the answer, identity headers and all. Every decision is a line below. Ctrl-C stops.
`)
