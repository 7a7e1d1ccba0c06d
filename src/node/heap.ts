import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Bytes of the young generation from which it may not grow any more: with less, checks take longer. */
const YOUNG = 32 * 2 ** 20

/**
 * Percent of what lives by which the old generation may grow before it is collected: with 20, tokens that came for the
 * first time took a quarter longer.
 */
const OLD = 100

/**
 * Keeps V8 from taking several times what lives. A flood of strangers, none of whom comes twice, makes it widen the
 * young generation to 128 MiB, and leave as much garbage in the old one as there is life in it; both stay for good. V8
 * reads these two settings whenever it is about to grow, so that they can be given to a process that runs, while a
 * largest size can only be given when it starts, by whoever starts it.
 */
export function boundHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${OLD}`)
  // Collections are the moments at which it grows.
  const observer = new PerformanceObserver(() => {
    if (youngSize() < YOUNG) return
    setFlagsFromString('--semi-space-growth-factor=1')
    observer.disconnect()
  })
  observer.observe({ entryTypes: ['gc'] })
}

const youngSize = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
