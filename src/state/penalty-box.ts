import type { Address } from '../core/address.ts'
import type { Penalty } from '../core/engine.ts'
import { jsonOf } from '../schema/json.ts'
import type { Feed, Store } from '../stores/contract.ts'
import { type Ban, ban } from './ban.ts'
import { type BanBook, networkOfClient } from './ban-book.ts'
import { entryOf } from './entry.ts'

export interface PenaltyBoxOptions {
  /** Milliseconds since the epoch. */
  now(): number
  /** Something that the operator should hear of. */
  report(event: string, details: Readonly<Record<string, unknown>>): void
  /** Lets work go on that no request waits for. */
  background(work: Promise<unknown>): void
  /** Called when this instance has changed a feed itself, so that others hear of it. */
  announce(feed: Feed): void
}

/**
 * Bans clients that guess. A ban holds here at once; then the store is asked how often there was one, so that it
 * grows, and told of it, so that it holds everywhere.
 */
export class PenaltyBox {
  readonly #store: Pick<Store, 'get' | 'apply'>
  readonly #bans: BanBook
  readonly #options: PenaltyBoxOptions

  constructor(store: Pick<Store, 'get' | 'apply'>, bans: BanBook, options: PenaltyBoxOptions) {
    this.#store = store
    this.#bans = bans
    this.#options = options
  }

  /** Hears that a client has presented wrong credentials once too often. Checks under way may say so several times. */
  guessed(client: Address, penalty: Penalty): void {
    const now = this.#options.now()
    if (this.#bans.banned(client, now)) return
    const network = networkOfClient(client)
    this.#bans.add({ network, until: now + penalty.first })
    this.#options.background(this.#impose(client, network, penalty, now))
  }

  async #impose(client: Address, network: string, penalty: Penalty, now: number): Promise<void> {
    let made = banOf(network, 0, penalty, now)
    let stored = true
    try {
      const [entry] = await this.#store.get('ban', [network])
      const before = entry == null ? null : ban.safeParse(jsonOf(entry.body))
      // Another instance was faster, or a person: the same guesses count once, and what was imposed stays as it is.
      if (before?.success === true && (before.data.until ?? Number.POSITIVE_INFINITY) > now)
        return this.#bans.add(before.data)
      if (before?.success === true && before.data.by === OWN)
        made = banOf(network, before.data.level + 1, penalty, now)
      this.#bans.add(made)
      // Kept for a while after its end, so that the next one knows of it.
      const put = entryOf('ban', network, made, made.until + penalty.longest)
      const { ok } = await this.#store.apply([{ put, expected: entry?.version ?? 'absent' }], null)
      if (!ok) return
      this.#options.announce('bans')
    } catch {
      // It holds here all the same; the guard around the store has told the operator why no further.
      stored = false
    }
    // The order is a promise: the fail2ban filter in docs/fail2ban goes by it.
    this.#options.report('client_banned', {
      client: client.text,
      network,
      until: new Date(made.until).toISOString(),
      level: made.level,
      stored,
    })
  }
}

/** Who imposes the bans of the penalty box. */
const OWN = 'postern'

function banOf(network: string, level: number, { first, longest }: Penalty, now: number) {
  // Beyond 30 doublings every first ban has outgrown the longest.
  const until = now + Math.min(longest, first * 2 ** Math.min(level, 30))
  return { v: 1, network, until, level, reason: 'wrong credentials', by: OWN, created: now } satisfies Ban
}
