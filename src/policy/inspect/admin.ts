import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'

/** A listener that nobody may use, or users of a listener that is not there: one of both was forgotten. */
export function inspectAdmin({ admin, listen }: Draft, { tokens }: Names, report: Report): void {
  if (listen.admin !== undefined && tokens.size === 0)
    report(['listen', 'admin'], 'is for nobody: add a token under admin.tokens, as `postern token` prints it')
  if (admin !== undefined && listen.admin === undefined)
    report(['admin'], 'has no listener: add listen.admin, as in 127.0.0.1:8083')
  const seen = new Map<string, string>()
  for (const [name, { digest }] of Object.entries(admin?.tokens ?? {})) {
    const twin = seen.get(digest)
    if (twin !== undefined)
      report(
        ['admin', 'tokens', name, 'digest'],
        `is also the digest of \`${twin}\`: give every token its own`,
      )
    seen.set(digest, name)
  }
}
