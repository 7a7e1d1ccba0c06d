import { describeRedis } from '../support/redis.ts'
import { CLUSTER } from './cluster.ts'
import { REDIS } from './redis.ts'
import { sideBySide } from './side-by-side.ts'
import { UPSTASH } from './upstash.ts'

await describeRedis('when the server of state fails', () => sideBySide({ ...REDIS, ...CLUSTER, ...UPSTASH }))
