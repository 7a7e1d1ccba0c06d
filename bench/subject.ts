import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CpuProfile } from './profile/account.ts'

const CPU = new URL('./cpu.ts', import.meta.url).href
const PROFILER = new URL('./profile/profiler.ts', import.meta.url).href

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

/** A subject of ours, which can be profiled. */
export interface NodeSubject extends Subject {
  /** Where its time goes while `work` is done. Only for one that was started as `profiled`. */
  profile(work: () => Promise<unknown>): Promise<CpuProfile>
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
  { profiled = false }: { readonly profiled?: boolean } = {},
): Promise<NodeSubject> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['--import', CPU, ...(profiled ? ['--import', PROFILER] : [])],
    env: { ...process.env, ...environment, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let said = ''
  // Only the beginning tells what went wrong; whoever writes there must find a reader all the same.
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 4096) said += text
  })
  const listening = await firstLine(child, name, () => said)
  const ask = <T>(question: string): Promise<T> =>
    new Promise((resolve) => {
      child.once('message', (answer) => resolve(answer as T))
      child.send(question)
    })
  return {
    name,
    ...listening,
    cpu: async () => {
      const { cpu } = await ask<{ cpu: NodeJS.CpuUsage }>('cpu')
      return (cpu.user + cpu.system) / 1e6
    },
    profile: async (work) => {
      await ask('profile')
      await work()
      return (await ask<{ profile: CpuProfile }>('profiled')).profile
    },
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
