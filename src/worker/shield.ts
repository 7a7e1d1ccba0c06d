import type { RateLimit } from '@cloudflare/workers-types'
import type { Address } from '../core/address.ts'
import { networkOf } from '../core/address.ts'
import type { Shield } from '../core/model.ts'
import { LATE, within } from '../credentials/jwt/wait.ts'
import type { Policy } from '../policy/schema.ts'
import { report } from './log.ts'

/** Bits of an IPv6 address that make one client, as limits have it unless they say otherwise. */
const CLIENT_BITS = 64

/** Milliseconds that a client waits for its shield, which answers from the memory of the machine it runs on. */
const PATIENCE = 50

/**
 * The runtime's own rate limiting as a bound before anything is spent on a client. It counts in one location, lets more
 * through than it says, and tells only yes or no: a shield, no limit. Should it fail, the limits behind it hold, and the
 * log says so once for each isolate.
 * @returns null where the policy wants none, and where there is none
 */
export function shieldOf({ shield }: Policy, env: Readonly<Record<string, unknown>>): Shield | null {
  if (shield === undefined) return null
  const name = shield.binding
  const binding = env[name] as RateLimit | undefined
  if (typeof binding?.limit !== 'function') {
    report('shield_missing', {
      problem: `there is no rate limiting binding ${name}: nothing is held back before the limits`,
    })
    return null
  }
  let told = false
  const admitted = (problem: string): true => {
    if (!told) report('shield_failed', { problem: `the binding ${name} ${problem}: its clients pass` })
    told = true
    return true
  }
  return {
    async admits(client) {
      try {
        const outcome = await within(binding.limit({ key: keyOf(client) }), PATIENCE)
        return outcome === LATE ? admitted(`took longer than ${PATIENCE} ms`) : outcome.success
      } catch (cause) {
        return admitted(`failed (${cause instanceof Error ? cause.name : typeof cause})`)
      }
    },
  }
}

const keyOf = (client: Address): string =>
  client.family === 6 ? networkOf(client, CLIENT_BITS).address.text : client.text
