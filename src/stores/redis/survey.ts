import type { StoreOutside } from '../contract.ts'
import type { Carrier } from './carrier.ts'
import { Refusal, refused } from './fault.ts'

const OLDEST = 7

/**
 * Tells the operator what may go wrong with this server later. What an ACL keeps from us we do not judge; rejects when
 * the server wants a password.
 */
export async function survey(carrier: Carrier, outside: Pick<StoreOutside, 'report'>): Promise<void> {
  const [greeting, memory] = await Promise.all([
    carrier.send(null, ['HELLO']),
    carrier.send(null, ['INFO', 'memory']),
  ])
  // To a stranger it says so only here: of longer commands it complains about the length.
  if (greeting instanceof Refusal && greeting.code === 'NOAUTH') throw refused(greeting)
  const version = Array.isArray(greeting) ? greeting[greeting.indexOf('version') + 1] : null
  if (typeof version === 'string' && Number.parseInt(version, 10) < OLDEST)
    outside.report('store_outdated', { store: 'redis', version, oldest: OLDEST })
  const policy = typeof memory === 'string' ? /^maxmemory_policy:(.*?)\r?$/m.exec(memory)?.[1] : undefined
  if (policy !== undefined && policy !== 'noeviction')
    outside.report('store_evicts', {
      store: 'redis',
      policy,
      advice: 'set maxmemory-policy to noeviction: a counter that is evicted is a limit that is forgotten',
    })
}
