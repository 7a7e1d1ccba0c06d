import { performance } from 'node:perf_hooks'
import { factsOf } from '../admin/policy-facts.ts'
import { type Policy, policySchema, type StorePolicy } from '../policy/schema.ts'
import type { NodeOutside } from '../ports/node-outside.ts'
import { secretOf } from '../schema/secret.ts'
import { State, type StateOutside } from '../state/state.ts'
import type { StoreType } from '../stores/contract.ts'
import { STORES } from '../stores/index.ts'
import { MemoryStore } from '../stores/memory.ts'

/** Where state is kept on Node when the policy does not say: a file beside the policy. */
export const EMBEDDED = './postern.db'

const embedded = (): StorePolicy => policySchema.shape.store.unwrap().parse({ sqlite: EMBEDDED })

/** The store that a policy chooses on Node. */
export const storeOf = ({ store }: Policy): StorePolicy => store ?? embedded()

/** The store of a name that has passed inspection. */
export function typeOf(name: string): StoreType {
  const type = STORES[name]
  if (type === undefined) throw new Error(`store ${name} passed inspection but is not in the registry`)
  return type
}

/** Holds the shared state as a policy wants it. @throws {StoreFault} see State.open */
export function openState(
  policy: Policy,
  outside: NodeOutside,
  resolvePath: (path: string) => string,
): Promise<State> {
  const { name, options, deadline, maxStale, messages } = storeOf(policy)
  const type = typeOf(name)
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
    peppers: new Map(factsOf(policy).apiKeys?.peppers),
  }
  return State.open(choice, new MemoryStore(outside), stateOutside)
}
