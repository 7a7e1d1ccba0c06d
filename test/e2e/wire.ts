/** HTTP/1.1 byte for byte: `fetch` and `node:http` would tidy up the very targets that the suites are about. */
import { connect, type Socket } from 'node:net'

/** One header line, name and value as they came. */
export type Line = readonly [name: string, value: string]

/** One message as it stood on the wire. Text is latin-1: a character is a byte. */
export interface Message {
  readonly start: string
  readonly lines: readonly Line[]
  readonly body: string
  readonly trailers: readonly Line[]
}

/** The values of `name`, in order. */
export function headerValues(lines: readonly Line[], name: string): string[] {
  return lines.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
}

/** The joined values of `name`, null when there is no such line. */
export function header(lines: readonly Line[], name: string): string | null {
  const values = headerValues(lines, name)
  return values.length === 0 ? null : values.join(', ')
}

/** Reads messages off a socket, one after the other. */
export class Reader {
  #bytes: Buffer = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on('data', (bytes) => {
      this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
      this.#wake()
    })
    socket.on('end', end).on('close', end).on('error', end)
  }

  /** The start line and header; null when the other side closed instead. */
  async head(): Promise<{ start: string; lines: Line[] } | null> {
    const text = await this.until('\r\n\r\n')
    if (text === null) return null
    const [start = '', ...rest] = text.split('\r\n')
    return { start, lines: rest.map(lineOf) }
  }

  async body(lines: readonly Line[], untilClose: boolean): Promise<{ body: string; trailers: Line[] }> {
    if (/chunked/i.test(header(lines, 'transfer-encoding') ?? '')) return this.#chunks()
    const length = header(lines, 'content-length')
    if (length !== null) return { body: await this.take(Number(length)), trailers: [] }
    return { body: untilClose ? await this.rest() : '', trailers: [] }
  }

  async #chunks(): Promise<{ body: string; trailers: Line[] }> {
    for (let body = ''; ; ) {
      const size = Number.parseInt((await this.until('\r\n')) ?? '0', 16)
      if (size > 0) {
        body += await this.take(size)
        await this.until('\r\n')
        continue
      }
      const trailers: Line[] = []
      for (let line = await this.until('\r\n'); line; line = await this.until('\r\n'))
        trailers.push(lineOf(line))
      return { body, trailers }
    }
  }

  /** Everything up to `mark`, without it; null when the other side closed first. */
  async until(mark: string): Promise<string | null> {
    for (;;) {
      const at = this.#bytes.indexOf(mark, 0, 'latin1')
      if (at >= 0) return this.#cut(at + mark.length).slice(0, at)
      if (this.#ended) return null
      await this.#more()
    }
  }

  async take(count: number): Promise<string> {
    while (this.#bytes.length < count && !this.#ended) await this.#more()
    return this.#cut(count)
  }

  async rest(): Promise<string> {
    while (!this.#ended) await this.#more()
    return this.#cut(this.#bytes.length)
  }

  #cut(count: number): string {
    const text = this.#bytes.toString('latin1', 0, count)
    this.#bytes = this.#bytes.subarray(count)
    return text
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

function lineOf(text: string): Line {
  const colon = text.indexOf(':')
  return [text.slice(0, colon), text.slice(colon + 1).trim()]
}

/** What came back for one request. */
export interface Answer extends Message {
  readonly status: number
}

/** A client's connection: takes one request after the other, and opens itself anew when the server closed. */
export class Connection {
  readonly #port: number
  readonly #from: string
  #open: { socket: Socket; reader: Reader } | null = null

  /** @param from the client's own address: any of 127.0.0.0/8 belongs to this machine */
  constructor(port: number, from = '127.0.0.1') {
    this.#port = port
    this.#from = from
  }

  /** Sends the bytes and reads one answer, past any interim one; null when the server closed without one. */
  async send(bytes: string): Promise<Answer | null> {
    this.#open ??= this.#dial()
    const { socket, reader } = this.#open
    socket.write(bytes, 'latin1')
    for (;;) {
      const head = await reader.head()
      if (head === null) {
        this.close()
        return null
      }
      const status = Number(head.start.split(' ')[1])
      if (status < 200 && status !== 101) continue
      if (status === 101) return { ...head, status, body: '', trailers: [] }
      const bodiless = bytes.startsWith('HEAD ') || status === 204 || status === 304
      const rest = bodiless ? { body: '', trailers: [] } : await reader.body(head.lines, true)
      const closing = /close/i.test(header(head.lines, 'connection') ?? '') || socket.readableEnded
      if (closing) this.close()
      return { ...head, ...rest, status }
    }
  }

  /** Sends a part of a request, and waits for nothing; `send` gives the rest. */
  write(bytes: string): void {
    this.#open ??= this.#dial()
    this.#open.socket.write(bytes, 'latin1')
  }

  /** After a 101: sends bytes through the tunnel and waits for as many to come back. */
  async echo(bytes: string): Promise<string> {
    if (this.#open === null) return ''
    this.#open.socket.write(bytes, 'latin1')
    return this.#open.reader.take(bytes.length)
  }

  close(): void {
    this.#open?.socket.destroy()
    this.#open = null
  }

  #dial(): { socket: Socket; reader: Reader } {
    const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress: this.#from })
    socket.setNoDelay(true)
    socket.on('close', () => {
      if (this.#open?.socket === socket) this.#open = null
    })
    return { socket, reader: new Reader(socket) }
  }
}

export interface RequestParts {
  readonly method?: string
  readonly host?: string
  readonly headers?: readonly Line[]
  readonly body?: string
}

/** The bytes of a request; nothing is escaped, folded or checked. */
export function requestBytes(target: string, parts: RequestParts = {}): string {
  const { method = 'GET', host = 'app.example.com', headers = [], body } = parts
  const length: Line[] = body === undefined ? [] : [['Content-Length', String(body.length)]]
  const lines: Line[] = [['Host', host], ...headers, ...length]
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body ?? ''}`
}

/** One request on a connection of its own. */
export async function exchange(port: number, bytes: string, from?: string): Promise<Answer | null> {
  const connection = new Connection(port, from)
  try {
    return await connection.send(bytes)
  } finally {
    connection.close()
  }
}
