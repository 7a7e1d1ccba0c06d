import type { Path } from '../../schema/problem.ts'
import type { Report } from '../inspect.ts'

/** Reports what stands in a list twice: what is meant is something else, or a part of it will be forgotten one day. */
export function inspectLists(data: unknown, report: Report, path: Path = []): void {
  if (typeof data !== 'object' || data === null) return
  if (!Array.isArray(data)) {
    for (const [key, value] of Object.entries(data)) inspectLists(value, report, [...path, key])
    return
  }
  const seen = new Set<unknown>()
  for (const [index, item] of data.entries()) {
    if (typeof item === 'object') inspectLists(item, report, [...path, index])
    else if (item !== undefined && seen.has(item))
      report([...path, index], 'stands in the list twice: name it once')
    seen.add(item)
  }
}
