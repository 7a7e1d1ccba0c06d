/** What the soak itself has done to the service, and when: the times by which the oracle judges. */
import type { Version } from './policy.ts'

/** A request and its answer as the client saw them; milliseconds since the epoch. */
export interface Span {
  readonly sent: number
  readonly answered: number
}

/** Whether something held while a request was under way: surely, surely not, or nobody can say. */
export type Held = 'yes' | 'no' | 'maybe'

/** A change that was asked for at one time and confirmed at another. Null: not confirmed. */
export interface Change {
  readonly asked: number
  done: number | null
}

/** The time in which the store was away. */
export interface Outage {
  readonly from: number
  /** When the server took connections again. */
  up: number | null
  /** When the service said that it works with the store again. */
  healed: number | null
  readonly emptied: boolean
  /** Whether the service said so of a store that nobody had taken away. */
  readonly mistaken: boolean
}

/** Milliseconds for which answers of a healed outage may still be under way. */
const AFTERMATH = 1500
/** Milliseconds in which an emptied store is noticed where nothing is charged: documented as ten seconds. */
const NOTICED = 10_000

/** A ban by the operator: from when to when it is asked to hold. */
export interface Ban {
  readonly imposed: Change
  readonly lifted: Change | null
  readonly milliseconds: number
}

export class World {
  /** Processes that decide: what one of them was told, the others may hear later. */
  readonly workers: number
  readonly outages: Outage[] = []
  readonly #versions: { readonly to: Version; readonly change: Change }[] = []
  readonly #revocations = new Map<string, { readonly before: number; readonly change: Change }[]>()

  constructor(workers: number) {
    this.workers = workers
  }

  /** Whether the store was away, as far as a request can have met it. */
  away({ sent, answered }: Span): boolean {
    return this.outages.some(
      ({ from, healed }) => answered >= from && (healed === null || sent <= healed + AFTERMATH),
    )
  }

  /** Milliseconds for which the store was there and not worked with: what is then excused is owed to the service. */
  excused(now: number): number {
    return this.outages.reduce(
      (sum, { from, up, healed, mistaken }) =>
        sum + (healed ?? now) - (mistaken ? from : (up ?? healed ?? now)),
      0,
    )
  }

  /** Whether a change had taken hold before, during or after a request. */
  held({ asked, done }: Change, span: Span): Held {
    if (span.answered < asked) return 'no'
    if (done === null) return 'maybe'
    return span.sent >= this.#known(asked, done) ? 'yes' : 'maybe'
  }

  /** When every process knows of what one of them has confirmed. */
  #known(asked: number, done: number): number {
    const known = this.workers === 1 ? done : done + NOTICED
    // What the store took just before it went may be read back only when it has returned, also by who wrote it.
    const late = this.outages.filter(({ from, healed }) => from <= known && (healed ?? known) >= asked)
    return late.reduce(
      (at, { healed }) => Math.max(at, (healed ?? Number.POSITIVE_INFINITY) + NOTICED),
      known,
    )
  }

  switching(to: Version, change: Change): void {
    this.#versions.push({ to, change })
  }

  /** The versions of the policy that may have been in force. */
  versions(span: Span): readonly Version[] {
    let possible: readonly Version[] = ['A']
    for (const { to, change } of this.#versions) {
      const held = this.held(change, span)
      if (held === 'no') break
      possible = held === 'yes' ? [to] : [...possible, to]
    }
    return possible
  }

  /** @param whose issuer and kind and value, as `revocationOf` writes them @param before seconds since the epoch */
  revoking(whose: string, before: number, change: Change): void {
    const all = this.#revocations.get(whose) ?? []
    this.#revocations.set(whose, [...all.slice(-19), { before, change }])
  }

  /** Whether something that was issued at `iat` (seconds) was withdrawn. */
  revoked(whose: string, iat: number, span: Span): Held {
    let answer: Held = 'no'
    for (const { before, change } of this.#revocations.get(whose) ?? []) {
      if (iat > before) continue
      const held = this.held(change, span)
      if (held === 'yes') return 'yes'
      if (held === 'maybe') answer = 'maybe'
    }
    return answer
  }

  /** Whether a key that was confirmed at `made` had been lost with the store's contents. */
  lost(made: number, { sent, answered }: Span): Held {
    let answer: Held = 'no'
    for (const { from, healed, emptied } of this.outages) {
      // What was confirmed while the server was going down is as good as lost.
      if (!emptied || made > (healed ?? Number.POSITIVE_INFINITY) || answered < from) continue
      if (healed !== null && made < from && sent > healed + NOTICED) return 'yes'
      answer = 'maybe'
    }
    return answer
  }

  /** Whether a ban held. */
  banned({ imposed, lifted, milliseconds }: Ban, span: Span): Held {
    const begun = this.held(imposed, span)
    if (begun === 'no') return 'no'
    const last = (imposed.done ?? imposed.asked + 30_000) + milliseconds
    if (span.sent > last) return 'no'
    if (lifted !== null) {
      const over = this.held(lifted, span)
      if (over === 'yes') return 'no'
      if (over === 'maybe') return 'maybe'
    }
    return begun === 'yes' && span.answered < imposed.asked + milliseconds ? 'yes' : 'maybe'
  }
}

/** Names what a revocation withdraws. */
export const revocationOf = (issuer: string, kind: 'subject' | 'token' | 'session', value: string): string =>
  `${issuer} ${kind} ${value}`
