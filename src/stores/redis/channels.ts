import { type Listener, type Messenger, StoreFault } from '../contract.ts'
import type { Carrier } from './carrier.ts'
import { Refusal, refused } from './fault.ts'
import { type Client, Link, type LinkOptions } from './link.ts'

/** Milliseconds between two signs of life: a dead connection says nothing by itself, and here nobody else asks. */
const PING_PAUSE = 5_000
const PATIENCE = 2_000

/**
 * Publish and subscribe. Subscriptions have a connection of their own, made with the first of them; on a Cluster it is
 * to any node, since plain messages reach all of them.
 */
export class Channels implements Messenger {
  readonly #carrier: Carrier
  readonly #options: LinkOptions
  readonly #prefix: string
  readonly #listeners = new Map<string, Set<Listener>>()
  #link: Link | null = null
  #client: Client | null = null
  #timer: NodeJS.Timeout | null = null

  /** @param prefix what the names of all channels begin with */
  constructor(carrier: Carrier, options: LinkOptions, prefix: string) {
    this.#carrier = carrier
    this.#options = options
    this.#prefix = prefix
  }

  async publish(channel: string, message: string): Promise<void> {
    const answer = await this.#carrier.send(null, ['PUBLISH', this.#prefix + channel, message])
    if (answer instanceof StoreFault) throw answer
    if (answer instanceof Refusal) throw refused(answer)
  }

  async subscribe(channels: readonly string[], listener: Listener): Promise<() => Promise<void>> {
    const names = channels.map((channel) => this.#prefix + channel)
    for (const name of names) {
      const listeners = this.#listeners.get(name) ?? new Set()
      this.#listeners.set(name, listeners.add(listener))
    }
    this.#link ??= this.#open()
    // Without a connection it is promised all the same: it is made up for as soon as there is one.
    await this.#link.connected(PATIENCE).then(
      () => this.#client && this.#follow(this.#client),
      () => {},
    )
    return () => this.#forget(names, listener)
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#listeners.clear()
    const link = this.#link
    this.#link = null
    await link?.close(0)
  }

  #open(): Link {
    const prepare = (client: Client) => {
      this.#client = client
      client.on('ready', () => void this.#follow(client))
    }
    const link = new Link(this.#options, () => this.#carrier.target(), this.#carrier.slotOf !== null, prepare)
    this.#timer = setInterval(() => void link.send(['PING']), PING_PAUSE)
    this.#timer.unref()
    return link
  }

  /** Subscribes to what this connection does not follow yet; what it did, it takes up again by itself. */
  async #follow(client: Client): Promise<void> {
    const names = [...this.#listeners.keys()].filter(
      (name) => !client.isPubSubActive || !this.#follows(client, name),
    )
    if (names.length === 0) return
    try {
      await client.subscribe(names, this.#heard)
    } catch {
      // The connection went, and with the next one this comes again; or we may not, and nothing rests on messages.
    }
  }

  #follows(client: Client, name: string): boolean {
    return client.getPubSubListeners('CHANNELS').has(name)
  }

  readonly #heard = (message: string, channel: string): void => {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(message)
      } catch {
        // A listener's own affair.
      }
    }
  }

  async #forget(names: readonly string[], listener: Listener): Promise<void> {
    const silent = names.filter((name) => {
      const listeners = this.#listeners.get(name)
      listeners?.delete(listener)
      return listeners?.size === 0 && this.#listeners.delete(name)
    })
    if (silent.length === 0 || this.#link?.ready !== true) return
    await this.#client?.unsubscribe(silent).catch(() => {})
  }
}
