import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import type { Decision } from '../core/model.ts'
import type { KeySetFigures } from '../credentials/contract.ts'
import type { RecordFacts } from './record.ts'
import { registerState, type StateFigures } from './state-metrics.ts'
import { DurationTally, Tallies, type Tally } from './tallies.ts'

/** Figures that others keep and that are read when somebody asks for metrics. */
export interface MetricSources {
  /** By credential type, one row per issuer. */
  keySets(): Iterable<KeySetFigures>
  /** Buckets that the limiter holds now; null where that takes a trip. */
  limiterSize(): number | null
  /** Of the shared state. */
  state(): StateFigures
  /** Audit lines that could not be written. */
  linesDropped(): number
  reloads(): { readonly applied: number; readonly refused: number }
  /** Whether the process is leaving. */
  draining(): boolean
}

/** Metrics as values, for another process to add up. */
export type MetricObjects = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/**
 * What `/metrics` shows. Nothing is handed to prom-client while checks run, because its `inc` costs more than the
 * rest of the record: we count, and it reads the counts when somebody asks. No label holds an identity, an address
 * or anything else that a caller chooses.
 *
 * Figures of several workers are added up unless `aggregator` says otherwise: `max` or `min` of what all of them know,
 * `omit` where the primary knows better.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #decisions = new Tallies()
  readonly #durations = new DurationTally()

  constructor(sources: MetricSources) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    const tallies = this.#decisions
    new Counter({
      name: 'postern_decisions_total',
      help: 'Decisions by verdict, reason (empty on an allow), route (empty when none matched) and proxy.',
      labelNames: ['verdict', 'reason', 'route', 'proxy'],
      registers,
      collect() {
        this.reset()
        for (const { count, ...labels } of tallies.all()) this.inc(labels, count)
      },
    })
    this.#registry.registerMetric(histogramOf(this.#durations))
    new Gauge({
      name: 'postern_key_set_age_seconds',
      help: "Seconds since an issuer's keys were last fetched; absent before the first time.",
      labelNames: ['issuer'],
      aggregator: 'max',
      registers,
      collect() {
        this.reset()
        for (const { variant, age } of sources.keySets()) if (age !== null) this.set({ issuer: variant }, age)
      },
    })
    new Counter({
      name: 'postern_key_set_fetches_total',
      help: "Fetches of an issuer's keys by result.",
      labelNames: ['issuer', 'result'],
      registers,
      collect() {
        this.reset()
        for (const { variant, fetches, failures } of sources.keySets()) {
          this.inc({ issuer: variant, result: 'good' }, Math.max(0, fetches - failures))
          this.inc({ issuer: variant, result: 'failed' }, failures)
        }
      },
    })
    new Gauge({
      name: 'postern_limiter_buckets',
      help: 'Buckets that the limiter holds.',
      aggregator: 'max',
      registers,
      collect() {
        const size = sources.limiterSize()
        if (size === null) this.remove()
        else this.set(size)
      },
    })
    registerState(registers, () => sources.state())
    new Counter({
      name: 'postern_audit_lines_dropped_total',
      help: 'Audit lines that could not be written because standard output was closed or too slow.',
      registers,
      collect() {
        this.reset()
        this.inc(sources.linesDropped())
      },
    })
    new Counter({
      name: 'postern_policy_reloads_total',
      help: 'Attempts to reload the policy by result.',
      labelNames: ['result'],
      aggregator: 'omit',
      registers,
      collect() {
        this.reset()
        const { applied, refused } = sources.reloads()
        this.inc({ result: 'applied' }, applied)
        this.inc({ result: 'refused' }, refused)
      },
    })
    new Gauge({
      name: 'postern_draining',
      help: '1 while the process finishes what is under way before it exits.',
      aggregator: 'omit',
      registers,
      collect() {
        this.set(sources.draining() ? 1 : 0)
      },
    })
  }

  /** Counts one decision. */
  count(decision: Decision, facts: RecordFacts): void {
    this.#decisions.count(decision.verdict, decision.reason, decision.route, facts.proxy)
    this.#durations.observe(facts.duration)
  }

  /** Every decision counted so far, for whoever wants them as values. */
  decisions(): readonly Tally[] {
    return this.#decisions.all()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  values(): Promise<MetricObjects> {
    return this.#registry.getMetricsAsJSON()
  }
}

/** Our own buckets in the form in which a registry reads a metric. */
function histogramOf(tally: DurationTally): Metric {
  const name = 'postern_decision_duration_seconds'
  const histogram = {
    name,
    get: async () => ({
      name,
      help: 'Time from the arrival of a check to its answer.',
      type: 'histogram',
      aggregator: 'sum',
      values: [
        ...tally
          .cumulative()
          .map(({ le, count }) => ({ metricName: `${name}_bucket`, labels: { le }, value: count })),
        { metricName: `${name}_sum`, labels: {}, value: tally.seconds },
        { metricName: `${name}_count`, labels: {}, value: tally.total },
      ],
    }),
  }
  // prom-client types only its own classes, while its registry asks no more of a metric than `name` and `get`.
  return histogram as unknown as Metric
}
