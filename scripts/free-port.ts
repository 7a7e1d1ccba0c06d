import { createServer } from 'node:net'

/**
 * Ports that no system hands out by itself, to clients or to whoever asks for port 0 (Linux takes those from 32768 on,
 * IANA from 49152 on): one that is free now is free until somebody asks for exactly that one.
 */
const FIRST = 10_000
const COUNT = 20_000
const TRIES = 100

/** The wanted loopback port if nobody listens there, else another one. */
export async function portNear(wanted: number): Promise<number> {
  if (wanted !== 0 && (await isFree(wanted))) return wanted
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) return port
  }
  throw new Error('no port is free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
