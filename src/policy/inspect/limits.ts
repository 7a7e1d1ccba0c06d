import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import { intervalOf } from '../limit.ts'
import type { Names } from '../names.ts'

/** Microseconds. Beyond this a bucket's time to full leaves what a store can keep exactly. */
const LONGEST = 400 * 86_400 * 1_000_000

export function inspectLimits({ limits }: Draft, _: Names, report: Report): void {
  for (const [name, { rate, burst }] of Object.entries(limits)) {
    if (rate === undefined) continue
    if (rate.count > rate.window)
      report(['limits', name, 'rate'], 'is more than one a microsecond: write 1000000/second or less')
    else if (intervalOf(rate) * (burst ?? rate.count) > LONGEST) {
      report(
        ['limits', name, burst === undefined ? 'rate' : 'burst'],
        'takes more than 400 days to refill: write a smaller burst or a higher rate',
      )
    }
  }
}
