/** Several `postern serve` on one store, each a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { portOf } from '../node/support.ts'
import { SECRETS } from './credentials.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** One of them. */
export class Instance {
  readonly port: number
  readonly listen: Readonly<Record<string, string>>
  readonly #child: ChildProcess

  constructor(child: ChildProcess, listen: Readonly<Record<string, string>>) {
    this.#child = child
    this.listen = listen
    this.port = portOf(listen['check'])
  }

  /** The value of one series of /metrics, labels as they stand there; 0 when there is none yet. */
  async figure(series: string): Promise<number> {
    const text = await (await fetch(`http://${this.listen['health']}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(`${series} `))
    return line === undefined ? 0 : Number(line.slice(series.length + 1))
  }

  /** Ends it without a chance to tidy up. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 8_000)
    await this.#end('SIGTERM')
    clearTimeout(force)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }
}

/** Instances that serve one policy. */
export class Fleet {
  readonly instances: readonly Instance[]
  readonly #folder: string

  private constructor(instances: readonly Instance[], folder: string) {
    this.instances = instances
    this.#folder = folder
  }

  /**
   * @param policies one for each instance; listeners are added
   * @param hear gets every audit line
   */
  static async start(
    policies: readonly string[],
    hear: (line: string, instance: number) => void = () => {},
  ): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'postern-instances-'))
    const started = await Promise.allSettled(
      policies.map((policy, index) => start(folder, policy, index, (line) => hear(line, index))),
    )
    const instances = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const fleet = new Fleet(instances, folder)
    const failed = started.find((one) => one.status === 'rejected')
    if (failed === undefined) return fleet
    await fleet.stop()
    throw failed.reason
  }

  get ports(): readonly number[] {
    return this.instances.map(({ port }) => port)
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.stop()))
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function start(
  folder: string,
  policy: string,
  index: number,
  hear: (line: string) => void,
): Promise<Instance> {
  const file = join(folder, `${index}.yaml`)
  await writeFile(file, policy)
  const child = spawn(process.execPath, [MAIN, 'serve', file], {
    env: { ...process.env, ...SECRETS },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000)
  })
  const lines = createInterface({ input: child.stdout })
  const listen = await new Promise<Record<string, string>>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`postern serve ended with ${code}: ${errors}`)))
    lines.once('line', (line) => {
      resolve((JSON.parse(line) as { listen: Record<string, string> }).listen)
      lines.on('line', hear)
    })
  })
  return new Instance(child, listen)
}
