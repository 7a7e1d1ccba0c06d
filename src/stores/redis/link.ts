import type { RedisClientType } from '@redis/client'
import { StoreFault } from '../contract.ts'
import type { ScriptReply } from '../scripted/runner.ts'
import { lost, Refusal, refused, unreachable } from './fault.ts'

export type RedisModule = typeof import('@redis/client')
export type Client = RedisClientType<Record<never, never>, Record<never, never>, Record<never, never>, 2>

/** What a server made of a command. */
export type Answer = ScriptReply | Refusal | StoreFault

/** Which server. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** What all connections of a store have in common. */
export interface LinkOptions {
  readonly redis: RedisModule
  readonly username: string | null
  readonly password: string | null
  /** Null: in the clear. */
  readonly tls: { readonly ca: string | null; readonly servername: string | null } | null
  readonly database: number
  /** Microseconds on a clock that never steps. */
  readonly micros: () => number
  readonly random32: () => number
}

/** Commands without an answer at most: a server that froze must not fill our memory with what waits for it. */
export const MAX_IN_FLIGHT = 4096
/** A connection that has been silent so long (microseconds) while it owed an answer is given up for a new one. */
const SILENCE = 5_000_000
const CONNECT_TIMEOUT = 2_000
const BACKOFF_BASE = 50
const BACKOFF_MAX = 2_000
/** Attempts at one server before another one is tried, where there is another. */
const ATTEMPTS = 3

/**
 * One connection that heals. Nothing is ever sent twice: there is no queue for times without a connection, and what was
 * on its way when it went is answered as lost.
 *
 * It speaks RESP 2: scripts answer alike in both versions, subscriptions have a connection of their own anyway, and it
 * takes no handshake that an old proxy or a narrow ACL would refuse.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #target: () => Target
  readonly #rotates: boolean
  readonly #prepare: (client: Client) => void
  #client: Client
  #inFlight = 0
  /** When the last answer came, or when something was sent after everything was answered. */
  #heard = 0
  /** When the connection that is being made was begun; null when there is none to wait for. */
  #begun: number | null = null
  #fault = new StoreFault('unavailable', 'the server is not connected yet')
  #closed = false
  #waiting: ((fault: StoreFault | null) => void)[] = []

  /**
   * @param target asked at each new beginning
   * @param rotates whether `target` may name another server the next time
   * @param prepare sees each client before it connects
   */
  constructor(
    options: LinkOptions,
    target: () => Target,
    rotates = false,
    prepare: (client: Client) => void = () => {},
  ) {
    this.#options = options
    this.#target = target
    this.#rotates = rotates
    this.#prepare = prepare
    this.#client = this.#connect()
  }

  get ready(): boolean {
    return this.#client.isReady
  }

  /** Sends a command at once, in the order of calls. Never rejects. */
  send(args: readonly string[]): Promise<Answer> {
    const client = this.#client
    if (!client.isReady) {
      this.#giveUpHalfOpen()
      return Promise.resolve(this.#fault)
    }
    const now = this.#options.micros()
    if (this.#inFlight === 0) this.#heard = now
    else if (now - this.#heard > SILENCE) {
      this.#renew(new StoreFault('unavailable', 'the server stopped answering'))
      return Promise.resolve(this.#fault)
    }
    if (this.#inFlight >= MAX_IN_FLIGHT)
      return Promise.resolve(new StoreFault('unavailable', 'too many commands wait for the server'))
    this.#inFlight++
    return client.sendCommand<ScriptReply>(args as string[]).then(
      (reply) => {
        this.#answered(client)
        return reply
      },
      (error: unknown) => {
        this.#answered(client)
        return error instanceof this.#options.redis.ErrorReply ? new Refusal(error.message) : lost()
      },
    )
  }

  /** Resolves when it is connected; or rejects with the next failure, or when `milliseconds` have passed. */
  async connected(milliseconds: number): Promise<void> {
    if (this.ready) return
    const { promise, resolve } = Promise.withResolvers<StoreFault | null>()
    this.#waiting.push(resolve)
    const timer = setTimeout(() => resolve(this.#fault), milliseconds)
    const fault = await promise
    clearTimeout(timer)
    this.#waiting = this.#waiting.filter((each) => each !== resolve)
    if (fault !== null) throw fault
  }

  /** Answers what is on its way, for at most `milliseconds`, and ends. */
  async close(milliseconds: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const client = this.#client
    if (client.isReady && this.#inFlight > 0) {
      const timer = setTimeout(() => client.destroy(), milliseconds)
      await client.close()
      clearTimeout(timer)
    }
    client.destroy()
    this.#settle(new StoreFault('unavailable', 'the store is closed'))
  }

  #connect(): Client {
    const { redis, username, password, tls, database, micros, random32 } = this.#options
    const { host, port } = this.#target()
    const reconnectStrategy = (retries: number) => {
      if (this.#rotates && retries >= ATTEMPTS) setImmediate(() => this.#replace(client))
      const wait = Math.min(BACKOFF_BASE * 2 ** Math.min(retries, 10), BACKOFF_MAX)
      return Math.ceil(wait / 2) + (random32() % wait) / 2
    }
    const common = { host, port, connectTimeout: CONNECT_TIMEOUT, reconnectStrategy }
    const encrypted = {
      ...common,
      tls: true as const,
      ...(tls?.ca ? { ca: tls.ca } : {}),
      ...(tls?.servername ? { servername: tls.servername } : {}),
    }
    const client: Client = redis.createClient({
      RESP: 2,
      socket: tls === null ? common : encrypted,
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      database,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      // Its own time limit covers only what was not sent yet, and costs a timer each.
      commandOptions: { timeout: 0 },
    })
    client.on('connect', () => {
      this.#begun = micros()
    })
    client.on('ready', () => {
      if (this.#client !== undefined && client !== this.#client) return
      this.#begun = null
      this.#settle(null)
    })
    client.on('error', (error: unknown) => {
      if (client !== this.#client && this.#client !== undefined) return
      this.#begun = null
      this.#settle(
        error instanceof redis.ErrorReply ? refused(new Refusal(error.message)) : unreachable(error),
      )
    })
    this.#prepare(client)
    client.connect().catch(() => {
      // Told by the event, and only when it was ended for good.
    })
    return client
  }

  #answered(client: Client): void {
    if (client !== this.#client) return
    this.#inFlight--
    this.#heard = this.#options.micros()
  }

  #settle(fault: StoreFault | null): void {
    if (fault !== null) this.#fault = fault
    for (const resolve of this.#waiting.splice(0)) resolve(fault)
  }

  /** A server that accepts connections and then says nothing, not even to our password. */
  #giveUpHalfOpen(): void {
    if (this.#begun === null || this.#options.micros() - this.#begun <= SILENCE) return
    this.#renew(new StoreFault('unavailable', 'the server stopped answering'))
  }

  #renew(fault: StoreFault): void {
    this.#settle(fault)
    this.#replace(this.#client)
  }

  #replace(client: Client): void {
    if (this.#closed || client !== this.#client) return
    this.#inFlight = 0
    this.#begun = null
    this.#client = this.#connect()
    client.destroy()
  }
}
