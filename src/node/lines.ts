import { fstatSync, write, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/** Takes one piece of text; calls back once it has been written or cannot be. */
type Put = (text: string, done: (error: Error | null | undefined) => void) => void

export interface LineWriterOptions {
  /** Characters that may wait before further lines are dropped. */
  readonly limit?: number
  /** Milliseconds that a line waits at most before it is on its way. */
  readonly interval?: number
  /** Whether every line is ASCII, which spares the encoding. */
  readonly ascii?: boolean
  /** How text leaves; by default to the descriptor. */
  readonly put?: Put
}

/** Characters handed over at once. */
const CHUNK = 32_768

/**
 * Writes lines to a descriptor without ever making a decision wait: they leave in batches, one at a time. What a slow
 * or closed reader does not take is dropped and counted beyond a bound, and never ends the process.
 */
export class LineWriter {
  /** Lines that were dropped. */
  dropped = 0
  readonly #descriptor: number
  readonly #limit: number
  readonly #interval: number
  readonly #put: Put
  #waiting = ''
  #waitingLines = 0
  #flying = 0
  #busy = false
  #broken = false
  #timer: NodeJS.Timeout | null = null
  readonly #idle: (() => void)[] = []

  constructor(
    descriptor: number,
    { limit = 4_194_304, interval = 50, ascii = false, put }: LineWriterOptions = {},
  ) {
    this.#descriptor = descriptor
    this.#limit = limit
    this.#interval = interval
    this.#put = put ?? putTo(descriptor, ascii ? 'latin1' : 'utf8', () => this.#break())
  }

  /** @param line ends with its line feed */
  write(line: string): void {
    if (this.#broken || this.#waiting.length + this.#flying + line.length > this.#limit) {
      this.dropped++
      return
    }
    this.#waiting += line
    this.#waitingLines++
    if (this.#waiting.length >= CHUNK) this.#send()
    else if (this.#timer === null) this.#timer = setTimeout(() => this.#send(), this.#interval)
  }

  /** Resolves once all that was written so far has left, or after `patience` milliseconds. */
  flush(patience = 1000): Promise<void> {
    this.#send()
    if (!this.#busy) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patience)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** For the moment before the process dies of an error: as much as leaves at once. */
  flushSync(): void {
    try {
      while (this.#waiting !== '') {
        const written = writeSync(this.#descriptor, this.#waiting)
        this.#waiting = Buffer.from(this.#waiting).subarray(written).toString()
      }
    } catch {
      // The reader is gone or does not read; there is nobody left to tell.
    }
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#busy || this.#waiting === '') return
    const text = this.#waiting
    const lines = this.#waitingLines
    this.#waiting = ''
    this.#waitingLines = 0
    this.#flying = text.length
    this.#busy = true
    this.#put(text, (error) => {
      this.#busy = false
      this.#flying = 0
      if (error) {
        this.dropped += lines
        this.#break()
      } else this.#send()
      if (!this.#busy) for (const idle of this.#idle.splice(0)) idle()
    })
  }

  /** Nobody reads any more. */
  #break(): void {
    this.#broken = true
    this.dropped += this.#waitingLines
    this.#waiting = ''
    this.#waitingLines = 0
  }
}

/**
 * A pipe or socket is written to as such, because a write to a full one from a thread would hold up the thread, and
 * with it the exit of the process. Files and terminals go through the file system's threads.
 */
function putTo(descriptor: number, encoding: BufferEncoding, closed: () => void): Put {
  const status = fstatSync(descriptor)
  if (!status.isFIFO() && !status.isSocket())
    return (text, done) => writeAll(descriptor, Buffer.from(text, encoding), done)
  const socket = new Socket({ fd: descriptor, readable: false, writable: true })
  socket.on('error', closed)
  return (text, done) => {
    socket.write(text, encoding, (error) => done(error))
  }
}

function writeAll(descriptor: number, bytes: Buffer, done: (error: Error | null) => void): void {
  write(descriptor, bytes, (error, written) => {
    if (error?.code === 'EAGAIN') setTimeout(writeAll, 20, descriptor, bytes, done)
    else if (error !== null || written === bytes.length) done(error)
    else writeAll(descriptor, bytes.subarray(written), done)
  })
}
