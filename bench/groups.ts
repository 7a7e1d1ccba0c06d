import { nodeFigures } from './node.ts'
import type { Group } from './plan.ts'
import { storeFigures } from './stores/rows.ts'
import { traefikFigures } from './traefik/index.ts'
import { workerFigures } from './workers.ts'

/** Everything that `npm run bench` measures, in the order in which it does. */
export const GROUPS: Readonly<Record<string, Group>> = {
  node: nodeFigures,
  traefik: traefikFigures,
  stores: storeFigures,
  workers: workerFigures,
}
