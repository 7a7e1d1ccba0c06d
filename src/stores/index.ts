import type { Store } from '../core/model.ts'
import { type MemoryOutside, MemoryStore } from './memory.ts'

/** What stores ask of the runtime. */
export type StoreOutside = MemoryOutside

/** Every store, by the name under which a policy selects it. A new one is a file beside these and a line here. */
export const STORES: Readonly<Record<string, (outside: StoreOutside) => Store>> = {
  memory: (outside) => new MemoryStore(outside),
}
