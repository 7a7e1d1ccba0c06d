import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import {
  type Answers,
  CLIENTS,
  type Client,
  FAULTS,
  type Fault,
  type FaultName,
  SITUATIONS,
  type SituationName,
} from '../../scripts/outcomes.ts'
import type { EntryDraft } from '../../src/stores/contract.ts'
import { type Line, newKey, newToken, revoking } from './credentials.ts'
import { type Answered, BURST, holds, Stand, someClient } from './stand.ts'

/** A store that can be broken and mended. */
export interface Broken {
  /** What stands behind `store:` in the service's policy, beside `maxStale`. */
  readonly store: string
  /** Puts entries into the store, before the service starts. */
  seed(entries: readonly EntryDraft[]): Promise<void>
  /** Begins the fault. */
  strike(): Promise<void>
  /** Ends it. */
  heal(): Promise<void>
  /** Lets go of everything. */
  close(): Promise<void>
  /** The user that the service runs as; null: the test's own. */
  readonly user?: number | null
  /** Whether the fault is there before the service is. */
  readonly early?: boolean
  /** Whether it is over at once, because what comes of it in the long run is shown by another one. */
  readonly brief?: boolean
}

/** Milliseconds for which a key is good while the store is silent: longer than it takes for knowledge to be old. */
const MAX_STALE = 20_000
/** No decision waits longer for anybody than 400 ms; what comes on top is the test machine's. */
const PROMPT = 3000
/** Checks of each kind at the beginning of a fault, which are counted exactly. */
const FIRST = 3
/** Checks without limits that have to be answered meanwhile. */
const OTHERS = 50

/** Milliseconds: longer than knowledge stays fresh without a word from the store. */
const WATCHED = 15_000
/**
 * A check is given up after 400 ms, whatever it waits for. The longest wait here is 250, so that it comes to that only
 * where the machine lets the process stand still; then it is asked again, but not often.
 */
const GIVEN_UP = '503 internal'
const STALLS = 10
/** Milliseconds between two rounds of questions. */
const PACE = 100
/** Keys that nobody has used yet, enough for a new one each time. */
const UNUSED = 300
const ALL = Object.keys(CLIENTS) as readonly Client[]
/** All but the one that is no longer what it was once it has asked. */
const KNOWN = ALL.filter((client) => client !== 'unused')

let turn: Promise<unknown> = Promise.resolve()

/** Stores are filled and services started one after the other: two cores would let them miss their deadlines. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = turn.then(work)
  turn = done.catch(() => {})
  return done
}

/** Makes the store of a fault. */
export type Injector = () => Promise<Broken>

/** Lets a fault happen to a real service, and shows that what the table says of it is so. */
export async function show(name: FaultName, injector: Injector): Promise<void> {
  const fault: Fault = FAULTS[name]
  const broken = await inTurn(injector)
  try {
    const [cast, stand] = await inTurn(async () => {
      const made = await Cast.make(broken)
      if (broken.early === true) await broken.strike()
      const store = `{ ${broken.store}, maxStale: ${MAX_STALE}ms, deadline: 250ms }`
      return [made, await Stand.start({ store, user: broken.user ?? null })] as const
    })
    try {
      await play(fault, broken, cast, stand)
    } catch (problem) {
      throw new Error(`${name}: ${problem instanceof Error ? problem.message : problem}\n${stand.errors}`, {
        cause: problem,
      })
    } finally {
      expect(await stand.stop()).toBe(0)
    }
  } finally {
    await broken.close()
  }
}

async function play(fault: Fault, broken: Broken, cast: Cast, stand: Stand): Promise<void> {
  const during = SITUATIONS[fault.during].answers
  if (broken.early !== true) {
    await cast.reach(stand, SITUATIONS.whole.answers, KNOWN)
    await broken.strike()
  }
  const [others] = await Promise.all([
    stand.others(OTHERS),
    ...Array.from({ length: FIRST }, () => cast.first(stand, during)),
  ])
  expect(others).toBe(OTHERS)
  expect(await stand.ready()).toBe(true)
  if (fault.during === 'silent' || fault.during === 'full') await cast.insist(stand)
  if (broken.brief !== true) await LASTING[fault.during]?.(cast, stand, during)
  expect(await stand.others(OTHERS)).toBe(OTHERS)

  await broken.heal()
  await cast.reach(stand, SITUATIONS[fault.after].answers, ALL)
  expect(await stand.metric('postern_store_up')).toBe(1)
  const missing = () => fault.events.filter((name) => !stand.events.some(({ event }) => event === name))
  await holds(() => missing().length === 0, `the log tells ${fault.events.join(', ')}`)
  await cast.settle(stand, fault)
}

type Lasting = (cast: Cast, stand: Stand, during: Answers) => Promise<void>

/** A store that is silent on and on: what is known of it grows old. */
const silent: Lasting = async (cast, stand) => {
  await cast.reach(stand, SITUATIONS.longSilent.answers, ALL)
  expect(await stand.metric('postern_revocations_age_seconds')).toBeGreaterThan(10)
  await cast.reach(stand, SITUATIONS.tooLong.answers, ALL)
}

/** What a fault leads to when it lasts, by what it leads to at once. */
const LASTING: Readonly<Partial<Record<SituationName, Lasting>>> = {
  silent,
  full: (cast, stand, during) => cast.watch(stand, during),
  part: (cast, stand, during) => cast.watch(stand, during),
  home: (cast, stand) => cast.reach(stand, SITUATIONS.longSilent.answers, ['token', 'used', 'revoked']),
}

/** Everybody who asks. */
class Cast {
  readonly #used: Line
  readonly #unused: readonly Line[]
  readonly #token: Line
  readonly #revoked: Line
  /** Whose charges are counted exactly; while it is waited for something, others ask. */
  readonly #counted = someClient()
  #next = 0
  #stalls = 0
  #sent = 0
  #answered = 0

  static async make(broken: Broken): Promise<Cast> {
    const used = newKey()
    const unused = Array.from({ length: UNUSED }, newKey)
    await broken.seed([used.entry, ...unused.map(({ entry }) => entry), revoking('mallory')])
    const lines = unused.map(({ line }) => line)
    return new Cast(used.line, lines, await newToken('ann'), await newToken('mallory'))
  }

  private constructor(used: Line, unused: readonly Line[], token: Line, revoked: Line) {
    this.#used = used
    this.#unused = unused
    this.#token = token
    this.#revoked = revoked
  }

  /** Asks for some, all at once; each must get what the situation says. */
  async expect(stand: Stand, answers: Answers, clients: readonly Client[]): Promise<void> {
    const seen = await Promise.all(clients.map((client) => this.#ask(stand, client, this.#counted)))
    const texts = clients.map((client, index) => [client, seen[index]?.text])
    expect(Object.fromEntries(texts)).toEqual(
      Object.fromEntries(clients.map((client) => [client, answers[client]])),
    )
    for (const { waited } of seen) expect(waited).toBeLessThan(PROMPT)
  }

  /** Asks for all, while whether the answers of a store in parts are of one kind or the other is a matter of chance. */
  async first(stand: Stand, answers: Answers): Promise<void> {
    let rounds = 0
    if (Object.values(answers).some((text) => text.includes(' or ')))
      await this.#gather(stand, answers, (all) => ++rounds < 10 || (!all && rounds < 100))
    else await this.expect(stand, answers, ALL)
  }

  /** Asks on until the store is left alone. */
  async insist(stand: Stand): Promise<void> {
    const stranger = someClient()
    await holds(async () => {
      await Promise.all(ALL.map((client) => this.#ask(stand, client, stranger)))
      return (await stand.metric('postern_store_up')) === 0
    }, 'the store is left alone')
  }

  /** Asks on until each has got what the situation says. */
  async reach(stand: Stand, answers: Answers, clients: readonly Client[]): Promise<void> {
    const stranger = someClient()
    let seen: string[] = []
    const what = () => clients.map((client) => `${client} gets ${answers[client]}`).join(', ')
    try {
      await holds(async () => {
        seen = (await Promise.all(clients.map((client) => this.#ask(stand, client, stranger)))).map(
          ({ text }) => text,
        )
        return clients.every((client, index) => seen[index] === answers[client])
      }, what())
    } catch (problem) {
      throw new Error(`${(problem as Error).message}; last it was ${seen.join(', ')}`)
    }
  }

  /** Asks on for longer than knowledge stays fresh; nobody ever gets anything else. */
  async watch(stand: Stand, answers: Answers): Promise<void> {
    const end = performance.now() + WATCHED
    await this.#gather(stand, answers, () => performance.now() < end)
  }

  /** What was charged: at least all that was answered, at most all that was sent; nothing where counters were lost. */
  async settle(stand: Stand, { during, after }: Fault): Promise<void> {
    const sent = this.#sent
    const answered = this.#answered
    const last = await this.#ask(stand, 'local', this.#counted)
    const spent = BURST - (last.record.limits[0]?.remaining ?? 0) - 1
    expect(spent).toBeLessThanOrEqual(sent)
    if (after === 'whole' && during !== 'part') expect(spent).toBeGreaterThanOrEqual(answered)
  }

  /** Asks for strangers, one round after the other; together they get what stands in the table, and all of it. */
  async #gather(stand: Stand, answers: Answers, more: (all: boolean) => boolean): Promise<void> {
    const seen = ALL.map(() => new Set<string>())
    const texts = () => ALL.map((client, index) => [client, [...(seen[index] ?? [])].sort().join(' or ')])
    do {
      const stranger = someClient()
      const each = await Promise.all(ALL.map((client) => this.#ask(stand, client, stranger)))
      each.forEach(({ text }, index) => void seen[index]?.add(text))
      await delay(PACE)
    } while (more(texts().every(([client, text]) => answers[client as Client] === text)))
    expect(Object.fromEntries(texts())).toEqual(answers)
  }

  async #ask(stand: Stand, client: Client, address: string): Promise<Answered> {
    const answer = await this.#askOf(stand, client, address)
    if (client === 'local' && address === this.#counted) {
      this.#sent++
      if (!answer.record.degraded.includes('limits') && answer.text !== GIVEN_UP) this.#answered++
    }
    return answer.text === GIVEN_UP && this.#stalls++ < STALLS ? this.#ask(stand, client, address) : answer
  }

  #askOf(stand: Stand, client: Client, address: string): Promise<Answered> {
    if (client === 'used') return stand.ask('key', this.#used, address)
    if (client === 'unused') return stand.ask('key', this.#unused[this.#next++ % UNUSED] as Line, address)
    if (client === 'token') return stand.ask('token', this.#token, address)
    if (client === 'revoked') return stand.ask('token', this.#revoked, address)
    return stand.ask(client, null, address)
  }
}
