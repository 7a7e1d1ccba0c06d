import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CPU = new URL('./cpu.ts', import.meta.url).href

/** A server under measurement, in a process of its own. */
export interface Subject {
  readonly name: string
  readonly port: number
  /** Processor seconds used so far, user and system. */
  cpu(): Promise<number>
  stop(): Promise<void>
}

/**
 * Starts a subject. Its first line of output is a JSON object with `port`, or Postern's ready line; what follows (audit
 * lines) is read and dropped, as a log collector would.
 */
export async function startSubject(
  name: string,
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Subject> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['--import', CPU],
    env: { ...process.env, ...environment, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const port = await firstPort(child, name)
  return {
    name,
    port,
    cpu: () =>
      new Promise((resolve) => {
        child.once('message', ({ cpu }: { cpu: NodeJS.CpuUsage }) => resolve((cpu.user + cpu.system) / 1e6))
        child.send('cpu')
      }),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

function firstPort(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)))
    if (child.stdout === null) return reject(new Error(`${name} has no output`))
    const lines = createInterface({ input: child.stdout })
    lines.once('line', (line) => {
      lines.close()
      child.stdout?.resume()
      const ready = JSON.parse(line) as { port?: number; listen?: { check?: string } }
      resolve(ready.port ?? Number(ready.listen?.check?.split(':').at(-1)))
    })
  })
}
