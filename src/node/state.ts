import { performance } from 'node:perf_hooks'
import { type ApiKeysSection, apiKey } from '../credentials/api-key.ts'
import type { Policy, StorePolicy } from '../policy/schema.ts'
import { policySchema } from '../policy/schema.ts'
import { sectionOf } from '../policy/sections.ts'
import type { NodeOutside } from '../ports/node-outside.ts'
import { secretOf } from '../schema/secret.ts'
import { State, type StateOutside } from '../state/state.ts'
import { STORES } from '../stores/index.ts'
import { MemoryStore } from '../stores/memory.ts'

/** Where state is kept on Node when the policy does not say: a file beside the policy. */
const embedded = (): StorePolicy => policySchema.shape.store.unwrap().parse({ sqlite: './postern.db' })

/** The store that a policy chooses on Node. */
export const storeOf = ({ store }: Policy): StorePolicy => store ?? embedded()

/** Holds the shared state as a policy wants it. @throws {StoreFault} see State.open */
export function openState(
  policy: Policy,
  outside: NodeOutside,
  resolvePath: (path: string) => string,
): Promise<State> {
  const { name, options, deadline, maxStale, messages } = storeOf(policy)
  const type = STORES[name]
  if (type === undefined) throw new Error(`store ${name} passed inspection but is not in the registry`)
  const stateOutside: StateOutside = { ...outside, ticks: () => performance.now(), resolvePath }
  const choice = {
    type,
    options,
    deadline: deadline ?? type.deadline,
    maxStale,
    noticeKeys: Object.entries(messages?.keys ?? {}).map(([version, key]) => ({
      version,
      secret: secretOf(key),
    })),
    peppers: peppersOf(policy),
  }
  return State.open(choice, new MemoryStore(outside), stateOutside)
}

/** The peppers of a policy, by version; the last one signs. */
export function peppersOf(policy: Policy): ReadonlyMap<string, string> {
  // The registry forgets the sections' types; this one belongs to API keys.
  const section = sectionOf(policy, apiKey) as ApiKeysSection | undefined
  return new Map(
    Object.entries(section?.peppers ?? {}).map(([version, pepper]) => [version, secretOf(pepper)]),
  )
}
