import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Figure, figureOf } from '../figure.ts'
import { counted, open } from '../load.ts'
import { builtCommand } from './build.ts'
import { policyOf, tokenOf } from './engine.ts'
import { GROUP } from './measure.ts'

const SECRET = 'a4f0c2e89b1d4c7fae53d06c8e1b92f7'
const ISSUER = 'https://issuer.bench.example'
/** What the memory of a service may come to, in MiB, and how long the slowest of a thousand decisions may take, in ms. */
const MOST = 150
const SLOWEST = 5
const CONNECTIONS = 16

const POLICY = policyOf({
  issuers: {
    bench: { issuer: ISSUER, audience: ['bench'], keys: { secret: '${BENCH_TOKEN}' }, algorithms: ['HS256'] },
  },
  bans: { failures: '1000000/5m' },
  routes: {
    app: { match: { path: '/app/**' }, credentials: ['jwt:bench'], limits: ['per-client', 'per-principal'] },
  },
})

/**
 * A million clients with a token each come to `postern serve`, none of them twice: its memory as Linux sees it, and how
 * long decisions take meanwhile, by its own records.
 */
export async function millionFigures(quick: boolean): Promise<Figure[]> {
  if (process.platform !== 'linux') return []
  const strangers = quick ? 2_000 : 1_000_000
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  try {
    const file = join(folder, 'postern.yaml')
    writeFileSync(file, POLICY)
    const served = await serve(file)
    try {
      const atFirst = residentMiB(served.pid)
      let most = atFirst
      const watch = setInterval(() => {
        most = Math.max(most, residentMiB(served.pid))
      }, 200)
      const began = performance.now()
      await send(served.port, strangers)
      clearInterval(watch)
      const seconds = (performance.now() - began) / 1000
      await served.seen(strangers)
      const many = `${strangers.toLocaleString('en-GB')} distinct clients and tokens`
      const slowest = served.durations.quantile(0.999)
      return [
        figureOf(
          {
            group: GROUP,
            what: `${many}: most resident memory (${Math.round(atFirst)} MiB before, ${Math.round(strangers / seconds)} a second)`,
            against: `${MOST} MiB`,
            target: { atMost: 1 },
            unit: 'MiB',
          },
          [most],
          [MOST],
        ),
        figureOf(
          {
            group: GROUP,
            what: `${many}: slowest decision of a thousand (p50 ${served.durations.quantile(0.5).toFixed(2)} ms, longest ${served.durations.longest.toFixed(1)} ms)`,
            against: `${SLOWEST} ms`,
            target: { atMost: 1 },
            unit: 'ms',
          },
          [slowest],
          [SLOWEST],
        ),
      ]
    } finally {
      await served.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Resident memory of a process (proc_pid_status(5)). */
function residentMiB(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}

/** How often something took how long, in steps of 10 µs. */
class Durations {
  readonly #counts = new Uint32Array(100_000)
  count = 0
  longest = 0

  add(milliseconds: number): void {
    const step = Math.min(this.#counts.length - 1, Math.floor(milliseconds * 100))
    this.#counts[step] = (this.#counts[step] as number) + 1
    this.longest = Math.max(this.longest, milliseconds)
    this.count++
  }

  /** Milliseconds that so much of all did not exceed. */
  quantile(share: number): number {
    let left = this.count * share
    for (const [step, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return (step + 1) / 100
    }
    return Number.POSITIVE_INFINITY
  }
}

interface Served {
  readonly pid: number
  readonly port: number
  /** Of the decisions that are recorded so far. */
  readonly durations: Durations
  /** Waits for the records of so many decisions. @throws when some do not come */
  seen(count: number): Promise<void>
  stop(): Promise<void>
}

async function serve(file: string): Promise<Served> {
  const child = spawn(process.execPath, [builtCommand(), 'serve', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BENCH_TOKEN: SECRET, NODE_ENV: 'production' },
  })
  // However the bench ends, it does not outlive it.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const durations = new Durations()
  const lines = createInterface({ input: child.stdout })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`postern serve ended with ${code}`)))
    lines.on('line', (line) => {
      if (line.startsWith('{"event":"decision"')) {
        durations.add(Number(/"duration_ms":([\d.]+)/.exec(line)?.[1]))
        return
      }
      const { listen } = JSON.parse(line) as { listen?: { check: string } }
      if (listen !== undefined) resolve(Number(listen.check.split(':').at(-1)))
    })
  })
  return {
    pid: child.pid as number,
    port,
    durations,
    seen: async (count) => {
      const patience = performance.now() + 5_000
      while (durations.count < count && performance.now() < patience)
        await new Promise((resolve) => setTimeout(resolve, 20))
      if (durations.count < count) throw new Error(`${count - durations.count} decisions were not recorded`)
    },
    stop: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
      process.off('exit', kill)
    },
  }
}

/** Sends checks of so many strangers, one at a time on each of a few connections. @throws see counted */
async function send(port: number, strangers: number): Promise<void> {
  let next = 0
  let refused = 0
  const lane = async (): Promise<void> => {
    const connection = await open(port)
    while (next < strangers) if ((await connection.ask(checkOf(next++))) !== 200) refused++
    connection.close()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  counted('a service that strangers come to', strangers, refused)
}

function checkOf(stranger: number): string {
  const client = `${11 + (stranger >> 22)}.${(stranger >> 14) & 255}.${(stranger >> 6) & 255}.${stranger & 63}`
  const token = tokenOf(SECRET, {
    ...{ iss: ISSUER, sub: `user-${stranger}`, jti: `${stranger}`, email: `user-${stranger}@acme.example` },
    scope: 'reports:read reports:write',
  })
  const header = [
    'Host: 127.0.0.1:8081',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
    `Authorization: Bearer ${token}`,
    `X-Forwarded-For: ${client}`,
    'X-Forwarded-Host: app.example.com',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: https',
    `X-Forwarded-Uri: /app/reports/${stranger}`,
  ]
  return `GET /check/traefik HTTP/1.1\r\n${header.join('\r\n')}\r\n\r\n`
}
