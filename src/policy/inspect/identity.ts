import { CREDENTIALS } from '../../credentials/index.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'
import { sectionOf } from '../sections.ts'

/** Headers that a hop-by-hop rule would strip, that frame a message, or that proxies and clients own. */
const TAKEN =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-.*|authorization|cookie|set-cookie|www-authenticate|x-forwarded-.*|forwarded|via|x-real-ip|x-original-.*|x-postern-.*|expect|date|server|range|if-.*|accept.*|user-agent|origin|referer|retry-after|ratelimit.*|cache-control|location|sec-.*|access-control-.*)$/i

export function inspectIdentity(policy: Draft, _: Names, report: Report): void {
  const seen = new Map<string, string>()
  for (const type of CREDENTIALS) {
    const section = sectionOf(policy, type)
    if (section === undefined) continue
    for (const place of type.places(section)) seen.set(place.toLowerCase(), `the ${type.type} credential`)
  }
  for (const [field, name] of Object.entries(policy.identity.headers)) {
    const path = ['identity', 'headers', field]
    const lower = name.toLowerCase()
    if (TAKEN.test(name))
      report(
        path,
        `is \`${name}\`, which proxies strip or use themselves: write a name of your own, as in X-Auth-User`,
      )
    else if (/[^A-Za-z0-9-]/.test(name))
      report(
        path,
        `is \`${name}\`, which proxies drop or take for another name: use letters, digits and hyphens`,
      )
    const other = seen.get(lower)
    if (other !== undefined)
      report(path, `is \`${name}\`, which is also used for ${other}: give each its own`)
    seen.set(lower, `identity.headers.${field}`)
  }
}
