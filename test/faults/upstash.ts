/** What may happen to a Redis behind a REST API. */
import type { FaultName } from '../../scripts/outcomes.ts'
import { RedisServer } from '../support/redis.ts'
import { type Fault, faults, RestBridge } from '../support/rest-bridge.ts'
import { SECRETS } from './credentials.ts'
import type { Broken, Injector } from './scenario.ts'
import { seed } from './stand.ts'

const bridge =
  (fault: Fault, brief = true): Injector =>
  async (): Promise<Broken> => {
    const redis = await RedisServer.start()
    const rest = await RestBridge.start(redis.port, SECRETS.BRIDGE_TOKEN)
    const store = `upstash: { url: "${rest.url}", token: "\${BRIDGE_TOKEN}" }`
    return {
      brief,
      store,
      seed: (entries) => seed(`{ ${store} }`, entries),
      strike: async () => rest.inject(fault),
      heal: async () => rest.heal(),
      close: async () => {
        await rest.close()
        await redis.stop()
      },
    }
  }

export const UPSTASH = {
  'upstash-hangs': bridge(faults.hang, false),
  'upstash-rubbish': bridge(faults.says('rubbish that is no JSON')),
  'upstash-gateway': bridge(faults.html502),
  'upstash-drops': bridge(faults.dropAfter),
} satisfies Partial<Record<FaultName, Injector>>
