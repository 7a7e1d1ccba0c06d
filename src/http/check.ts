import type { Engine, Evidence, ProxyEntry } from '../core/engine.ts'
import type { Decision } from '../core/model.ts'
import { readPlace } from '../core/place.ts'
import { type Soon, whenKnown } from '../core/soon.ts'
import type { Answer } from './answer.ts'
import { Judgement, type JudgeOptions, refusal } from './judgement.ts'
import { notFound } from './respond.ts'
import { traceIdOf } from './trace-parent.ts'

/** What a runtime knows of a check. */
export interface Surroundings extends Evidence {
  /** The request target as it arrived, path and query. */
  readonly target: string
}

/** What the check endpoints need from whoever runs them. Nothing in here belongs to one runtime. */
export interface CheckOptions extends JudgeOptions {
  /** The engine in force: another one after a reload. */
  engine(): Engine
}

const PREFIX = '/check/'

/**
 * Answers one check. The endpoints are one for each contract, at exactly `/check/NAME`. The check's own method, query
 * and Host say nothing: some proxies fill them with what the client sent.
 */
export function answerTo(surroundings: Surroundings, options: CheckOptions): Soon<Answer> {
  const { target } = surroundings
  const engine = options.engine()
  const entry = target.startsWith(PREFIX) ? engine.proxies.get(nameIn(target)) : undefined
  return entry === undefined
    ? notFound()
    : whenKnown(new Check(options, engine, entry, surroundings).run(), ({ answer }) => answer)
}

function nameIn(target: string): string {
  const query = target.indexOf('?')
  return target.slice(PREFIX.length, query < 0 ? undefined : query)
}

/** One check on its way from a header to an answer. */
class Check extends Judgement {
  readonly #options: CheckOptions
  readonly #engine: Engine
  readonly #entry: ProxyEntry
  readonly #surroundings: Surroundings
  #trusted = false

  constructor(options: CheckOptions, engine: Engine, entry: ProxyEntry, surroundings: Surroundings) {
    super(options, entry.adapter.name, entry.adapter)
    this.#options = options
    this.#engine = engine
    this.#entry = entry
    this.#surroundings = surroundings
  }

  /** Trust comes first: of a stranger's check nothing is read but what would prove that it is none. */
  protected override decide(): Soon<Decision> {
    const { peer, headers } = this.#surroundings
    const { adapter, place } = this.#entry
    if (!this.#entry.trusts(this.#surroundings)) {
      return refusal('proxy_untrusted', `peer ${peer?.text ?? 'unknown'}`)
    }
    this.#trusted = true
    const reading = adapter.read(headers)
    if (!reading.ok) return refusal('request_malformed', `${reading.field} is ${reading.problem}`)
    const request =
      place === null ? reading.request : { ...reading.request, place: readPlace(place, headers) }
    return this.#options.decide(request, this.#engine, this.#options.ports)
  }

  protected override trace(): string | null {
    return this.#trusted ? traceIdOf(this.#surroundings.headers) : null
  }
}
