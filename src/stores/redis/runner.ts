import { createHash } from 'node:crypto'
import type { Messenger, StoreFault } from '../contract.ts'
import type { Runner, Script, ScriptCall, ScriptReply } from '../scripted/runner.ts'
import type { Carrier } from './carrier.ts'
import { Refusal, refused } from './fault.ts'

const SHAS = new WeakMap<Script, string>()

function shaOf(script: Script): string {
  let sha = SHAS.get(script)
  if (sha === undefined) {
    sha = createHash('sha1').update(script.body).digest('hex')
    SHAS.set(script, sha)
  }
  return sha
}

/** Runs scripts by their digest; a server that does not know one gets its text, once. */
export class RedisRunner implements Runner {
  readonly slotOf: Runner['slotOf']
  readonly messenger: Messenger
  readonly #carrier: Carrier
  readonly #channels: Messenger & { close(): Promise<void> }
  readonly #survey: () => Promise<void>

  /** @param survey looks at the servers once they are connected */
  constructor(
    carrier: Carrier,
    channels: Messenger & { close(): Promise<void> },
    survey: () => Promise<void>,
  ) {
    this.#survey = survey
    this.slotOf = carrier.slotOf
    this.messenger = channels
    this.#carrier = carrier
    this.#channels = channels
  }

  async run(calls: readonly ScriptCall[]): Promise<readonly (ScriptReply | StoreFault)[]> {
    const [only] = calls
    if (calls.length === 1 && only !== undefined) return [await this.#evaluate(only)]
    return Promise.all(calls.map((call) => this.#evaluate(call)))
  }

  async open(): Promise<void> {
    await this.#carrier.open()
    await this.#survey()
  }

  async close(): Promise<void> {
    await Promise.all([this.#channels.close(), this.#carrier.close()])
  }

  async #evaluate({ script, keys, args }: ScriptCall): Promise<ScriptReply | StoreFault> {
    const [key = null] = keys
    const rest = [String(keys.length), ...keys, ...args]
    let answer = await this.#carrier.send(key, ['EVALSHA', shaOf(script), ...rest])
    if (answer instanceof Refusal && answer.code === 'NOSCRIPT')
      answer = await this.#carrier.send(key, ['EVAL', script.body, ...rest])
    return answer instanceof Refusal ? refused(answer) : answer
  }
}
