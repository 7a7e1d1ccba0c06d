import { dirname, resolve } from 'node:path'
import { storeOf } from '../../node/state.ts'
import type { Policy } from '../../policy/schema.ts'
import { nodeOutside } from '../../ports/node-outside.ts'
import { type Store, StoreFault } from '../../stores/contract.ts'
import { STORES } from '../../stores/index.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'

/** Milliseconds for a call: nobody waits behind a proxy here, and an import writes a thousand records at once. */
const DEADLINE = 30_000

/** The policy's store, opened beside whoever serves from it. @param file the policy, as it was given */
export async function openStore(policy: Policy, file: string, io: Io): Promise<Store> {
  const { name, options } = storeOf(policy)
  const type = STORES[name]
  if (type === undefined) throw new Error(`store ${name} is not in the registry`)
  if (!type.shared)
    throw new CommandFailure(
      1,
      `The store of ${file} is ${name}, which lives inside of the process that serves: ask that one with --admin URL, or take a store that lasts (store: { sqlite: ./postern.db })\n`,
    )
  const folder = dirname(resolve(io.cwd, file))
  const outside = {
    ...nodeOutside((event, details) => io.stderr.write(`${event} ${JSON.stringify(details)}\n`)),
    resolvePath: (path: string) => resolve(folder, path),
  }
  let store: Store | null = null
  try {
    store = await type.create(options, outside, DEADLINE)
    await store.open()
    return store
  } catch (error) {
    // A client that goes on trying to connect would keep the process from ending.
    await store?.close().catch(() => {})
    if (error instanceof StoreFault)
      throw new CommandFailure(1, `The store of ${file} cannot be used: ${error.message}\n`)
    throw error
  }
}
