import type { Address } from '../core/address.ts'
import type { Penalty } from '../core/engine.ts'
import type { Knowledge as CoreKnowledge, Principal } from '../core/model.ts'
import { jsonOf } from '../schema/json.ts'
import type { Changes, Entry, EntryKind, Feed, Store } from '../stores/contract.ts'
import { type Ban, ban } from './ban.ts'
import { BanBook } from './ban-book.ts'
import { entryOf } from './entry.ts'
import { everything, Follower, type Learn, PAGE } from './follower.ts'
import { type Freshness, KeyBook, type KeyBookOptions } from './key-book.ts'
import { PenaltyBox, type PenaltyBoxOptions } from './penalty-box.ts'
import { IMPORTED } from './peppers.ts'
import { type HeldRevocation, Revocations, revocation, revocationId } from './revocation.ts'

export interface KnowledgeOptions extends KeyBookOptions, PenaltyBoxOptions {
  /** Whether timers outlast the request that sets them; else somebody has to call `keepUp` now and then. */
  readonly lasting: boolean
}

/** Milliseconds between two looks at a shared store: with a lost one in between, a change is known within ten seconds. */
const INTERVAL = 4_000
/** Milliseconds between two looks that requests cause, whatever becomes of the first. */
const RETRY = 500
/** Milliseconds without a word from the store after which what is known may be too old. */
const FRESH = 10_000

/**
 * What this instance knows of the shared state: revocations, bans, and the keys that it has met. It follows the feeds
 * of the store: when a charge tells of a newer epoch, when another instance sends a notice, and in any case every few
 * seconds. What it holds when the store falls silent goes on to hold.
 */
export class Knowledge implements CoreKnowledge, Freshness {
  readonly keys: KeyBook
  readonly #store: Store
  readonly #options: KnowledgeOptions
  readonly #revocations = new Revocations()
  readonly #bans = new BanBook()
  readonly #penaltyBox: PenaltyBox
  readonly #followers: Readonly<Record<Feed, Follower>>
  #confirmed = Number.NEGATIVE_INFINITY
  #stale = false
  /** Ticks at which `keepUp` looked last. */
  #looked = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setInterval> | null = null

  constructor(store: Store, options: KnowledgeOptions) {
    this.#store = store
    this.#options = options
    this.keys = new KeyBook(store, this, options)
    this.#followers = {
      access: new Follower(store, 'access', (...news) => this.#learnAccess(...news), options.ticks),
      bans: new Follower(store, 'bans', (...news) => this.#learnBans(...news), options.ticks),
    }
    this.#penaltyBox = new PenaltyBox(store, this.#bans, options)
  }

  /** Loads what the store holds, and goes on following it. What cannot be had now is tried again. */
  async start(): Promise<void> {
    await this.look()
    if (!this.#options.lasting) return
    this.#timer = setInterval(() => void this.look(), INTERVAL)
    this.#timer.unref?.()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** Asks the store what has changed. Never rejects. */
  async look(): Promise<void> {
    await Promise.all([this.hear('access'), this.hear('bans')])
    this.#revocations.prune(this.#options.now())
    this.#stale = !this.fresh()
  }

  /**
   * Looks at the store where no timer does, when it is time: also while charges confirm what is known, since they say
   * nothing of bans.
   * @returns the look, when nothing should be decided before it has ended
   */
  keepUp(): Promise<void> | null {
    const ticks = this.#options.ticks()
    if (ticks - this.#looked < (this.age() < INTERVAL ? INTERVAL : RETRY)) return null
    this.#looked = ticks
    const looking = this.look()
    this.#options.background(looking)
    return this.fresh() ? null : looking
  }

  /** Somebody says that a feed has moved. */
  async hear(feed: Feed): Promise<void> {
    const following = this.#followers[feed].follow()
    this.#options.background(following)
    const learned = await following
    if (feed !== 'access') return
    if (learned) this.#confirm()
    else this.#stale = !this.fresh() || this.#stale
  }

  /** Hears of a change that this process has made itself. */
  async changed(feed: Feed): Promise<void> {
    this.#options.announce(feed)
    await this.hear(feed)
  }

  /**
   * Hears of changes as far as a decision can wait for it. What takes longer (a list that is long, a store that was
   * emptied and is given back what it lost) goes on, and meanwhile what is known may be too old.
   */
  catchUp(patience: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#stale = true
        resolve()
      }, patience)
      void this.hear('access').then(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  behind(epoch: number | null): boolean {
    const told = epoch ?? this.#store.glance()
    if (told === null) return false
    if (told !== this.#followers.access.epoch) return true
    this.#confirm()
    return false
  }

  get epoch(): number {
    return this.#followers.access.epoch
  }

  stale(): boolean {
    return this.#stale
  }

  fresh(): boolean {
    return this.age() <= FRESH
  }

  /** Milliseconds since the store last confirmed what is known here; 0 where nobody else can change it. */
  age(): number {
    return this.#store.shared ? this.#options.ticks() - this.#confirmed : 0
  }

  banned(client: Address, now: number): boolean {
    return this.#bans.banned(client, now)
  }

  revoked(principal: Principal): boolean | null {
    if (this.epoch < 0 && principal.type !== 'anonymous') return null
    return this.#revocations.covers(principal)
  }

  guessed(client: Address, penalty: Penalty): void {
    this.#penaltyBox.guessed(client, penalty)
  }

  /** Figures for metrics. */
  figures(): { readonly revocations: number; readonly bans: number; readonly age: number } {
    return { revocations: this.#revocations.size, bans: this.#bans.size, age: this.age() }
  }

  #confirm(): void {
    // Of a store that nobody else can change, no moment is remembered: what is known of it has no age.
    if (this.#store.shared) this.#confirmed = this.#options.ticks()
    this.#stale = false
  }

  async #learnAccess(...[{ entries }, emptied, overtaken]: Parameters<Learn>): Promise<void> {
    if (entries === null) return this.#loadAccess(emptied, overtaken)
    for (const id of idsOf(entries, 'key')) this.keys.drop(id)
    if (idsOf(entries, 'meta').includes(IMPORTED)) await this.#loadImported()
    const current = await this.#current('revocation', entries)
    if (overtaken()) return
    for (const [id, entry] of current) {
      const one = entry === null ? null : revocationIn(entry)
      if (one === null) this.#revocations.remove(id)
      else this.#revocations.add(one)
    }
  }

  async #loadAccess(emptied: boolean, overtaken: () => boolean): Promise<void> {
    const held = [...this.#revocations.all()]
    const [all] = await Promise.all([everything(this.#store, 'revocation'), this.#loadImported()])
    if (overtaken()) return
    const found = all.flatMap((entry) => revocationIn(entry) ?? [])
    this.keys.clear()
    this.#revocations.replace(emptied ? [...held, ...found] : found)
    if (!emptied) return
    this.#options.report('store_emptied', {
      problem: 'the store holds other contents than before: keys and counters that were in it are gone',
      revocations: held.length,
    })
    await writeBack(this.#store, held, this.#options.now())
  }

  async #loadImported(): Promise<void> {
    const [marker] = await this.#store.get('meta', [IMPORTED])
    this.keys.imported = marker != null
  }

  async #learnBans(...[{ entries }, emptied, overtaken]: Parameters<Learn>): Promise<void> {
    if (entries === null) {
      const all = (await everything(this.#store, 'ban')).flatMap((entry) => banIn(entry) ?? [])
      if (overtaken()) return
      // What an emptied store lost goes on to hold here, and somebody may have been banned in it before it was asked.
      if (emptied) for (const one of all) this.#bans.add(one)
      else this.#bans.replace(all)
      return
    }
    const current = await this.#current('ban', entries)
    if (overtaken()) return
    for (const [id, entry] of current) {
      const one = entry === null ? null : banIn(entry)
      if (one === null) this.#bans.remove(id)
      else this.#bans.add(one)
    }
  }

  /** What has become of the entries of one kind that a feed names. */
  async #current(
    kind: EntryKind,
    entries: NonNullable<Changes['entries']>,
  ): Promise<[string, Entry | null][]> {
    const ids = idsOf(entries, kind)
    const found: (Entry | null)[] = []
    // In parts: a feed may tell of ten thousand, and each answer has a decision's deadline.
    for (let at = 0; at < ids.length; at += PAGE)
      found.push(...(await this.#store.get(kind, ids.slice(at, at + PAGE))))
    return ids.map((id, index) => [id, found[index] ?? null])
  }
}

const idsOf = (entries: NonNullable<Changes['entries']>, kind: EntryKind): string[] => [
  ...new Set(entries.flatMap((entry) => (entry.kind === kind ? [entry.id] : []))),
]

function revocationIn({ body, expires }: Entry): HeldRevocation | null {
  const reading = revocation.safeParse(jsonOf(body))
  return reading.success ? { ...reading.data, expires } : null
}

function banIn({ body }: Entry): Ban | null {
  const reading = ban.safeParse(jsonOf(body))
  return reading.success ? reading.data : null
}

/** Puts revocations back into a store that has lost them: forgetting one would let somebody in. */
async function writeBack(store: Store, held: readonly HeldRevocation[], now: number): Promise<void> {
  const alive = held.filter(({ expires }) => expires === null || expires > now)
  for (let index = 0; index < alive.length; index += PAGE) {
    const changes = alive.slice(index, index + PAGE).map(({ expires, ...one }) => ({
      put: entryOf('revocation', revocationId(one), one, expires),
      expected: 'any' as const,
    }))
    await store.apply(changes, null)
  }
}
