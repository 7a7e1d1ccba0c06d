/** `npm start`: Postern on loopback with examples/quickstart.yaml, and curl lines that speak to it as Traefik would. */

import { fileURLToPath } from 'node:url'
import { portNear } from './free-port.ts'
import { startPostern } from './postern-process.ts'
import { asking, mintQuickstart, tour } from './quickstart.ts'

const policy = fileURLToPath(new URL('../examples/quickstart.yaml', import.meta.url))
const quickstart = mintQuickstart()
const { child, listen } = await startPostern(policy, {
  listen: `127.0.0.1:${await portNear(8081)}`,
  environment: quickstart.environment,
  onLine: (line) => console.log(line),
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))

const ask = asking(`http://${listen['check']}`)
const { lines, admin } = await tour(ask, quickstart)

console.log(`
Postern listens on http://${listen['check']} (checks) and http://${listen['health']} (/livez /readyz /metrics).
These lines ask it what a Traefik in front of https://app.example.com would ask. Paste them into another terminal:

${lines.join('\n')}
${ask('/office/x', 403, 'a network that holds nobody', admin)}

With -i in place of -o /dev/null a line shows the answer, identity headers and all. Every decision is a line below. Ctrl-C stops.
`)
