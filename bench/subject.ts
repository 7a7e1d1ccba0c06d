import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const CPU = new URL('./cpu.ts', import.meta.url).href

/** A server under measurement, in a process of its own. */
export interface Subject {
  readonly name: string
  readonly port: number
  /** The port with TLS; null where it has none. */
  readonly tls: number | null
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
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  // Only the beginning tells what went wrong; whoever writes there must find a reader all the same.
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 4096) said += text
  })
  const listening = await firstLine(child, name, () => said)
  return {
    name,
    ...listening,
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

/** What the first line of a subject's output says. */
type Listening = Pick<Subject, 'port' | 'tls'>

function firstLine(child: ChildProcess, name: string, said: () => string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      reject(new Error(`${name} ended with ${code} before it was ready: ${said()}`)),
    )
    if (child.stdout === null) return reject(new Error(`${name} has no output`))
    const lines = createInterface({ input: child.stdout })
    lines.once('line', (line) => {
      lines.close()
      child.stdout?.resume()
      const { port, listen } = JSON.parse(line) as { port?: number; listen?: Record<string, string> }
      resolve({
        port: port ?? portOf(listen?.['check'] ?? ''),
        tls: listen?.['tls'] === undefined ? null : portOf(listen['tls']),
      })
    })
  })
}

const portOf = (address: string): number => Number(address.split(':').at(-1))
