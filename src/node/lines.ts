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
  /** Whether other processes write to the same descriptor: then whole lines leave in pieces that nobody tears. */
  readonly together?: boolean
  /** How text leaves; by default to the descriptor. */
  readonly put?: Put
}

/** Characters handed over at once. */
const CHUNK = 32_768

/**
 * Bytes that get into a pipe in one piece or not at all (PIPE_BUF on Linux; a socket takes more, and a file that
 * processes share everything): what is longer may be torn by another writer when the reader is slow.
 */
const PIECE = 4096

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
  /** Characters that leave at once, unless a line is longer. */
  readonly #piece: number
  #waiting = ''
  #flying = 0
  #busy = false
  #broken = false
  #timer: NodeJS.Timeout | null = null
  readonly #idle: (() => void)[] = []

  constructor(
    descriptor: number,
    { limit = 4_194_304, interval = 50, ascii = false, together = false, put }: LineWriterOptions = {},
  ) {
    this.#descriptor = descriptor
    this.#limit = limit
    this.#interval = interval
    // A character is at most three bytes of UTF-8 for each unit of its length.
    this.#piece = together ? Math.floor(PIECE / (ascii ? 1 : 3)) : Number.POSITIVE_INFINITY
    this.#put = put ?? putTo(descriptor, ascii ? 'latin1' : 'utf8', () => this.#break())
  }

  /** @param line ends with its line feed */
  write(line: string): void {
    if (this.#broken || this.#waiting.length + this.#flying + line.length > this.#limit) {
      this.dropped++
      return
    }
    this.#waiting += line
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
        const bytes = Buffer.from(this.#take())
        for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at)
      }
    } catch {
      // The reader is gone or does not read; there is nobody left to tell.
    }
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#busy || this.#waiting === '') return
    const text = this.#take()
    this.#flying = text.length
    this.#busy = true
    this.#put(text, (error) => {
      this.#busy = false
      this.#flying = 0
      if (error) {
        this.dropped += linesIn(text)
        this.#break()
      } else this.#send()
      if (!this.#busy) for (const idle of this.#idle.splice(0)) idle()
    })
  }

  /** The lines that leave next. */
  #take(): string {
    const text = this.#waiting
    if (text.length <= this.#piece) {
      this.#waiting = ''
      return text
    }
    const fits = text.lastIndexOf('\n', this.#piece - 1)
    const end = (fits < 0 ? text.indexOf('\n') : fits) + 1
    this.#waiting = text.slice(end)
    return text.slice(0, end)
  }

  /** Nobody reads any more. */
  #break(): void {
    this.#broken = true
    this.dropped += linesIn(this.#waiting)
    this.#waiting = ''
  }
}

const linesIn = (text: string): number => text.split('\n').length - 1

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
