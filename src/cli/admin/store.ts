import { existsSync } from 'node:fs'
import { EMBEDDED, storeOf, typeOf } from '../../node/state.ts'
import type { Policy } from '../../policy/schema.ts'
import { type Store, StoreFault } from '../../stores/contract.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'
import { outsideOf, pathsOf } from '../outside.ts'
import { TOKEN_VARIABLE } from './options.ts'

/** Milliseconds for a call: nobody waits behind a proxy here, and an import writes a thousand records at once. */
const DEADLINE = 30_000

/** How what a deployment holds is managed. */
const THERE = `ask the admin Worker with --admin URL, its token in ${TOKEN_VARIABLE}`

/** The policy's store, opened beside whoever serves from it. @param file the policy, as it was given */
export async function openStore(policy: Policy, file: string, io: Io): Promise<Store> {
  const { name, options } = storeOf(policy)
  const type = typeOf(name)
  if (!type.runtimes.includes('node'))
    throw new CommandFailure(1, `The store of ${file} is ${name}, which Workers alone can reach: ${THERE}\n`)
  if (policy.store === undefined && (policy.gateway !== undefined || policy.shield !== undefined))
    throw new CommandFailure(
      1,
      `${file} is for Workers, whose store they alone can reach unless the policy names another one: ${THERE}\n`,
    )
  if (!type.shared)
    throw new CommandFailure(
      1,
      `The store of ${file} is ${name}, which lives inside of the process that serves: ask that one with --admin URL, or take a store that lasts (store: { sqlite: ./postern.db })\n`,
    )
  const outside = { ...outsideOf(io), resolvePath: pathsOf(file, io) }
  if (policy.store === undefined && !existsSync(outside.resolvePath(EMBEDDED)))
    io.stderr.write(
      `${file} names no store: ${EMBEDDED} beside it is begun, as for serve. For what Workers hold, ${THERE}\n`,
    )
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
