import { createHash } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as after } from 'node:timers/promises'
import { createClient, ErrorReply } from '@redis/client'

/** What Redis answers in RESP2, as JSON can hold it; errors stand apart. */
type Reply = string | number | null | ErrorReply | Reply[]
/** What the REST protocol makes of one reply. */
type Answer = { readonly result: unknown } | { readonly error: string }
type Command = readonly string[]

/** One request that was let in, for a fault to do with as it likes. */
export interface Exchange {
  readonly headers: IncomingHttpHeaders
  /** Runs the commands and says what the protocol would answer. */
  execute(): Promise<{ readonly status: number; readonly body: string }>
  send(status: number, body: string, type?: string): void
  /** Begins an answer that never ends. */
  begin(body: string): void
  /** Closes the connection without an answer. */
  drop(): void
}

export type Fault = (exchange: Exchange) => unknown

/** What may go wrong between a client and its store. */
export const faults = {
  /** The request arrives late; it is executed even when nobody waits for it any more. */
  delay: (milliseconds: number): Fault => faults.held(() => after(milliseconds, undefined, { ref: false })),
  /** The same, until a promise settles. */
  held:
    (until: () => Promise<unknown>): Fault =>
    async (exchange) => {
      await until()
      await faults.none(exchange)
    },
  none: async (exchange: Exchange) => {
    const { status, body } = await exchange.execute()
    exchange.send(status, body)
  },
  dropBefore: (exchange: Exchange) => exchange.drop(),
  dropAfter: async (exchange: Exchange) => {
    await exchange.execute()
    exchange.drop()
  },
  /** Executed, and then never answered. */
  hang: (exchange: Exchange) => exchange.execute(),
  /** Executed, and then half an answer. */
  stall: async (exchange: Exchange) => {
    const { body } = await exchange.execute()
    exchange.begin(body.slice(0, body.length / 2))
  },
  html502: (exchange: Exchange) =>
    exchange.send(502, '<html><body><h1>502 Bad Gateway</h1></body></html>', 'text/html'),
  /** Not executed; any body, well formed or not. */
  says:
    (body: string, status = 200): Fault =>
    (exchange) =>
      exchange.send(status, body),
  /** A well-formed answer of that many bytes. */
  huge: (bytes: number): Fault => faults.says(JSON.stringify([{ result: 'x'.repeat(bytes) }])),
} as const

/**
 * The REST protocol of Upstash in front of a real Redis: commands, pipelines, transactions, paths, base64,
 * tokens and subscriptions, and what may go wrong with them. It does not imitate Upstash's locks, quotas or
 * eviction.
 */
export class RestBridge {
  readonly token: string
  /** Requests that were let in. */
  requests = 0
  /** Commands handed to Redis. */
  commands = 0
  /** Whether scripts may begin with Upstash's line about locks, which Redis itself refuses. */
  keyLocking = false
  /** The most connections that were open at once. */
  mostConnections = 0
  readonly #port: number
  readonly #redis: ReturnType<typeof connectionTo>
  readonly #alone: ReturnType<typeof connectionTo>
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #streams = new Set<{ close(): void }>()
  /** SHAs of scripts with the line, and of the same without it. */
  readonly #shas = new Map<string, string>()
  #transactions: Promise<unknown> = Promise.resolve()
  #fault: Fault | null = null
  #times = 0
  #writes = 0

  private constructor(port: number, token: string) {
    this.token = token
    this.#port = port
    this.#redis = connectionTo(port)
    this.#alone = connectionTo(port)
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      this.mostConnections = Math.max(this.mostConnections, this.#sockets.size)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  /** @param port of a Redis on this machine */
  static async start(port: number, token = 'bridge-token'): Promise<RestBridge> {
    const bridge = new RestBridge(port, token)
    await Promise.all([bridge.#redis.connect(), bridge.#alone.connect()])
    await new Promise<void>((resolve) => bridge.#server.listen(0, '127.0.0.1', resolve))
    return bridge
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Subscriptions open now. */
  get subscriptions(): number {
    return this.#streams.size
  }

  /** Spoils the next requests. */
  inject(fault: Fault, times = Infinity): void {
    this.#fault = fault
    this.#times = times
  }

  heal(): void {
    this.#fault = null
  }

  /** What a restart or a failover does to scripts. */
  async flushScripts(): Promise<void> {
    await this.#redis.sendCommand(['SCRIPT', 'FLUSH'])
  }

  /** Closes every connection, of subscribers too, and goes on serving. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.disconnect()
    for (const stream of this.#streams) stream.close()
    await closed
    this.#redis.destroy()
    this.#alone.destroy()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', 'http://bridge')
      const body = await text(request)
      const presented = request.headers.authorization ?? `Bearer ${url.searchParams.get('_token')}`
      if (presented !== `Bearer ${this.token}`) {
        reply(response, 401, '{"error":"WRONGPASS invalid or missing auth token"}')
        return
      }
      this.requests++
      const path = url.pathname.split('/').slice(1).map(decodeURIComponent)
      if (path[0] === 'subscribe') await this.#subscribe(path.slice(1), response)
      else await this.#exchange(request, path, body, response)
    } catch (problem) {
      reply(response, 500, JSON.stringify({ error: `ERR ${(problem as Error).message}` }))
    }
  }

  async #exchange(
    { headers }: IncomingMessage,
    path: string[],
    body: string,
    response: ServerResponse,
  ): Promise<void> {
    const encode = headers['upstash-encoding'] === 'base64' ? base64 : (value: unknown) => value
    const sync = headers['upstash-sync-token']
    const exchange: Exchange = {
      headers,
      execute: async () => {
        const answer = await this.#execute(path, body, encode)
        return { status: 'error' in answer ? 400 : 200, body: JSON.stringify(answer) }
      },
      send: (status, text, type) => {
        if (sync !== undefined) response.setHeader('upstash-sync-token', `after-${++this.#writes}`)
        reply(response, status, text, type)
      },
      begin: (text) => response.writeHead(200, { 'content-type': 'application/json' }).write(text),
      drop: () => response.destroy(),
    }
    const fault = this.#times-- > 0 ? this.#fault : null
    await (fault ?? faults.none)(exchange)
  }

  async #execute(
    path: string[],
    body: string,
    encode: (value: unknown) => unknown,
  ): Promise<Answer | Answer[]> {
    const answerOf = (reply: Reply): Answer =>
      reply instanceof ErrorReply ? { error: reply.message } : { result: encode(plain(reply)) }
    if (path[0] === 'pipeline') {
      // All are on their way before the first is answered, and Redis keeps their order.
      return (await Promise.all(commandsOf(body).map((each) => this.#send(this.#redis, each)))).map(answerOf)
    }
    if (path[0] === 'multi-exec') {
      const reply = await this.#transact(commandsOf(body))
      return Array.isArray(reply) ? reply.map(answerOf) : answerOf(reply)
    }
    const command = path[0] === '' ? (JSON.parse(body) as unknown[]) : body === '' ? path : [...path, body]
    return answerOf(await this.#send(this.#redis, command.map(String)))
  }

  #send(connection: ReturnType<typeof connectionTo>, command: Command): Promise<Reply> {
    this.commands++
    return connection
      .sendCommand<Reply>(this.keyLocking ? this.#withoutLine(command) : command)
      .catch((problem: unknown) => {
        if (problem instanceof ErrorReply) return problem
        throw problem
      })
  }

  /** What Redis takes for the same: the script without the line, under its own SHA. */
  #withoutLine(command: Command): Command {
    const [verb = '', script = '', ...rest] = command
    if (/^eval$/i.test(verb) && script.startsWith(KEY_LOCKING)) {
      const body = script.slice(KEY_LOCKING.length)
      this.#shas.set(sha1(script), sha1(body))
      return [verb, body, ...rest]
    }
    return /^evalsha$/i.test(verb) ? [verb, this.#shas.get(script) ?? script, ...rest] : command
  }

  /** One after the other: what stands between MULTI and EXEC must be of one request. */
  #transact(commands: Command[]): Promise<Reply> {
    const run = async () => {
      for (const each of [['MULTI'], ...commands]) await this.#send(this.#alone, each)
      return this.#send(this.#alone, ['EXEC'])
    }
    const next = this.#transactions.then(run, run)
    this.#transactions = next
    return next
  }

  async #subscribe(channels: string[], response: ServerResponse): Promise<void> {
    const connection = connectionTo(this.#port)
    const stream = {
      close: () => {
        if (this.#streams.delete(stream)) connection.destroy()
        response.destroy()
      },
    }
    await connection.connect()
    this.#streams.add(stream)
    response.on('close', stream.close)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    await connection.subscribe(channels, (message, channel) =>
      response.write(`data: message,${channel},${message}\n\n`),
    )
    for (const [index, channel] of channels.entries())
      response.write(`data: subscribe,${channel},${index + 1}\n\n`)
  }
}

const KEY_LOCKING = '#!lua flags=allow-key-locking\n'

const sha1 = (script: string) => createHash('sha1').update(script).digest('hex')

function connectionTo(port: number) {
  const socket = { host: '127.0.0.1', port, reconnectStrategy: 20 }
  const connection = createClient({ RESP: 2, disableOfflineQueue: true, socket })
  // A Redis that dies is part of a test; what was asked of it fails by itself.
  connection.on('error', () => {})
  return connection
}

function reply(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  if (!response.writableEnded && !response.destroyed)
    response.writeHead(status, { 'content-type': type }).end(body)
}

const commandsOf = (body: string): Command[] =>
  (JSON.parse(body) as unknown[][]).map((command) => command.map(String))

/** An error deep in a reply is its text: the protocol has no other place for it. */
const plain = (reply: Reply): unknown =>
  Array.isArray(reply) ? reply.map(plain) : reply instanceof ErrorReply ? reply.message : reply

/** Every text but OK, nested too; numbers and null stay as they are. */
const base64 = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(base64)
    : typeof value === 'string' && value !== 'OK'
      ? Buffer.from(value).toString('base64')
      : value
