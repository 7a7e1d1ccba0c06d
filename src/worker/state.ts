import { factsOf } from '../admin/policy-facts.ts'
import { textOf } from '../policy/places.ts'
import type { Policy } from '../policy/schema.ts'
import type { WorkerOutside } from '../ports/worker-outside.ts'
import { State } from '../state/state.ts'
import { StoreFault } from '../stores/contract.ts'
import { MemoryStore } from '../stores/memory.ts'
import { WORKER_STORES } from './stores.ts'

/** Buckets that an isolate counts by itself while its store does not answer: an isolate has 128 MB in all. */
const LOCAL = 2 ** 16

/** Milliseconds for which a key that was looked up is good while the store does not answer, unless the policy says. */
const MAX_STALE = 60_000

/**
 * Holds the shared state as a policy wants it. Nothing is opened yet: `keepUp` does that, as part of requests.
 * @param deadline milliseconds for what no decision waits for; by default what the policy says of decisions
 */
export function makeState(policy: Policy, outside: WorkerOutside, deadline?: number): Promise<State> {
  const { store } = policy
  const name = store?.name ?? 'durableObject'
  const type = WORKER_STORES[name]
  if (type === undefined)
    throw new Error(`store ${name} was compiled for Workers and is not in their registry`)
  const options = store?.options ?? type.schema.parse(type.bare)
  // What stands behind references could not be looked at before.
  const problems: string[] = []
  type.inspect?.(
    options,
    (path, message) => void problems.push(`${textOf(['store', name, ...path])}: ${message}`),
  )
  if (problems.length > 0) return Promise.reject(new StoreFault('unavailable', problems.join('; ')))
  return State.make(
    {
      type,
      options,
      deadline: deadline ?? store?.deadline ?? type.deadline,
      maxStale: store?.maxStale ?? MAX_STALE,
      // No store that a Worker can use carries notices: each charge tells of changes, and so does a look now and then.
      noticeKeys: [],
      peppers: new Map(factsOf(policy).apiKeys?.peppers),
    },
    new MemoryStore(outside, LOCAL),
    { ...outside, ticks: () => performance.now() },
  )
}
