import { AggregatorRegistry, type Registry } from 'prom-client'
import type { MetricObjects } from '../http/metrics.ts'

/** Adds up what workers count. What a dead worker had counted stays in the sum, or a counter would go back. */
export class Sums {
  #retired: Promise<readonly MetricObjects[]> = Promise.resolve([])

  /** Keeps the counts of a worker that is gone. */
  retire(last: MetricObjects): void {
    const counts = last.filter(isCount)
    this.#retired = this.#retired.then(async (before) => [
      await registryOf([...before, counts]).getMetricsAsJSON(),
    ])
  }

  /**
   * All metrics as Prometheus reads them.
   * @param live of workers that have answered just now
   * @param silent the last known of those that have not: their counts stand, their gauges say nothing any more
   */
  async text(live: MetricObjects, silent: MetricObjects): Promise<string> {
    return registryOf([live, silent.filter(isCount), ...(await this.#retired)]).metrics()
  }
}

/** Whether it only ever grows, and adds up. */
const isCount = ({ type, aggregator }: MetricObjects[number]): boolean =>
  aggregator === 'sum' && (String(type) === 'counter' || String(type) === 'histogram')

const registryOf = (metrics: readonly MetricObjects[]): Registry => AggregatorRegistry.aggregate([...metrics])
