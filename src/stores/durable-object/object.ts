import { DurableObject } from 'cloudflare:workers'
import type { DurableObjectState } from '@cloudflare/workers-types'
import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryKind,
  type Feed,
  type Page,
  StoreFault,
} from '../contract.ts'
import { Alarm } from './alarm.ts'
import { Archive, movesEpoch } from './archive.ts'
import { Buckets } from './buckets.ts'
import { Thermometer } from './heat.ts'
import { TENANT_SHARDS } from './homes.ts'
import { EpochListener } from './listener.ts'
import { roleOf } from './role.ts'
import { Roster } from './roster.ts'
import { Seats } from './seats.ts'
import { Shard } from './shard.ts'
import { Shelf } from './shelf.ts'
import {
  type Answer,
  type EpochLease,
  type Grant,
  type Heat,
  isNamespace,
  NAMES,
  type Origin,
  type Some,
  type StateNamespace,
  type StateObject,
  type ToldHeat,
  valueIn,
  type WireCharge,
  type WirePlace,
} from './wire.ts'

/** What keeps counters. */
interface Counting {
  readonly buckets: Buckets
  readonly listener: EpochListener
  readonly thermometer: Thermometer
  /** Of a shard of a hot tenant. */
  shard: Shard | null
}

/** What keeps entries. */
interface Filing {
  readonly archive: Archive
  readonly roster: Roster
}

/**
 * The objects of the Durable Object store (docs/adr/0010): one of them keeps entries, all others count. Everything is
 * answered as a value, because an error loses its class on the way.
 */
export class PosternState extends DurableObject implements StateObject {
  readonly #alarm: Alarm
  readonly #seats = new Seats(now)
  readonly #namespace: StateNamespace | null
  /** What there is of these two depends on what the object is asked first. */
  protected counting: Counting | null = null
  protected filing: Filing | null = null

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env)
    this.#alarm = new Alarm(ctx.storage)
    this.#namespace = ownNamespace(env, ctx.id.toString())
  }

  charge(charges: readonly WireCharge[], origin: Origin | null): Promise<Answer<ToldHeat>> {
    return answer(async () => {
      const counting = this.#count()
      const { listener, thermometer } = counting
      if (origin !== null) {
        const shard = this.#shard(counting, origin)
        const told = await shard.charge(charges, origin)
        return { ...told, epoch: await listener.epoch(), heat: shard.heat }
      }
      thermometer.count(charges)
      const { all, arrivals } = counting.buckets.charge(charges)
      return {
        all,
        arrivals: arrivals.map(({ ok, remaining, full, wait }) => ({ ok, remaining, full, wait })),
        epoch: await listener.epoch(),
        heat: thermometer.heat,
      }
    })
  }

  grant(charge: WireCharge, want: number): Promise<Answer<Grant>> {
    return answer(() => this.#count().buckets.lend(charge, want, TENANT_SHARDS))
  }

  report(calls: number): Promise<Answer<Heat | null>> {
    return answer(() => {
      const { thermometer } = this.#count()
      thermometer.report(calls)
      return thermometer.heat
    })
  }

  take(holder: string, places: readonly WirePlace[], life: number): Promise<Answer<number | null>> {
    return answer(() => this.#seats.take(holder, places, life))
  }

  release(holder: string, places: readonly WirePlace[]): Promise<Answer<null>> {
    return answer(() => {
      this.#seats.release(holder, places)
      return null
    })
  }

  ready(): Promise<Answer<null>> {
    return answer(() => {
      this.#file()
      return null
    })
  }

  apply(changes: readonly Change[], audit: string | null): Promise<Answer<Applied>> {
    return answer(async () => {
      const { archive, roster } = this.#file()
      const applied = archive.apply(changes, audit)
      if (applied.ok && movesEpoch(changes)) await roster.announce(() => archive.epoch)
      return applied
    })
  }

  get(kind: EntryKind, ids: readonly string[]): Promise<Answer<Some<Entry | null>>> {
    return answer(() => this.#file().archive.get(kind, ids))
  }

  find(kind: EntryKind, aliases: readonly string[]): Promise<Answer<Entry | null>> {
    return answer(() => this.#file().archive.find(kind, aliases))
  }

  list(kind: EntryKind, page: Page): Promise<Answer<Some<Entry>>> {
    return answer(() => this.#file().archive.list(kind, page))
  }

  changes(feed: Feed, since: number): Promise<Answer<Changes>> {
    return answer(() => this.#file().archive.changes(feed, since))
  }

  touch(uses: readonly (readonly [id: string, minute: number])[]): Promise<Answer<null>> {
    return answer(() => {
      this.#file().archive.touch(uses)
      return null
    })
  }

  history(limit: number): Promise<Answer<readonly string[]>> {
    return answer(() => this.#file().archive.history(limit))
  }

  enlist(id: string): Promise<Answer<EpochLease>> {
    return answer(() => {
      const { archive, roster } = this.#file()
      return roster.enlist(id, archive.epoch)
    })
  }

  tell(epoch: number): Promise<Answer<null>> {
    return answer(() => {
      this.counting?.listener.hear(epoch)
      return null
    })
  }

  /** Rings while there is something that will be over. */
  async alarm(): Promise<void> {
    this.#alarm.gone()
    const role = roleOf(this.ctx.storage)
    if (role === 'entries') await this.#file().archive.expire(pause)
    if (role === 'buckets') await this.#count().buckets.expire(pause)
  }

  #count(): Counting {
    const { ctx } = this
    this.counting ??= {
      buckets: new Buckets(new Shelf(ctx.storage), this.#alarm, now),
      listener: new EpochListener(() => this.#enlist(), now),
      thermometer: new Thermometer(now),
      shard: null,
    }
    return this.counting
  }

  #shard(counting: Counting, { name }: Origin): Shard {
    counting.shard ??= new Shard(
      counting.buckets,
      {
        grant: async (charge, want) => valueIn(await this.#peers().getByName(name).grant(charge, want)),
        report: async (calls) => valueIn(await this.#peers().getByName(name).report(calls)),
      },
      now,
    )
    return counting.shard
  }

  #file(): Filing {
    const { storage } = this.ctx
    this.filing ??= {
      archive: new Archive(storage, this.#alarm, now),
      roster: new Roster(storage, now, async (id, epoch) => {
        const namespace = this.#peers()
        valueIn(await namespace.get(namespace.idFromString(id)).tell(epoch))
      }),
    }
    return this.filing
  }

  async #enlist(): Promise<EpochLease> {
    return valueIn(await this.#peers().getByName(NAMES.access).enlist(this.ctx.id.toString()))
  }

  #peers(): StateNamespace {
    if (this.#namespace === null)
      throw new StoreFault('unavailable', 'the Worker that has the class PosternState does not bind it')
    return this.#namespace
  }
}

const now = (): number => Date.now()

/** Lets others have their turn. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

/** The binding under which this Worker knows its own class, whatever its name: only that one accepts our id. */
function ownNamespace(env: unknown, id: string): StateNamespace | null {
  for (const binding of Object.values((env ?? {}) as Readonly<Record<string, unknown>>)) {
    if (!isNamespace(binding)) continue
    try {
      binding.idFromString(id)
      return binding
    } catch {
      // The namespace of another class.
    }
  }
  return null
}

/** Its value, or why there is none. What was thrown by others says its kind alone: its text may quote what was written. */
async function answer<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (error instanceof StoreFault) return { fault: error.code, message: error.message }
    const kind = error instanceof Error ? error.name : typeof error
    return { fault: 'unavailable', message: `the object or its storage failed (${kind})` }
  }
}
