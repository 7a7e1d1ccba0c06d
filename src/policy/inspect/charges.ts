import { suggestion } from '../../schema/problem.ts'
import type { Draft, DraftRoute } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { onlyStrangers } from './strangers.ts'

/** What a route charges: limits that exist, once each, at a cost that can be paid, by somebody who is known. */
export function inspectCharges(
  route: DraftRoute,
  limits: Draft['limits'],
  names: Names,
  report: Report,
): void {
  const seen = new Set<string>()
  for (const [index, { use, cost }] of route.limits.entries()) {
    const path = ['limits', index]
    if (!names.limits.has(use)) report(path, `\`${use}\` is not a limit: ${suggestion(use, names.limits)}`)
    if (seen.has(use))
      report(path, `\`${use}\` is charged twice: name it once, with a higher cost if you like`)
    seen.add(use)
    const limit = Object.hasOwn(limits, use) ? limits[use] : undefined
    const burst = limit?.burst ?? limit?.rate?.count ?? Number.POSITIVE_INFINITY
    if (cost > burst)
      report(
        path,
        `costs ${cost}, more than the burst of ${burst}, so no request would ever pass: lower the cost or raise the burst`,
      )
    const by = limit?.by ?? []
    if (onlyStrangers(route) && (by.includes('tenant') || by.includes('principal'))) {
      report(
        path,
        `\`${use}\` counts by ${by.join(' and ')}, and only strangers come in: count by client or route`,
      )
    }
  }
}
