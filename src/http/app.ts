import { type Context, Hono } from 'hono'
import type { Engine, Evidence, ProxyEntry } from '../core/engine.ts'
import type { Decision } from '../core/model.ts'
import { readPlace } from '../core/place.ts'
import { type Soon, whenKnown } from '../core/soon.ts'
import { PROXIES } from '../proxies/index.ts'
import { Judgement, type JudgeOptions, refusal } from './judgement.ts'
import { notFound, unavailable } from './respond.ts'
import { traceIdOf } from './trace-parent.ts'

/** What a runtime knows of a check that Hono does not tell. */
export interface Surroundings extends Evidence {
  /** The request target as it arrived, path and query: Hono's own path is decoded and resolved. */
  readonly target: string
}

/** What the check endpoint needs from whoever runs it. Nothing in here belongs to one runtime. */
export interface AppOptions extends JudgeOptions {
  /** The engine in force: another one after a reload. */
  engine(): Engine
  surroundings(context: Context): Surroundings
}

/**
 * The check endpoints, one for each contract, at exactly `/check/NAME`. The check's own method, query and Host say
 * nothing: some proxies fill them with what the client sent.
 */
export function createApp(options: AppOptions): Hono {
  const app = new Hono()
  for (const name of Object.keys(PROXIES)) {
    const path = `/check/${name}`
    app.all(path, (context) => {
      const surroundings = options.surroundings(context)
      const { target } = surroundings
      if (target !== path && !target.startsWith(`${path}?`)) return notFound()
      const engine = options.engine()
      const entry = engine.proxies.get(name)
      return entry === undefined
        ? notFound()
        : whenKnown(new Check(options, engine, entry, surroundings).run(), ({ response }) => response)
    })
  }
  app.notFound(notFound)
  // The last net, should even the record fail: nobody is let in without one.
  app.onError(unavailable)
  return app
}

/** One check on its way from a header to an answer. */
class Check extends Judgement {
  readonly #options: AppOptions
  readonly #engine: Engine
  readonly #entry: ProxyEntry
  readonly #surroundings: Surroundings
  #trusted = false

  constructor(options: AppOptions, engine: Engine, entry: ProxyEntry, surroundings: Surroundings) {
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
