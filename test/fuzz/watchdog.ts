import { Worker } from 'node:worker_threads'
import type { Input } from './target.ts'

/** Bytes of an input that are kept for the case that it never ends. */
const KEPT = 128 * 1024

/** What looks on from another thread: this one cannot, while it is busy for ever. */
const WATCH = `
const { workerData: { memory, seconds, file } } = require('node:worker_threads')
const head = new Int32Array(memory, 0, 2)
let [last, idle] = [-1, 0]
setInterval(() => {
  idle = head[0] === last ? idle + 1 : 0
  last = head[0]
  if (idle < seconds) return
  const bytes = Buffer.from(new Uint8Array(memory, 8, head[1]))
  require('node:fs').writeFileSync(file, bytes)
  require('node:fs').writeSync(2, 'no end within ' + seconds + ' s: the input is in ' + file + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, 1000)
`

/** Ends the process when one input takes longer than any may, and leaves that input in a file. */
export class Watchdog {
  readonly #memory = new SharedArrayBuffer(8 + KEPT)
  readonly #head = new Int32Array(this.#memory, 0, 2)
  readonly #bytes = Buffer.from(this.#memory, 8)
  readonly #worker: Worker

  constructor(file: string, seconds: number) {
    this.#worker = new Worker(WATCH, { eval: true, workerData: { memory: this.#memory, seconds, file } })
    this.#worker.unref()
  }

  /** Tells that this input runs now. */
  readonly watch = (input: Input): void => {
    this.#head[1] = this.#bytes.write(input, 'latin1')
    this.#head[0] = ((this.#head[0] ?? 0) + 1) | 0
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
