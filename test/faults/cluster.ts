/** What may happen to a Redis Cluster of three nodes. */
import type { FaultName } from '../../scripts/outcomes.ts'
import { slotOf } from '../../src/stores/redis/slot.ts'
import { RedisCluster, type RedisServer } from '../support/redis.ts'
import type { Broken, Injector } from './scenario.ts'
import { seed } from './stand.ts'

/** Of keys, revocations and their epoch. */
const HOME = slotOf('{postern}:epoch:access')

const cluster =
  (
    strike: (cluster: RedisCluster) => Promise<unknown>,
    heal: (cluster: RedisCluster) => Promise<unknown>,
  ): Injector =>
  async (): Promise<Broken> => {
    const nodes = await RedisCluster.start()
    const store = `redis: { cluster: ${JSON.stringify(nodes.urls)} }`
    return {
      store,
      seed: (entries) => seed(`{ ${store} }`, entries),
      strike: async () => void (await strike(nodes)),
      heal: async () => void (await heal(nodes)),
      close: () => nodes.stop(),
    }
  }

const home = (nodes: RedisCluster): RedisServer => nodes.at(HOME)
const another = (nodes: RedisCluster): RedisServer =>
  nodes.nodes.find((node) => node !== home(nodes)) as RedisServer

/** Moves every slot that holds something from one node to another, key by key, as a rebalancing would. */
async function move(from: RedisServer, to: RedisServer): Promise<void> {
  const [source, target] = (await Promise.all(
    [from, to].map(async (node) => String(await node.command('CLUSTER', 'MYID'))),
  )) as [string, string]
  const keys = (await from.command('KEYS', '*')) as string[]
  for (const slot of new Set(keys.map(slotOf))) {
    await to.command('CLUSTER', 'SETSLOT', `${slot}`, 'IMPORTING', source)
    await from.command('CLUSTER', 'SETSLOT', `${slot}`, 'MIGRATING', target)
    for (const key of keys.filter((each) => slotOf(each) === slot))
      await from.command('MIGRATE', '127.0.0.1', `${to.port}`, key, '0', '5000')
    for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', `${slot}`, 'NODE', target)
  }
}

export const CLUSTER = {
  'cluster-node': cluster(
    (nodes) => another(nodes).kill(),
    (nodes) => another(nodes).start(),
  ),
  'cluster-home': cluster(
    (nodes) => home(nodes).kill(),
    (nodes) => home(nodes).start(),
  ),
  'cluster-slots': cluster(
    async (nodes) => {
      const [first, second, third] = nodes.nodes as [RedisServer, RedisServer, RedisServer]
      await move(first, second)
      await move(second, third)
    },
    (nodes) => move(nodes.nodes[2] as RedisServer, nodes.nodes[0] as RedisServer),
  ),
} satisfies Partial<Record<FaultName, Injector>>
