import { Counter, Gauge, type Registry } from 'prom-client'

/** What the shared state lets metrics see. */
export interface StateFigures {
  readonly store: {
    readonly state: string
    readonly opened: number
    readonly failures: number
    readonly timeouts: number
  }
  readonly knowledge: { readonly revocations: number; readonly bans: number; readonly age: number }
  /** Notices between instances; null where none are sent. */
  readonly notices: {
    readonly sent: number
    readonly heard: number
    readonly failed: number
    readonly dropped: Readonly<Record<string, number>>
  } | null
}

/** How the shared state fares. */
export function registerState(registers: Registry[], figures: () => StateFigures): void {
  new Gauge({
    name: 'postern_store_up',
    help: '1 while the store answers, 0 while it is left alone because it does not, or tried with a single call.',
    aggregator: 'min',
    registers,
    collect() {
      this.set(figures().store.state === 'closed' ? 1 : 0)
    },
  })
  new Counter({
    name: 'postern_store_failures_total',
    help: 'Calls to the store without an answer: in time (timeout), or at all (unavailable).',
    labelNames: ['cause'],
    registers,
    collect() {
      this.reset()
      const { failures, timeouts } = figures().store
      this.inc({ cause: 'timeout' }, timeouts)
      this.inc({ cause: 'unavailable' }, failures - timeouts)
    },
  })
  new Gauge({
    name: 'postern_revocations_age_seconds',
    help: 'Seconds since the store last confirmed the revocations and keys that are known here; absent before the first time.',
    aggregator: 'max',
    registers,
    collect() {
      const { age } = figures().knowledge
      if (Number.isFinite(age)) this.set(age / 1000)
      else this.remove()
    },
  })
  new Gauge({
    name: 'postern_revocations',
    help: 'Revocations in force.',
    aggregator: 'max',
    registers,
    collect() {
      this.set(figures().knowledge.revocations)
    },
  })
  new Gauge({
    name: 'postern_bans',
    help: 'Bans that are known here.',
    aggregator: 'max',
    registers,
    collect() {
      this.set(figures().knowledge.bans)
    },
  })
  new Counter({
    name: 'postern_notices_total',
    help: 'Notices between instances: sent, heard, failed to be sent, and dropped with the cause.',
    labelNames: ['result', 'cause'],
    registers,
    collect() {
      this.reset()
      const { notices } = figures()
      if (notices === null) return
      const { sent, heard, failed, dropped } = notices
      this.inc({ result: 'sent', cause: '' }, sent)
      this.inc({ result: 'heard', cause: '' }, heard)
      this.inc({ result: 'failed', cause: '' }, failed)
      for (const [cause, count] of Object.entries(dropped)) this.inc({ result: 'dropped', cause }, count)
    },
  })
}
