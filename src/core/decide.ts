import { authenticate } from './authenticate.ts'
import { canonicalise, preflightMethod } from './canonical.ts'
import { charge, furtherLimits, recall } from './charge.ts'
import { admits, type Engine, type Route } from './engine.ts'
import { type BucketCharge, chargesOf, needsTenant, type Quota, type Subject } from './limit.ts'
import type { Selection } from './match.ts'
import type {
  Authentication,
  CanonicalRequest,
  Challenge,
  Decision,
  ForwardedRequest,
  HeaderLines,
  Ports,
  Principal,
} from './model.ts'
import { readPath } from './path.ts'
import type { Reason } from './reasons.ts'
import { unmet } from './roles.ts'
import { type Soon, whenKnown } from './soon.ts'

/** Milliseconds after which a decision no longer waits for anybody; every proxy is more patient than that. */
export const PATIENCE = 350

/**
 * Decides one request, step by step, no step reading what a later one writes: canonical form, route, what is known
 * without cryptography, credentials, requirements, limits. Whatever throws in here is a denial to the caller.
 * @returns the decision at once where nothing has to be waited for (docs/adr/0006)
 */
export function decide(request: ForwardedRequest, engine: Engine, ports: Ports): Soon<Decision> {
  const now = ports.now()
  const { trace } = ports

  const { request: canonical, problem } = canonicalise(request, engine)
  const draft = new Draft(canonical, engine, ports)
  trace?.('request', problem ?? describe(canonical))
  if (problem !== null) return draft.deny({ reason: 'request_malformed', cause: problem })

  const intruder = engine.identity.intruder(request.headers)
  trace?.(
    'headers',
    intruder === null ? 'none stands for an identity header' : `${intruder} stands for one of ours`,
  )
  if (intruder !== null) return draft.deny({ reason: 'header_alias', cause: intruder.slice(0, 64) })

  const selected = selectRoute(request, canonical, engine, ports)
  if ('reason' in selected) return draft.deny(selected)
  const { route, parameters, preflight } = selected
  draft.route = route
  draft.due = chargesOf(route.clientLimits, draft.subject())

  const exhausted = recall(draft.due, engine, ports)
  trace?.(
    'known limits',
    exhausted === null ? 'none is known to be used up' : `${exhausted.limit.name} is used up`,
  )
  if (exhausted !== null) {
    draft.quotas = [exhausted]
    return draft.deny({ reason: 'limit_exceeded' })
  }

  const outside = exclusion(route, request.headers, canonical)
  trace?.('networks', outside ?? 'the client may use the route')
  if (outside !== null) return draft.deny({ reason: outside })

  if (preflight) {
    trace?.('preflight', 'passes without a credential')
    return draft.settle(engine.identity.nobody)
  }

  const credentials = { headers: request.headers, client: canonical.client, now, deadline: now + PATIENCE }
  return whenKnown(authenticate(route, credentials, trace), (found) => {
    if (found.is !== 'accepted') return draft.refuse(refusalOf(found))
    const { principal } = found
    draft.principal = principal

    const { grant, identity } = engine.standings.of(principal)
    const missing = unmet(route.require, principal, grant, parameters, now)
    trace?.('requirements', missing ?? 'all met')
    if (missing !== null) return draft.refuse({ reason: missing, challenge: challengeOf(route) })

    const further = furtherLimits(route, principal)
    if (principal.tenant === null && further.some(({ limit }) => needsTenant(limit))) {
      return draft.refuse({ reason: 'tenant_missing' })
    }
    if (identity === null) return draft.refuse({ reason: 'identity_too_large' })
    if (further.length > 0) draft.due = [...draft.due, ...chargesOf(further, draft.subject())]
    return draft.settle(identity)
  })
}

/** A denial in the making: the reason, and what caller and record need beside it. */
interface Refusal {
  readonly reason: Reason
  readonly challenge?: Challenge
  readonly cause?: unknown
}

const allOk = (quotas: readonly Quota[]): boolean => quotas.every(({ ok }) => ok)

/** What is known of a decision while it is being made. */
class Draft {
  route: Route | null = null
  principal: Principal | null = null
  /** What is to be charged when the decision is made: at first the client's limits alone. */
  due: readonly BucketCharge[] = []
  quotas: readonly Quota[] = []
  readonly #request: CanonicalRequest
  readonly #engine: Engine
  readonly #ports: Ports

  constructor(request: CanonicalRequest, engine: Engine, ports: Ports) {
    this.#request = request
    this.#engine = engine
    this.#ports = ports
  }

  subject(): Subject {
    return { client: this.#request.client, principal: this.principal, route: this.route?.name ?? '' }
  }

  deny({ reason, challenge = undefined, cause }: Refusal): Decision {
    return this.#decision('deny', reason, null, challenge ?? null, cause)
  }

  /** A refused request still costs its client, or credentials could be guessed for nothing. */
  refuse(refusal: Refusal): Soon<Decision> {
    return this.#charged((ok) => this.deny(ok ? refusal : { reason: 'limit_exceeded' }))
  }

  /** Allows, unless a limit has something against it. */
  settle(identity: Readonly<Record<string, string>>): Soon<Decision> {
    return this.#charged((ok) =>
      ok ? this.#decision('allow', null, identity, null, undefined) : this.deny({ reason: 'limit_exceeded' }),
    )
  }

  #charged(decide: (ok: boolean) => Decision): Soon<Decision> {
    return whenKnown(charge(this.due, this.#engine, this.#ports), (quotas) => {
      this.quotas = quotas
      return decide(allOk(quotas))
    })
  }

  #decision(
    verdict: Decision['verdict'],
    reason: Reason | null,
    identity: Decision['identity'],
    challenge: Challenge | null,
    cause: unknown,
  ): Decision {
    const { principal, quotas } = this
    const route = this.route?.name ?? null
    return { verdict, reason, route, principal, identity, quotas, request: this.#request, challenge, cause }
  }
}

const describe = ({ method, scheme, host, path, client }: CanonicalRequest): string =>
  `${method} ${scheme}://${host}${path} from ${client?.text ?? 'an unknown client'}`

type Selected = (Selection<Route> & { readonly preflight: boolean }) | Refusal

/** The route that all readings of the path select; for a real preflight, that of the method it asks for. */
function selectRoute(
  request: ForwardedRequest,
  canonical: CanonicalRequest,
  engine: Engine,
  { trace }: Ports,
): Selected {
  const judged = readPath(canonical.path)
  if (!judged.ok) {
    trace?.('path', judged.why)
    return { reason: judged.reason, cause: judged.why }
  }
  for (const { text, how } of judged.readings)
    trace?.('reading', `${text.replaceAll('\u0001', '%2F')} (${how})`)
  const wanted = preflightMethod(request)
  if (wanted !== null) {
    const selected = engine.routes.select(canonical.host, wanted, judged.readings)
    if (selected.ok && selected.selection?.route.preflight === true) {
      trace?.('route', selected.selection.route.name)
      return { ...selected.selection, preflight: true }
    }
  }
  const selected = engine.routes.select(canonical.host, canonical.method, judged.readings)
  if (!selected.ok) {
    trace?.('route', `${selected.why} (${selected.reading.how})`)
    return { reason: 'path_ambiguous', cause: selected.why }
  }
  trace?.('route', selected.selection?.route.name ?? 'none matches')
  if (selected.selection === null) return { reason: 'route_missing' }
  return { ...selected.selection, preflight: false }
}

/** Why the client may not use the route whatever it presents. */
function exclusion(route: Route, headers: HeaderLines, { client }: CanonicalRequest): Reason | null {
  if (!admits(route.networks, client)) return 'network_denied'
  const { origins } = route
  if (origins === null || headers.lines('origin').every((origin) => origins.has(origin))) return null
  return 'origin_denied'
}

function refusalOf(found: Exclude<Authentication, { is: 'accepted' }>): Refusal {
  if (found.is === 'absent') return { reason: 'credential_missing' }
  return { reason: found.reason, cause: found.is === 'unavailable' ? found.cause : undefined }
}

function challengeOf({ require: { authentication, scopes } }: Route): Challenge {
  return {
    scopes: scopes.length > 0 ? scopes : null,
    contexts: authentication !== null && authentication.contexts.length > 0 ? authentication.contexts : null,
    maxAge: authentication?.within == null ? null : Math.floor(authentication.within / 1000),
  }
}
