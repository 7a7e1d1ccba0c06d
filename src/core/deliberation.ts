import type { Address } from './address.ts'
import type { Authorised, Refusal } from './authorise.ts'
import { type Bill, charge, refund, together } from './charge.ts'
import type { Engine, Route } from './engine.ts'
import { type BucketCharge, chargesOf, type Quota, type Subject } from './limit.ts'
import type {
  CanonicalRequest,
  Challenge,
  Counters,
  CredentialRequest,
  Decision,
  Degradation,
  HeaderLines,
  Ports,
  Principal,
} from './model.ts'
import { REASONS, type Reason } from './reasons.ts'
import { type Soon, whenKnown } from './soon.ts'

/** Milliseconds after which a decision no longer waits for anybody; every proxy is more patient than that. */
export const PATIENCE = 350

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
export class Deliberation implements CredentialRequest {
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
        // Of what this instance counted by itself there is nothing to give back to the store.
        if (second.reason !== null && !first.degraded) refund(this.due, this.#ports)
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
