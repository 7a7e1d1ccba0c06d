import { StoreFault } from '../contract.ts'

/** Requests in flight at once, and so connections: Node's fetch opens as many as it is asked for. */
export const LANES = 16

/** Calls that may wait for a lane. */
const MOST_WAITING = 4096

/** What calls that share a request may add up to: the service refuses more than 1 MB unless it is paid for. */
const MOST_COMMANDS = 256
const MOST_CHARACTERS = 256 * 1024

/** One command of a request. */
export interface Command {
  readonly verb: 'evalsha' | 'eval'
  /** A SHA-1 in hexadecimal, or the text. */
  readonly script: string
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/** One request. @returns an answer for each command, within a bounded time; rejects with a StoreFault */
export type Send<Answer> = (commands: readonly Command[]) => Promise<readonly Answer[]>

interface Waiting<Answer> {
  readonly commands: readonly Command[]
  /** Milliseconds of the clock after which nobody wants the answer. */
  readonly until: number
  readonly resolve: (answers: readonly Answer[]) => void
  readonly reject: (fault: StoreFault) => void
}

/**
 * Bounds how many requests are under way. A call goes out at once while a lane is free, alone in its request;
 * the calls that arrive while none is wait for the next one and share its request. So an idle store answers
 * as fast as it can, and a busy one is asked in fewer, larger requests instead of over more and more
 * connections.
 */
export class Lanes<Answer> {
  readonly #send: Send<Answer>
  readonly #clock: () => number
  readonly #patience: number
  #free: number
  #waiting: Waiting<Answer>[] = []

  /**
   * @param clock milliseconds that never step
   * @param patience milliseconds that a call may wait for its lane
   * @param lanes requests in flight at once
   */
  constructor(send: Send<Answer>, clock: () => number, patience: number, lanes: number = LANES) {
    this.#free = lanes
    this.#send = send
    this.#clock = clock
    this.#patience = patience
  }

  /** @returns one answer for each command, in their order; the commands of a call stay in one request */
  run(commands: readonly Command[]): Promise<readonly Answer[]> {
    if (this.#free > 0) return this.#occupy(commands)
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(new StoreFault('unavailable', 'too many calls wait for the store'))
    const until = this.#clock() + this.#patience
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commands, until, resolve, reject })
    })
  }

  async #occupy(commands: readonly Command[]): Promise<readonly Answer[]> {
    this.#free--
    try {
      return await this.#send(commands)
    } finally {
      this.#free++
      this.#next()
    }
  }

  #next(): void {
    const batch = this.#take()
    if (batch.length === 0) return
    this.#occupy(batch.flatMap(({ commands }) => commands)).then(
      (answers) => {
        let from = 0
        for (const { commands, resolve } of batch) {
          resolve(answers.slice(from, from + commands.length))
          from += commands.length
        }
      },
      (fault: StoreFault) => {
        for (const { reject } of batch) reject(fault)
      },
    )
  }

  /** Those that waited longest, as many as one request takes. What comes too late is never sent. */
  #take(): Waiting<Answer>[] {
    const now = this.#clock()
    const batch: Waiting<Answer>[] = []
    let [taken, count, characters] = [0, 0, 0]
    for (const each of this.#waiting) {
      if (each.until > now) {
        count += each.commands.length
        characters += lengthOf(each.commands)
        if (batch.length > 0 && (count > MOST_COMMANDS || characters > MOST_CHARACTERS)) break
        batch.push(each)
      } else {
        each.reject(new StoreFault('unavailable', 'the call waited for its turn until it was too late'))
      }
      taken++
    }
    this.#waiting = this.#waiting.slice(taken)
    return batch
  }
}

function lengthOf(commands: readonly Command[]): number {
  let sum = 0
  for (const { script, keys, args } of commands) {
    sum += script.length
    for (const key of keys) sum += key.length
    for (const arg of args) sum += arg.length
  }
  return sum
}
