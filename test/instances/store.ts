/** The store that the instances of a suite share, from outside of them: as the admin API of another one has it. */
import { nodeOutside } from '../../src/ports/node-outside.ts'
import type { Store } from '../../src/stores/contract.ts'
import { createRedis, redis } from '../../src/stores/redis.ts'

export async function openRedis(url: string): Promise<Store> {
  const settings = redis.schema.parse({ url }) as Parameters<typeof createRedis>[0]
  const store = await createRedis(settings, { ...nodeOutside(() => {}), resolvePath: (path) => path }, null)
  await store.open()
  return store
}
