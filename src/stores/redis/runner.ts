import type { Messenger, StoreFault } from '../contract.ts'
import type { Runner, Script, ScriptCall, ScriptReply } from '../scripted/runner.ts'
import type { Carrier } from './carrier.ts'
import { Refusal, refused } from './fault.ts'

/** Runs scripts by their digest; a server that does not know one gets its text, once. */
export class RedisRunner implements Runner {
  readonly slotOf: Runner['slotOf']
  readonly messenger: Messenger
  readonly #carrier: Carrier
  readonly #channels: Messenger & { close(): Promise<void> }
  readonly #survey: () => Promise<void>
  readonly #sha1: (text: string) => string
  readonly #digests = new Map<Script, string>()

  /**
   * @param survey looks at the servers once they are connected
   * @param sha1 the hexadecimal SHA-1 by which a server knows a script
   */
  constructor(
    carrier: Carrier,
    channels: Messenger & { close(): Promise<void> },
    survey: () => Promise<void>,
    sha1: (text: string) => string,
  ) {
    this.#sha1 = sha1
    this.#survey = survey
    this.slotOf = carrier.slotOf
    this.messenger = channels
    this.#carrier = carrier
    this.#channels = channels
  }

  run(calls: readonly ScriptCall[]): Promise<readonly (ScriptReply | StoreFault)[]> {
    const [only] = calls
    // The warm way: it spares a charge the promises that many calls need.
    if (calls.length === 1 && only !== undefined) return this.#evaluate(only).then((reply) => [reply])
    return Promise.all(calls.map((call) => this.#evaluate(call)))
  }

  async open(): Promise<void> {
    await this.#carrier.open()
    await this.#survey()
  }

  async close(): Promise<void> {
    await Promise.all([this.#channels.close(), this.#carrier.close()])
  }

  #evaluate({ script, keys, args }: ScriptCall): Promise<ScriptReply | StoreFault> {
    const [key = null] = keys
    const command = ['EVALSHA', this.#digestOf(script), String(keys.length)]
    for (const each of keys) command.push(each)
    for (const each of args) command.push(each)
    return this.#carrier.send(key, command).then((answer) => {
      if (!(answer instanceof Refusal)) return answer
      return answer.code === 'NOSCRIPT' ? this.#teach(script, key, command) : refused(answer)
    })
  }

  #digestOf(script: Script): string {
    let digest = this.#digests.get(script)
    if (digest === undefined) {
      digest = this.#sha1(script.body)
      this.#digests.set(script, digest)
    }
    return digest
  }

  /** The server does not know the script: the same with its text. */
  async #teach(
    script: Script,
    key: string | null,
    command: readonly string[],
  ): Promise<ScriptReply | StoreFault> {
    const answer = await this.#carrier.send(key, ['EVAL', script.body, ...command.slice(2)])
    return answer instanceof Refusal ? refused(answer) : answer
  }
}
