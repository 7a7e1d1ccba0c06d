import { describe } from 'vitest'
import { findServer } from '../../scripts/servers.ts'
import { CLUSTER } from './cluster.ts'
import { REDIS } from './redis.ts'
import { sideBySide } from './side-by-side.ts'
import { missingHere, SQLITE } from './sqlite.ts'
import { UPSTASH } from './upstash.ts'

const SERVERS = { ...CLUSTER, ...UPSTASH, ...REDIS }

/** Why no server can be had, for each fault that needs one; a failure where all of them have to be shown. */
async function missingServers(): Promise<Record<string, string>> {
  const server = await findServer('redis-server')
  if (!('missing' in server)) return {}
  if (process.env['CI']) throw new Error(server.missing)
  console.warn(`skipped, when a server of state fails: ${server.missing}`)
  return Object.fromEntries(Object.keys(SERVERS).map((name) => [name, server.missing]))
}

const missing = { ...(await missingHere()), ...(await missingServers()) }

describe('when a store fails', () => sideBySide({ ...SQLITE, ...SERVERS }, missing))
