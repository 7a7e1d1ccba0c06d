/** `postern serve` as a user starts it, with the probe preloaded. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export interface ServiceOptions {
  /** Where the program is: another copy of the repository may be put on trial. */
  readonly root: string
  readonly folder: string
  readonly policy: string
  readonly workers: number
  readonly environment: Readonly<Record<string, string>>
  /** Hears every line of standard output but the first. */
  readonly onRecord: (line: string) => void
  /** Hears every line of standard error. */
  readonly onError: (line: string) => void
}

export class Service {
  listen: Readonly<Record<string, string>> = {}
  /** Where the probe writes. */
  readonly probed: string
  readonly #child: ChildProcess
  readonly #file: string

  static async start(options: ServiceOptions): Promise<Service> {
    const { folder, policy, root, workers, environment, onRecord, onError } = options
    const probed = join(folder, 'probe')
    await mkdir(probed, { recursive: true })
    const file = join(folder, 'postern.yaml')
    await writeFile(file, policy)
    const probe = pathToFileURL(join(import.meta.dirname, 'probe.ts')).href
    const args = [join(root, 'src/cli/main.ts'), 'serve', file, '--workers', String(workers)]
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: {
        ...{ PATH: process.env['PATH'] ?? '', HOME: folder, SOAK_PROBE: probed },
        ...{ NODE_OPTIONS: `--expose-gc --import ${probe}` },
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // Whatever becomes of the run, nothing stays behind.
    process.once('exit', () => child.kill('SIGKILL'))
    const service = new Service(child, probed, file)
    const ready = new Promise<void>((resolve, reject) => {
      let said = ''
      linesOf(child.stdout, (line) => {
        if (service.listen['check'] !== undefined) return onRecord(line)
        service.listen = (JSON.parse(line) as { listen: Record<string, string> }).listen
        resolve()
      })
      linesOf(child.stderr, (line) => {
        said += `${line}\n`
        onError(line)
      })
      child.once('exit', (code) => reject(new Error(`postern serve ended with ${code}:\n${said}`)))
    })
    await ready
    return service
  }

  private constructor(child: ChildProcess, probed: string, file: string) {
    this.#child = child
    this.probed = probed
    this.#file = file
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Puts another text into the policy file and asks for it to be read. */
  async reload(policy: string): Promise<void> {
    await writeFile(this.#file, policy)
    this.#child.kill('SIGHUP')
  }

  /** The processes that decide: the one itself, or its workers. */
  get pids(): readonly number[] {
    const { pid = 0 } = this.#child
    const file = `/proc/${pid}/task/${pid}/children`
    const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean) : []
    return children.length === 0 ? [pid] : children.map(Number)
  }

  /** The value of one series of /metrics; null when it is not there or nobody answers. */
  async figure(series: string): Promise<number | null> {
    try {
      const signal = AbortSignal.timeout(2000)
      const text = await (await fetch(`http://${this.listen['health']}/metrics`, { signal })).text()
      const line = text.split('\n').find((each) => each.startsWith(`${series} `))
      return line === undefined ? null : Number(line.slice(series.length + 1))
    } catch {
      return null
    }
  }

  /** @returns its exit code; null when it had to be killed */
  async stop(): Promise<number | null> {
    if (this.ended) return this.#child.exitCode
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await Promise.race([gone, delay(12_000, null, { ref: false })])
    if (!this.ended) {
      this.#child.kill('SIGKILL')
      await gone
    }
    return this.#child.exitCode
  }
}

function linesOf(stream: NodeJS.ReadableStream | null, hear: (line: string) => void): void {
  let rest = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') hear(line)
  })
}
