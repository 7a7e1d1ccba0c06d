import type { Charge, Charged, Charging } from '../core/model.ts'
import {
  type Applied,
  type Change,
  type Changes,
  type Entry,
  type EntryKind,
  FEED,
  type Feed,
  type Messenger,
  type Page,
  type Store,
  StoreFault,
} from './contract.ts'
import { charge } from './scripted/charge.ts'
import { chargedOf, chargingOf } from './scripted/charging.ts'
import { type Keys, keysOf } from './scripted/keys.ts'
import { SCHEMA } from './scripted/prelude.ts'
import { changes, find, get, history, list, open } from './scripted/read.ts'
import { entryOf, partsOf } from './scripted/record.ts'
import type { Runner, Script, ScriptCall, ScriptReply } from './scripted/runner.ts'
import { apply, touch } from './scripted/write.ts'

/** What a script is asked about at most: the server answers nobody else meanwhile. */
const STEP = 1000
/** Milliseconds that a start waits for the first answer. */
const PATIENCE = 5000

export interface ScriptedOptions {
  /** Name in the registry. */
  readonly name: string
  /** What all its keys begin with. No braces. */
  readonly prefix: string
  /** SHA-256 over the UTF-8 text, as base64url. */
  readonly sha256: (text: string) => string
  /** A random 32-bit number from a cryptographic source. */
  readonly random32: () => number
  /** Microseconds since the epoch where the server's own clock is not to be used; null: the server's. */
  readonly clock: (() => number) | null
}

/**
 * Keeps state in a server that runs Lua scripts (Redis and what speaks its language): each operation is one script and
 * so atomic. Everything that the stores over such servers share is here; how a script gets there is the runner's.
 */
export class ScriptedStore implements Store {
  readonly name: string
  readonly shared = true
  readonly messenger: Messenger | null
  readonly #runner: Runner
  readonly #keys: Keys
  readonly #options: ScriptedOptions
  readonly #entrySlot: number | null

  constructor(runner: Runner, options: ScriptedOptions) {
    this.name = options.name
    this.messenger = runner.messenger
    this.#runner = runner
    this.#options = options
    this.#keys = keysOf(options.prefix)
    this.#entrySlot = runner.slotOf?.(this.#keys.epoch.access) ?? null
  }

  glance(): null {
    return null
  }

  size(): null {
    return null
  }

  async open(): Promise<void> {
    await this.#runner.open()
    const schema = await inTime(this.#ask(open, []))
    if (String(schema) !== String(SCHEMA))
      throw new StoreFault(
        'incompatible',
        `the store holds layout ${Number(schema)}, this version reads ${SCHEMA}`,
      )
  }

  close(): Promise<void> {
    return this.#runner.close()
  }

  charge(charges: readonly Charge[]): Promise<Charging> {
    const keys = charges.map(({ key }) => this.#keys.bucket + this.#hash(key))
    return this.#runner.slotOf === null
      ? this.#together(charges, keys)
      : this.#apart(charges, keys, this.#runner.slotOf)
  }

  async apply(steps: readonly Change[], audit: string | null): Promise<Applied> {
    const args = audit === null ? ['0', ''] : ['1', audit]
    for (const step of steps) this.#push(args, step)
    const reply = parts(await this.#ask(apply, args))
    const [ok, ...rest] = reply
    if (ok === 1) return { ok: true, versions: rest.map(Number) }
    const why = WHY[String(rest[1])]
    if (ok !== 0 || why === undefined) throw rubbish()
    return { ok: false, index: Number(rest[0]), why }
  }

  async get(kind: EntryKind, ids: readonly string[]): Promise<readonly (Entry | null)[]> {
    const calls: ScriptCall[] = []
    for (let at = 0; at < ids.length; at += STEP)
      calls.push(this.#call(get, [kind, ...ids.slice(at, at + STEP)]))
    const found = (await this.#run(calls)).flatMap(parts)
    if (found.length !== 2 * ids.length) throw rubbish()
    return ids.map((id, index) => read(kind, id, found[2 * index], found[2 * index + 1]))
  }

  async find(kind: EntryKind, aliases: readonly string[]): Promise<Entry | null> {
    if (aliases.length === 0) return null
    const reply = await this.#ask(find, [kind, ...aliases])
    if (reply === null) return null
    const [id, record, used] = parts(reply)
    return read(kind, String(id), record, used)
  }

  async list(kind: EntryKind, { after, limit, owner }: Page): Promise<readonly Entry[]> {
    const hash = owner === null ? '' : this.#hash(owner)
    const entries: Entry[] = []
    let start: ScriptReply = after ?? ''
    // Whatever has expired leaves gaps, which take another step.
    while (start !== null && entries.length < limit) {
      const count = Math.min(STEP, limit - entries.length)
      const reply: readonly ScriptReply[] = parts(
        await this.#ask(list, [kind, hash, String(start), String(count)]),
      )
      start = reply[0] ?? null
      for (let at = 1; at < reply.length; at += 3) {
        const entry = read(kind, String(reply[at]), reply[at + 1], reply[at + 2])
        if (entry !== null) entries.push(entry)
      }
    }
    return entries
  }

  async changes(feed: Feed, since: number): Promise<Changes> {
    const [epoch, store, known, ...places] = parts(await this.#ask(changes, [feed, String(since)]))
    const told = known === 1 ? places.map(placeOf) : null
    return { epoch: Number(epoch), store: String(store), entries: told }
  }

  async touch(uses: ReadonlyMap<string, number>): Promise<void> {
    const flat = [...uses].flatMap(([id, minute]) => [id, String(minute)])
    const calls: ScriptCall[] = []
    for (let at = 0; at < flat.length; at += 2 * STEP)
      calls.push(this.#call(touch, flat.slice(at, at + 2 * STEP)))
    await this.#run(calls)
  }

  async history(limit: number): Promise<readonly string[]> {
    if (limit < 1) return []
    return parts(await this.#ask(history, [String(limit)])).map(String)
  }

  /** All buckets and the epoch in one script. */
  async #together(charges: readonly Charge[], keys: readonly string[]): Promise<Charging> {
    const args = [this.#time()]
    for (const one of charges) pushCharge(args, one)
    const [reply] = await this.#runner.run([
      { script: charge, keys: [...keys, this.#keys.epoch.access], args },
    ])
    const charging = reply instanceof StoreFault ? null : chargingOf(reply ?? null, charges.length, true)
    if (charging === null) {
      const cause = reply instanceof StoreFault ? reply : rubbish()
      return { charged: charges.map(() => null), epoch: null, cause }
    }
    const { arrivals, all, epoch } = charging
    return {
      charged: arrivals.map((arrival, index) => chargedOf(arrival, charges[index] as Charge, all)),
      epoch,
    }
  }

  /**
   * One script for each slot and all of them at once. They know nothing of each other: where one denies, what passed in
   * the others is given back.
   */
  async #apart(
    charges: readonly Charge[],
    keys: readonly string[],
    slotOf: (key: string) => number,
  ): Promise<Charging> {
    const groups = new Map<number | null, number[]>([[this.#entrySlot, []]])
    for (const [index, key] of keys.entries()) {
      const slot = slotOf(key)
      const group = groups.get(slot)
      if (group === undefined) groups.set(slot, [index])
      else group.push(index)
    }
    const time = this.#time()
    const calls = [...groups].map(([slot, group]): ScriptCall => {
      const own = group.map((index) => keys[index] as string)
      const args = [time]
      for (const index of group) pushCharge(args, charges[index] as Charge)
      return {
        script: charge,
        keys: slot === this.#entrySlot ? [...own, this.#keys.epoch.access] : own,
        args,
      }
    })
    const replies = await this.#runner.run(calls)

    const faults: StoreFault[] = []
    let epoch: number | null = null
    const answers = [...groups].map(([slot, group], at) => {
      const reply = replies[at]
      const answer =
        reply instanceof StoreFault ? null : chargingOf(reply ?? null, group.length, slot === this.#entrySlot)
      if (answer === null) faults.push(reply instanceof StoreFault ? reply : rubbish())
      epoch = answer?.epoch ?? epoch
      return { group, answer, call: calls[at] as ScriptCall }
    })
    const all = answers.every(({ answer }) => answer === null || answer.all)
    const charged = new Array<Charged | null>(charges.length).fill(null)
    const refunds: ScriptCall[] = []
    for (const { group, answer, call } of answers) {
      if (answer === null) continue
      for (const [at, index] of group.entries())
        charged[index] = chargedOf(
          answer.arrivals[at] as (typeof answer.arrivals)[number],
          charges[index] as Charge,
          all,
        )
      if (!all && answer.all && group.length > 0)
        refunds.push(
          this.#refund(
            call,
            group.map((at) => charges[at] as Charge),
          ),
        )
    }
    // Nobody waits for a refund: it goes the same way as the next charge, ahead of it.
    if (refunds.length > 0) void this.#runner.run(refunds)
    return faults.length === 0 ? { charged, epoch } : { charged, epoch, cause: faults[0] }
  }

  #refund({ keys }: ScriptCall, charges: readonly Charge[]): ScriptCall {
    const args = [this.#time()]
    for (const one of charges) pushCharge(args, { ...one, cost: -one.cost })
    return { script: charge, keys: keys.slice(0, charges.length), args }
  }

  #push(args: string[], step: Change): void {
    if ('put' in step) {
      const { kind, id, aliases, owner } = step.put
      const { expires, head, body, owner: hash } = partsOf(step.put, owner === null ? '' : this.#hash(owner))
      args.push('put', kind, id, String(step.expected), FEED[kind] ?? '')
      args.push(expires, hash, head, body, String(aliases.length))
      for (const alias of aliases) args.push(alias)
    } else {
      const { kind, id } = step.remove
      args.push('remove', kind, id, String(step.expected), FEED[kind] ?? '')
    }
  }

  #time(): string {
    return this.#options.clock === null ? '' : String(Math.floor(this.#options.clock()))
  }

  /** 22 characters hold 132 bits: nobody finds two texts with the same. */
  #hash(text: string): string {
    return this.#options.sha256(text).slice(0, 22)
  }

  #call(script: Script, args: readonly string[]): ScriptCall {
    const { random32 } = this.#options
    const identity = `${random32().toString(36)}${random32().toString(36)}`
    return { script, keys: this.#keys.entries, args: [this.#time(), identity, ...args] }
  }

  async #ask(script: Script, args: readonly string[]): Promise<ScriptReply> {
    const [reply = null] = await this.#run([this.#call(script, args)])
    return reply
  }

  /** The replies, or the first fault as a rejection. */
  async #run(calls: readonly ScriptCall[]): Promise<readonly ScriptReply[]> {
    if (calls.length === 0) return []
    const replies: ScriptReply[] = []
    for (const reply of await this.#runner.run(calls)) {
      if (reply instanceof StoreFault) throw reply
      replies.push(reply)
    }
    return replies
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new StoreFault('timeout', 'the store does not answer')), PATIENCE)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

type Why = Extract<Applied, { ok: false }>['why']
const WHY: Readonly<Record<string, Why>> = {
  exists: 'exists',
  missing: 'missing',
  changed: 'changed',
  alias_taken: 'alias_taken',
}

const rubbish = () => new StoreFault('incompatible', 'the store answered something that is not an answer')

function parts(reply: ScriptReply): readonly ScriptReply[] {
  if (Array.isArray(reply)) return reply
  throw rubbish()
}

function read(
  kind: EntryKind,
  id: string,
  record: ScriptReply | undefined,
  used: ScriptReply | undefined,
): Entry | null {
  try {
    return entryOf(kind, id, record, used)
  } catch {
    throw rubbish()
  }
}

function placeOf(place: ScriptReply): { kind: EntryKind; id: string } {
  const text = String(place)
  const colon = text.indexOf(':')
  const kind = text.slice(0, colon)
  if (!Object.hasOwn(FEED, kind)) throw rubbish()
  return { kind: kind as EntryKind, id: text.slice(colon + 1) }
}

function pushCharge(args: string[], { interval, burst, cost }: Charge): void {
  args.push(String(interval), String(burst), String(cost))
}
