import { nodeOutside } from '../../src/ports/node-outside.ts'
import { type GuardedStore, guarded } from '../../src/state/guard.ts'
import type { Store } from '../../src/stores/contract.ts'
import { STORES } from '../../src/stores/index.ts'

/** Milliseconds: a busy machine is no reason to end the bench. */
const PATIENCE = 5000

/** A store as a service holds it. */
export async function openStore(name: string, options: unknown): Promise<GuardedStore> {
  const type = STORES[name]
  if (type === undefined) throw new Error(`no store ${name}`)
  const outside = { ...nodeOutside(() => {}), resolvePath: (path: string) => path }
  const store: Store = await type.create(type.schema.parse(options), outside, PATIENCE)
  await store.open()
  const guard = { deadline: PATIENCE, ticks: () => performance.now(), random: Math.random, report: () => {} }
  return guarded(store, guard)
}
