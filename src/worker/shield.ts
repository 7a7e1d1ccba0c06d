import type { RateLimit } from '@cloudflare/workers-types'
import type { Address } from '../core/address.ts'
import { networkOf } from '../core/address.ts'
import type { Shield } from '../core/model.ts'
import type { Policy } from '../policy/schema.ts'
import { report } from './log.ts'

/** Bits of an IPv6 address that make one client, as limits have it unless they say otherwise. */
const CLIENT_BITS = 64

/**
 * The runtime's own rate limiting as a bound before anything is spent on a client. It counts in one location, lets more
 * through than it says, and tells only yes or no: a shield, no limit. Should it fail, the limits behind it hold.
 * @returns null where the policy wants none
 */
export function shieldOf({ shield }: Policy, env: Readonly<Record<string, unknown>>): Shield | null {
  if (shield === undefined) return null
  const binding = env[shield.binding] as RateLimit | undefined
  if (typeof binding?.limit !== 'function') {
    report('shield_missing', {
      problem: `there is no rate limiting binding ${shield.binding}: nothing is held back`,
    })
    return null
  }
  return {
    admits: (client) =>
      binding.limit({ key: keyOf(client) }).then(
        ({ success }) => success,
        () => true,
      ),
  }
}

const keyOf = (client: Address): string =>
  client.family === 6 ? networkOf(client, CLIENT_BITS).address.text : client.text
