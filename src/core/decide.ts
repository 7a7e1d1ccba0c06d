import type { Address } from './address.ts'
import { authenticate } from './authenticate.ts'
import { canonicalise, preflightMethod } from './canonical.ts'
import { type Bill, charge, furtherLimits, recall, refund, together } from './charge.ts'
import { admits, type Engine, type Route } from './engine.ts'
import {
  type BucketCharge,
  chargesOf,
  type LimitUse,
  needsTenant,
  type Quota,
  type Subject,
} from './limit.ts'
import type { Selection } from './match.ts'
import type {
  Authentication,
  CanonicalRequest,
  Challenge,
  Counters,
  CredentialRequest,
  Decision,
  Degradation,
  ForwardedRequest,
  HeaderLines,
  Ports,
  Principal,
} from './model.ts'
import { readPath } from './path.ts'
import { REASONS, type Reason } from './reasons.ts'
import { unmet } from './roles.ts'
import { type Soon, whenKnown } from './soon.ts'

/** Milliseconds after which a decision no longer waits for anybody; every proxy is more patient than that. */
export const PATIENCE = 350

/**
 * Decides one request, step by step, no step reading what a later one writes: canonical form, bans, route, what is
 * known without cryptography, credentials, requirements, limits. Whatever throws in here is a denial to the caller.
 * @returns the decision at once where nothing has to be waited for (docs/adr/0006)
 */
export function decide(request: ForwardedRequest, engine: Engine, ports: Ports): Soon<Decision> {
  const now = ports.now()
  const { knowledge, trace } = ports

  const { request: canonical, problem } = canonicalise(request, engine)
  const draft = new Draft(request.headers, canonical, now, engine, ports)
  trace?.('request', problem ?? describe(canonical))
  if (problem !== null) return draft.deny({ reason: 'request_malformed', cause: problem })

  const { client } = canonical
  if (client !== null && knowledge.banned(client, now) && engine.penalty?.never?.has(client) !== true) {
    trace?.('bans', 'the client is banned')
    return draft.deny({ reason: 'client_banned' })
  }

  const intruder = engine.identity.intruder(request.headers)
  trace?.(
    'headers',
    intruder === null ? 'none stands for an identity header' : `${intruder} stands for one of ours`,
  )
  if (intruder !== null) return draft.deny({ reason: 'header_alias', cause: intruder.slice(0, 64) })

  const selected = selectRoute(request, canonical, engine, ports)
  if ('reason' in selected) return draft.deny(selected)
  const { route, parameters, preflight } = selected
  draft.select(route)

  const exhausted = recall(draft.due, engine, ports)
  trace?.(
    'known limits',
    exhausted === null ? 'none is known to be used up' : `${exhausted.limit.name} is used up`,
  )
  if (exhausted !== null) return draft.deny({ reason: 'limit_exceeded' }, [exhausted])

  const outside = exclusion(route, request.headers, canonical)
  trace?.('networks', outside ?? 'the client may use the route')
  if (outside !== null) return draft.deny({ reason: outside })

  if (preflight) {
    trace?.('preflight', 'passes without a credential')
    return draft.settle({ principal: null, identity: engine.identity.nobody, further: [] })
  }

  const judge = () => {
    draft.judged(knowledge.epoch)
    return authorise(route, parameters, draft, engine, ports)
  }
  return whenKnown(knowledge.behind(null) ? knowledge.catchUp(PATIENCE) : undefined, () =>
    whenKnown(judge(), (found) => draft.settle(found, judge)),
  )
}

/** A denial in the making: the reason, and what caller and record need beside it. */
interface Refusal {
  readonly reason: Reason
  readonly principal?: Principal
  readonly challenge?: Challenge
  readonly cause?: unknown
}

/** Who may pass, as far as limits allow. */
interface Admission {
  readonly principal: Principal | null
  readonly identity: Readonly<Record<string, string>>
  /** Limits due beside those of the client. */
  readonly further: readonly LimitUse[]
}

type Authorised = Admission | Refusal

/** Credentials, revocation and requirements: everything about a request but what it may spend. */
function authorise(
  route: Route,
  parameters: Readonly<Record<string, string>>,
  draft: Draft,
  engine: Engine,
  { knowledge, trace }: Ports,
): Soon<Authorised> {
  return whenKnown(authenticate(route, draft, trace), (found): Authorised => {
    if (found.is !== 'accepted') return refusalOf(found)
    const { principal } = found
    const revoked = knowledge.revoked(principal)
    if (revoked !== false) {
      trace?.('revocation', revoked ? 'the credential was revoked' : 'the store has never answered')
      return { reason: revoked ? 'credential_revoked' : 'revocations_unavailable', principal }
    }
    const { grant, identity } = engine.standings.of(principal)
    const missing = unmet(route.require, principal, grant, parameters, draft.now)
    trace?.('requirements', missing ?? 'all met')
    if (missing !== null) return { reason: missing, principal, challenge: challengeOf(route) }

    const further = furtherLimits(route, principal)
    if (principal.tenant === null && further.some(({ limit }) => needsTenant(limit))) {
      return { reason: 'tenant_missing', principal }
    }
    if (identity === null) return { reason: 'identity_too_large', principal }
    return { principal, identity, further }
  })
}

/** Milliseconds that have to be left for another question to the store. */
const SPARE = 100

/** A store that is not asked any more. */
const SILENT: Counters = {
  charge: (charges) => ({
    charged: charges.map(() => null),
    epoch: null,
    cause: 'no time was left to ask the store again',
  }),
  size: () => null,
}

const NOTHING: readonly Degradation[] = Object.freeze([])

/** What is known of a decision while it is being made; what authenticators see of the check. */
class Draft implements CredentialRequest {
  readonly headers: HeaderLines
  readonly client: Address | null
  readonly now: number
  readonly deadline: number
  /** What is due whoever the client turns out to be. */
  due: readonly BucketCharge[] = []
  readonly #request: CanonicalRequest
  readonly #engine: Engine
  readonly #ports: Ports
  #route: Route | null = null
  #degraded: readonly Degradation[] = NOTHING
  /** The charge of `due`, when it was sent ahead. */
  #early: Soon<Bill> | null = null
  #settling = false
  /** What was known of the store's changes when the request was judged. */
  #judgedAt = -1

  constructor(headers: HeaderLines, request: CanonicalRequest, now: number, engine: Engine, ports: Ports) {
    this.headers = headers
    this.client = request.client
    this.now = now
    this.deadline = now + PATIENCE
    this.#request = request
    this.#engine = engine
    this.#ports = ports
  }

  select(route: Route): void {
    this.#route = route
    this.due = chargesOf(route.clientLimits, this.#subject(null))
  }

  judged(epoch: number): void {
    this.#judgedAt = epoch
  }

  /** What the client owes in any case shares the trip of whatever else is asked of the store. */
  asking(): void {
    if (this.#early === null && !this.#settling) this.#early = charge(this.due, this.#engine, this.#ports)
  }

  degraded(what: Degradation): void {
    if (!this.#degraded.includes(what)) this.#degraded = [...this.#degraded, what].sort()
  }

  deny({ reason, principal, challenge, cause }: Refusal, quotas: readonly Quota[] = []): Decision {
    return this.#decision(reason, principal ?? null, null, quotas, challenge ?? null, cause)
  }

  /**
   * Charges and decides. A refused request still costs its client, or credentials could be guessed for nothing. When
   * the store tells of changes that were not known as the request was judged (they may have become known since), it is
   * judged again, without another charge.
   */
  settle(found: Authorised, again?: () => Soon<Authorised>): Soon<Decision> {
    this.#settling = true
    const { knowledge } = this.#ports
    return whenKnown(this.#pay(found), (bill) => {
      if (bill.degraded) this.degraded('limits')
      const behind = bill.epoch !== null && knowledge.behind(bill.epoch)
      if (again === undefined || (!behind && knowledge.epoch === this.#judgedAt)) {
        return this.#conclude(found, bill)
      }
      return whenKnown(behind ? knowledge.catchUp(this.#left()) : undefined, () => {
        this.#ports.trace?.('changes', 'the store holds changes that were not known here: judged again')
        return whenKnown(again(), (second) => this.#conclude(second, bill))
      })
    })
  }

  #conclude(found: Authorised, bill: Bill): Decision {
    if (this.#ports.knowledge.stale()) this.degraded('revocations')
    if (bill.reason !== null) {
      const { principal, cause } = { cause: bill.cause, ...found }
      return this.#decision(bill.reason, principal ?? null, null, bill.quotas, null, cause)
    }
    if ('reason' in found) return this.deny(found, bill.quotas)
    return this.#decision(null, found.principal, found.identity, bill.quotas, null, undefined)
  }

  #pay(found: Authorised): Soon<Bill> {
    if ('reason' in found) return this.#payRefused(found)
    const { further, principal } = found
    const more = further.length === 0 ? [] : chargesOf(further, this.#subject(principal))
    if (this.#early === null) {
      const all = more.length === 0 ? this.due : [...this.due, ...more]
      return charge(all, this.#engine, this.#ports)
    }
    return whenKnown(this.#early, (first) => {
      if (first.reason !== null || more.length === 0) return first
      // A first trip that took long leaves no time for a second one: each limit says what then holds.
      const ports = this.#left() < SPARE ? { ...this.#ports, counters: SILENT } : this.#ports
      return whenKnown(charge(more, this.#engine, ports), (second) => {
        if (second.reason !== null) refund(this.due, this.#ports)
        return together(first, second)
      })
    })
  }

  /** What somebody pays who is not let in; who presents what was never good is a step nearer to a ban. */
  #payRefused({ reason }: Refusal): Soon<Bill> {
    const { penalty } = this.#engine
    const { client } = this
    const suspect =
      REASONS[reason].guess === true &&
      penalty !== null &&
      client !== null &&
      penalty.never?.has(client) !== true
    if (!suspect) return this.#early ?? charge(this.due, this.#engine, this.#ports)
    const failures = chargesOf([penalty.use], this.#subject(null))
    const counted = (bill: Bill): Bill => {
      const exhausted = bill.quotas.some(({ limit, ok }) => limit === penalty.use.limit && !ok)
      if (exhausted) this.#ports.knowledge.guessed(client, penalty)
      const quotas = bill.quotas.filter(({ limit }) => limit !== penalty.use.limit)
      const spent = quotas.some(({ ok }) => !ok)
      return { ...bill, quotas, reason: exhausted && !spent ? null : bill.reason }
    }
    if (this.#early === null)
      return whenKnown(charge([...this.due, ...failures], this.#engine, this.#ports), counted)
    return whenKnown(this.#early, (first) =>
      first.reason !== null
        ? first
        : whenKnown(charge(failures, this.#engine, this.#ports), (second) =>
            counted(together(first, second)),
          ),
    )
  }

  /** Milliseconds that are left of the decision's patience. */
  #left(): number {
    return Math.min(PATIENCE, Math.max(0, this.deadline - this.#ports.now()))
  }

  #subject(principal: Principal | null): Subject {
    return { client: this.client, principal, route: this.#route?.name ?? '' }
  }

  #decision(
    reason: Reason | null,
    principal: Principal | null,
    identity: Decision['identity'],
    quotas: readonly Quota[],
    challenge: Challenge | null,
    cause: unknown,
  ): Decision {
    return {
      verdict: reason === null ? 'allow' : 'deny',
      reason,
      route: this.#route?.name ?? null,
      principal,
      identity,
      quotas,
      degraded: this.#degraded,
      request: this.#request,
      challenge,
      cause,
    }
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
