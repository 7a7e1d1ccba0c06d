import { Bounded } from '../core/bounded.ts'
import type { Feed, Messenger } from '../stores/contract.ts'
import { Lane } from './messages/lane.ts'
import { Seal, type SealOptions } from './messages/seal.ts'
import { Subscription } from './messages/subscription.ts'

export type { NoticeKey } from './messages/seal.ts'

/** Milliseconds by which a notice may be older or newer than now. */
const SKEW = 30_000
/** Senders whose last sequence number is known; a process that restarts is a new one. */
const SENDERS = 4096

export interface NoticeOptions extends SealOptions {
  /** Milliseconds since the epoch. */
  now(): number
  /** A number from 0 up to 1, for jitter only. */
  random(): number
  /** A random 32-bit number from a cryptographic source. */
  random32(): number
}

/** Why a message was dropped, in the order of the checks. */
export type Dropped = 'malformed' | 'unknown_key' | 'forged' | 'stale' | 'replayed'

/** What metrics see. */
export interface NoticeFigures {
  /** Whether the messenger has taken the subscription. */
  readonly subscribed: boolean
  readonly sent: number
  /** Notices that the messenger did not take. */
  readonly failed: number
  /** Notices of others that were believed. */
  readonly heard: number
  readonly dropped: Readonly<Record<Dropped, number>>
}

/**
 * Tells other instances that something has happened on a feed, and hears the same from them.
 *
 * A notice is a hint and holds nothing else: whoever hears it asks the store. What gets lost is noticed by asking the
 * store from time to time, and a forged one could cost no more than one question. Even so each is signed, of its time
 * and good for once, and the channel's name cannot be guessed. Clocks that differ by more than 30 seconds cost no more
 * than promptness.
 */
export class Notices {
  readonly #messenger: Messenger
  readonly #options: NoticeOptions
  readonly #seal: Seal
  readonly #lanes: Readonly<Record<Feed, Lane>>
  readonly #sender: string
  /** The last sequence number of each sender. */
  readonly #senders = new Bounded<string, number>(SENDERS)
  readonly #dropped = { malformed: 0, unknown_key: 0, forged: 0, stale: 0, replayed: 0 }
  #subscription: Subscription | null = null
  #started: Promise<void> | null = null
  #sequence = 0
  #sent = 0
  #failed = 0
  #heard = 0

  constructor(messenger: Messenger, options: NoticeOptions) {
    this.#messenger = messenger
    this.#options = options
    this.#seal = new Seal(options)
    this.#lanes = {
      access: new Lane(() => this.#send('access')),
      bans: new Lane(() => this.#send('bans')),
    }
    this.#sender = Array.from({ length: 4 }, () => options.random32().toString(16).padStart(8, '0')).join('')
  }

  /**
   * Listens, again and again until the messenger lets it. Resolves once the first attempt has ended, well or not.
   * @param hear learns of a feed on which something has happened, or may have while nobody could listen
   */
  start(hear: (feed: Feed) => void): Promise<void> {
    this.#subscription ??= new Subscription(
      () => this.#messenger.subscribe(this.#seal.channels, (message) => this.#receive(message, hear)),
      () => {
        hear('access')
        hear('bans')
      },
      () => this.#options.random(),
    )
    this.#started ??= this.#subscription.start()
    return this.#started
  }

  /** Tells the others, soon. To be called once the store holds what they will ask for. */
  announce(feed: Feed): void {
    this.#lanes[feed].announce()
  }

  /** Sends what still waits for its turn, and listens no more. Never rejects. */
  async stop(): Promise<void> {
    this.#started ??= Promise.resolve()
    await Promise.all([this.#subscription?.stop(), ...Object.values(this.#lanes).map((lane) => lane.stop())])
  }

  figures(): NoticeFigures {
    return {
      subscribed: this.#subscription?.on ?? false,
      sent: this.#sent,
      failed: this.#failed,
      heard: this.#heard,
      dropped: { ...this.#dropped },
    }
  }

  async #send(feed: Feed): Promise<void> {
    const message = this.#seal.sign({
      sender: this.#sender,
      sequence: ++this.#sequence,
      time: Math.floor(this.#options.now()),
      feed,
    })
    try {
      await this.#messenger.publish(this.#seal.channel, message)
      this.#sent++
    } catch {
      this.#failed++
    }
  }

  #receive(message: string, hear: (feed: Feed) => void): void {
    const notice = this.#seal.open(message)
    if (typeof notice === 'string') {
      this.#dropped[notice]++
      return
    }
    const { sender, sequence, time, feed } = notice
    if (sender === this.#sender) return
    if (Math.abs(this.#options.now() - time) > SKEW) this.#dropped.stale++
    else if (sequence <= (this.#senders.get(sender) ?? 0)) this.#dropped.replayed++
    else {
      this.#senders.set(sender, sequence)
      this.#heard++
      hear(feed)
    }
  }
}
