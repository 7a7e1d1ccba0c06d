import type { Runtime } from '../../stores/contract.ts'
import { STORES } from '../../stores/index.ts'
import type { Draft } from '../draft.ts'
import type { Report } from '../inspect.ts'
import type { Names } from '../names.ts'

/** Where an admin API can be served: on a listener, by a Worker of its own, or for nobody. */
export function inspectAdmin(draft: Draft, { tokens }: Names, report: Report, runtime: Runtime | null): void {
  const { admin, listen, store } = draft
  const workers = runtime === 'workers' || (runtime === null && isForWorkers(draft))
  // A listener that nobody may use, or users of a listener that is not there: one of both was forgotten.
  if (listen.admin !== undefined && tokens.size === 0)
    report(['listen', 'admin'], 'is for nobody: add a token under admin.tokens, as `postern token` prints it')
  if (admin !== undefined && listen.admin === undefined && !workers)
    report(['admin'], 'has no listener: add listen.admin, as in 127.0.0.1:8083')
  if (runtime === 'workers' && tokens.size > 0 && store?.name === 'memory')
    report(
      ['admin'],
      'would change nothing: on Workers every isolate has a memory store of its own, so leave `store` out or share one',
    )
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

/** Whether a policy may well be meant for Workers, where nothing listens. */
function isForWorkers({ gateway, shield, store }: Draft): boolean {
  if (gateway !== undefined || shield !== undefined) return true
  return (
    store !== undefined &&
    store.name !== 'memory' &&
    STORES[store.name]?.runtimes.includes('workers') === true
  )
}
