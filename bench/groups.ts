import { growthFigures } from './growth/index.ts'
import { nodeFigures } from './node.ts'
import { otherFigures } from './others/index.ts'
import type { Group } from './plan.ts'
import { storeFigures } from './stores/index.ts'
import { traefikFigures } from './traefik/index.ts'
import { workerFigures } from './workers.ts'

/** A part of the benchmark, and where it runs. */
export interface Part {
  readonly run: Group
  /** Whether all of it shares one processor. What is told in time that passes has all of them. */
  readonly pinned: boolean
  /** Whether its figures come with an account of where the time of a warm decision goes. */
  readonly accounted?: true
}

/** Everything that `npm run bench` measures, in the order in which it does. */
export const GROUPS: Readonly<Record<string, Part>> = {
  node: { run: nodeFigures, pinned: true, accounted: true },
  others: { run: otherFigures, pinned: true },
  traefik: { run: traefikFigures, pinned: false },
  growth: { run: growthFigures, pinned: false },
  stores: { run: storeFigures, pinned: true },
  workers: { run: workerFigures, pinned: true },
}
