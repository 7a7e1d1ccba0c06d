import { CREDENTIALS } from '../../credentials/index.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { sectionOf } from '../sections.ts'

export function inspectCredentials(policy: Draft, { roles, limits }: Names, report: Report): void {
  const places = new Map<string, string>()
  for (const type of CREDENTIALS) {
    const section = sectionOf(policy, type)
    if (type.section === null || section === undefined) continue
    const { name } = type.section
    type.inspect(section, { roles, limits, problem: (path, message) => report([name, ...path], message) })
    for (const place of type.places(section)) {
      // A scheme within a header does not make two places of it: what one type refuses the other would have to read.
      const header = place.toLowerCase().replace(/:.*$/, '')
      const other = places.get(header)
      if (other !== undefined) {
        report(
          [name, 'header'],
          `is a place that \`${other}\` credentials are read from: give ${type.type} a header of its own`,
        )
      }
      places.set(header, type.type)
    }
  }
}
