/** Attackers before a gate: requests that are sent to a port, and what they make an upstream behind it receive. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Received, Upstream } from '../e2e/upstream.ts'
import { type Answer, exchange, type Line, requestBytes } from '../e2e/wire.ts'
import { type Attack, type Attempt, attemptsIn, titled } from './attack.ts'
import { CLASSES } from './catalogue.ts'
import { linesOf, shown, type Telling, wrongs } from './stage.ts'

/** Milliseconds after which nobody waits for an answer: to a whole request, and to what may be half of one. */
const PATIENCE = { whole: 5000, bytes: 500 }

/** What stands before an upstream. */
export interface Gate {
  readonly port: number
  readonly upstream: Upstream
  /** A line that every request needs there. */
  readonly line?: Line
  /** How the upstream is told of a request. */
  readonly telling?: Telling
}

export class Siege {
  /** Every answer, as text. */
  readonly answers: string[] = []
  readonly #gate: Gate
  #judged: number

  constructor(gate: Gate) {
    this.#gate = gate
    this.#judged = gate.upstream.received.length
  }

  /** Sends bytes as they are; null when there was no answer in time. */
  async send(bytes: string, patience = PATIENCE.whole): Promise<Answer | null> {
    const { port, line } = this.#gate
    const all = line === undefined ? bytes : bytes.replace(/\r?\n/, `$&${line.join(': ')}\r\n`)
    const abort = new AbortController()
    const late = delay(patience, null, { signal: abort.signal }).catch(() => null)
    const answer = await Promise.race([exchange(port, all).catch(() => null), late])
    abort.abort()
    if (answer !== null) this.answers.push(JSON.stringify([answer.lines, answer.body]))
    return answer
  }

  /** What has arrived since the last time somebody asked. */
  arrived(): readonly Received[] {
    const { received } = this.#gate.upstream
    const fresh = received.slice(this.#judged)
    this.#judged = received.length
    return fresh
  }

  /** Makes the attempts of one attack; what is wrong with what they made the upstream receive. */
  async attempt(attempts: readonly Attempt[]): Promise<string[]> {
    const found: string[] = []
    const note = (attempt: Attempt, answer: Answer | null): void => {
      const problems = this.#flaws(attempt, this.arrived(), answer)
      if (problems.length > 0) found.push(`${problems.join('; ')}: ${shown(attempt)}`)
    }
    for (const attempt of attempts.filter(({ bytes }) => bytes === undefined)) {
      const bytes = bytesOf(attempt)
      let answer = await this.send(bytes)
      // No time to judge, as on a busy machine; nobody is let in by that.
      for (let tries = 0; isLate(answer) && attempt.status === 200 && tries < 5; tries++)
        answer = await this.send(bytes)
      note(attempt, answer)
    }
    // Half requests are waited for together, and what arrives is judged as one.
    for (const arrives of ['nothing', 'harmless', undefined] as const) {
      const alike = attempts.filter((each) => each.bytes !== undefined && each.arrives === arrives)
      await Promise.all(alike.map((attempt) => this.send(bytesOf(attempt), PATIENCE.bytes)))
      if (alike[0] !== undefined) note(alike[0], null)
    }
    return found
  }

  #flaws(attempt: Attempt, received: readonly Received[], answer: Answer | null): string[] {
    const { status, caller = 'nobody', arrives = status === 200 ? 'harmless' : 'nothing' } = attempt
    const found: string[] = []
    if (arrives === 'nothing' && received.length > 0) found.push(`${received[0]?.start} arrived`)
    if (status === 200 && attempt.arrives === undefined && received.length !== 1)
      found.push(`${received.length} arrived, and ${answer?.status} came back`)
    for (const one of received) found.push(...wrongs(one, caller, this.#gate.telling))
    if (received.length === 0 && answer?.body.startsWith('upstream')) found.push('an answer of the upstream')
    return found
  }
}

const isLate = (answer: Answer | null): boolean => (answer?.status ?? 500) >= 500

function bytesOf(attempt: Attempt): string {
  const { bytes, method, host, target = '/', from } = attempt
  if (bytes !== undefined) return bytes
  const claimed: Line[] = from === undefined ? [] : [['X-Forwarded-For', from]]
  return requestBytes(target, {
    ...(method === undefined ? {} : { method }),
    ...(host === undefined ? {} : { host }),
    headers: [...claimed, ...linesOf(attempt)],
  })
}

/**
 * A test for each attack that is tried through proxies.
 * @param adapted what an attempt is at this gate; null where it cannot be made
 */
export function besiege(
  siege: () => Siege,
  adapted: (attempt: Attempt, attack: Attack) => Attempt | null = (attempt) => attempt,
): void {
  for (const { name, attacks } of CLASSES) {
    const tried = attacks.flatMap((attack) => {
      const attempts = attemptsIn(attack, 'proxies').flatMap((attempt) => adapted(attempt, attack) ?? [])
      return attempts.length === 0 ? [] : [{ attempts, title: titled(attack, `${attempts.length} requests`) }]
    })
    if (tried.length === 0) continue
    describe(name, () => {
      it.each(tried)('$title', async ({ attempts }) => {
        const found = await siege().attempt(attempts)
        expect(found.slice(0, 20), `${found.length} of ${attempts.length}`).toEqual([])
      })
    })
  }
}
