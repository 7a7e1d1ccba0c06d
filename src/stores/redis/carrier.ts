import { StoreFault } from '../contract.ts'
import { type Answer, Link, type LinkOptions, type Target } from './link.ts'

/** Brings commands to the server that is meant. */
export interface Carrier {
  /** Where a key lives; null where there is one server only. */
  readonly slotOf: ((key: string) => number) | null
  /** Sends a command in the same turn. Never rejects. @param key one that it is about; null: any server will do */
  send(key: string | null, args: readonly string[]): Promise<Answer>
  /** A server that is worth a try, another one each time where there are several. */
  target(): Target
  open(): Promise<void>
  close(): Promise<void>
}

/** Milliseconds that a start waits for a connection, and an end for the last answers. */
export const PATIENCE = 2_000

/** One server. */
export class Single implements Carrier {
  readonly slotOf = null
  readonly #options: LinkOptions
  readonly #target: Target
  #link: Link | null = null

  constructor(options: LinkOptions, target: Target) {
    this.#options = options
    this.#target = target
  }

  send(_key: string | null, args: readonly string[]): Promise<Answer> {
    return this.#link === null
      ? Promise.resolve(new StoreFault('unavailable', 'the store is not open'))
      : this.#link.send(args)
  }

  target(): Target {
    return this.#target
  }

  async open(): Promise<void> {
    this.#link ??= new Link(this.#options, () => this.#target)
    await this.#link.connected(PATIENCE)
  }

  async close(): Promise<void> {
    const link = this.#link
    this.#link = null
    await link?.close(PATIENCE)
  }
}
