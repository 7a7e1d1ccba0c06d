import type { Redis } from '@upstash/redis/cloudflare'
import { StoreFault, type StoreOutside } from '../contract.ts'
import type { Runner, Script, ScriptCall, ScriptReply } from '../scripted/runner.ts'
import { type Command, LANES, Lanes } from './lanes.ts'
import { type Answer, refusal, request } from './request.ts'

/** Milliseconds for the first request, which has to find and greet the server. Only a start waits for it. */
const OPENING = 5000

/**
 * Upstash locks the whole database for a script unless it says that its keys are enough; Redis refuses the
 * line. A body with the line has a SHA of its own.
 */
const KEY_LOCKING = '#!lua flags=allow-key-locking\n'

/** Shows in one request whether scripts run at all, with that line, and with the server's clock. */
const PROBES: readonly Command[] = ['return 1', `${KEY_LOCKING}return 1`, "return redis.call('TIME')"].map(
  (script) => ({ verb: 'eval', script, keys: [], args: [] }),
)

interface Prepared {
  /** SHA-1 of the text in hexadecimal. */
  readonly sha: string
  readonly text: string
}

/** Makes a client whose requests are given up when the signal says so. */
export type ClientFor = (signal: () => AbortSignal) => Redis

/**
 * Runs scripts through the REST API: each call of `run` is one HTTP request, and a second one only for
 * scripts that the server says it does not know.
 *
 * There is no messenger. The client's own subscriber says nothing when its stream ends, so that it cannot be
 * begun again, and prints to the console; nothing is lost but promptness, because every charge tells the
 * epoch.
 */
export class RestRunner implements Runner {
  readonly slotOf = null
  readonly messenger = null
  /** Microseconds since the epoch where the server's clock cannot be used in scripts; null: the server's. */
  clock: (() => number) | null = null
  readonly #outside: StoreOutside
  readonly #deadline: number
  readonly #client: Redis
  readonly #lanes: Lanes<Answer>
  readonly #prepared = new Map<Script, Prepared>()
  #closed = false
  #header = ''
  #patience = OPENING

  /** @param deadline milliseconds that a request may take */
  constructor(clientFor: ClientFor, outside: StoreOutside, deadline: number) {
    this.#outside = outside
    this.#deadline = deadline
    // The client asks for a signal with every request, in the turn in which it is given one.
    this.#client = clientFor(() => AbortSignal.timeout(this.#patience))
    // In a Worker a call that waits for another request's turn would be lost with that request.
    const lanes = outside.lasting ? LANES : Number.POSITIVE_INFINITY
    this.#lanes = new Lanes(
      (commands) => this.#request(commands, deadline),
      this.#milliseconds,
      deadline,
      lanes,
    )
  }

  async open(): Promise<void> {
    const [plain, locking, time] = await this.#request(PROBES, OPENING)
    if (plain === undefined || 'refused' in plain) throw refusal(plain?.refused ?? 'ERR')
    this.#header = locking !== undefined && 'reply' in locking ? KEY_LOCKING : ''
    this.clock = time !== undefined && isTime(time) ? null : () => this.#outside.now() * 1000
    this.#prepared.clear()
    this.#outside.report('upstash_scripts', {
      locks: this.#header === '' ? 'the whole database' : 'the keys of the script',
      clock:
        this.clock === null ? 'of the store' : 'of this instance: limits are as exact as the clocks agree',
    })
  }

  /** Idle connections are the runtime's to let go of; requests under way end by their deadline. */
  async close(): Promise<void> {
    this.#closed = true
  }

  async run(calls: readonly ScriptCall[]): Promise<readonly (ScriptReply | StoreFault)[]> {
    const start = this.#milliseconds()
    if (this.#closed) return calls.map(() => new StoreFault('unavailable', 'the store is closed'))
    try {
      const scripts = await this.#prepare(calls)
      const commands = calls.map(({ keys, args }, index): Command => {
        return { verb: 'evalsha', script: (scripts[index] as Prepared).sha, keys, args }
      })
      const answers = [...(await this.#lanes.run(commands))]
      const unknown = answers.flatMap((answer, index) => (isUnknown(answer) ? [index] : []))
      if (unknown.length > 0 && this.#milliseconds() - start < this.#deadline) {
        const again = unknown.map((index): Command => {
          return { ...(commands[index] as Command), verb: 'eval', script: (scripts[index] as Prepared).text }
        })
        for (const [at, answer] of (await this.#lanes.run(again)).entries())
          answers[unknown[at] as number] = answer
      }
      return answers.map((answer) => ('reply' in answer ? answer.reply : refusal(answer.refused)))
    } catch (fault) {
      if (fault instanceof StoreFault) return calls.map(() => fault)
      throw fault
    }
  }

  #request(commands: readonly Command[], patience: number): Promise<readonly Answer[]> {
    this.#patience = patience
    return request(this.#client, commands)
  }

  readonly #milliseconds = (): number => this.#outside.micros() / 1000

  async #prepare(calls: readonly ScriptCall[]): Promise<readonly Prepared[]> {
    for (const { script } of calls) {
      if (this.#prepared.has(script)) continue
      const text = this.#header + script.body
      this.#prepared.set(script, { text, sha: await sha1(text) })
    }
    return calls.map(({ script }) => this.#prepared.get(script) as Prepared)
  }
}

/** The server does not know the script, so that it was not executed. */
const isUnknown = (answer: Answer): boolean => 'refused' in answer && answer.refused === 'NOSCRIPT'

/** Seconds and microseconds, as the TIME command tells them. */
const isTime = (answer: Answer): boolean =>
  'reply' in answer &&
  Array.isArray(answer.reply) &&
  answer.reply.length === 2 &&
  answer.reply.every((part) => /^\d{1,16}$/.test(String(part)))

async function sha1(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
