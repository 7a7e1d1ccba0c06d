import { Bounded } from '../core/bounded.ts'
import type { Charge, Charging } from '../core/model.ts'
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
import { ScriptedCounters } from './scripted/counters.ts'
import { type Keys, keysOf } from './scripted/keys.ts'
import { SCHEMA } from './scripted/prelude.ts'
import { changes, find, get, history, list, open } from './scripted/read.ts'
import { entryOf, partsOf } from './scripted/record.ts'
import { integer, parts, rubbish } from './scripted/reply.ts'
import type { Runner, Script, ScriptCall, ScriptReply } from './scripted/runner.ts'
import { apply, touch } from './scripted/write.ts'

/** What a script is asked about at most: the server answers nobody else meanwhile. */
const STEP = 1000
/** Milliseconds that a start waits for the first answer. */
const PATIENCE = 5000

/** Names of buckets that are remembered: to make them costs more than to find them. */
const NAMES = 16_384

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
  readonly #counters: ScriptedCounters

  constructor(runner: Runner, options: ScriptedOptions) {
    this.name = options.name
    this.messenger = runner.messenger
    this.#runner = runner
    this.#options = options
    this.#keys = keysOf(options.prefix)
    const { bucket, epoch } = this.#keys
    const names = new Bounded<string, string>(NAMES)
    const keyOf = (key: string): string => {
      let name = names.get(key)
      if (name === undefined) {
        name = bucket + this.#hash(key)
        names.set(key, name)
      }
      return name
    }
    this.#counters = new ScriptedCounters(runner, epoch.access, keyOf, () => this.#time())
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
    return this.#counters.charge(charges)
  }

  async apply(steps: readonly Change[], audit: string | null): Promise<Applied> {
    const args = audit === null ? ['0', ''] : ['1', audit]
    for (const step of steps) this.#push(args, step)
    const [ok, ...rest] = parts(await this.#ask(apply, args))
    if (integer(ok) === 1 && rest.length === steps.length) return { ok: true, versions: rest.map(integer) }
    const why = WHY[String(rest[1])]
    if (integer(ok) !== 0 || why === undefined) throw rubbish()
    return { ok: false, index: integer(rest[0]), why }
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
    // Whoever is there is an entry: nothing else may pass for "there is none".
    return read(kind, String(id), record ?? '', used)
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
    if (typeof store !== 'string') throw rubbish()
    const told = integer(known) === 1 ? places.map(placeOf) : null
    return { epoch: integer(epoch), store, entries: told }
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
