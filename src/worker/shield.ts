import type { RateLimit } from '@cloudflare/workers-types'
import type { Shield } from '../core/model.ts'
import type { Policy } from '../policy/schema.ts'
import { LATE, within } from '../schema/within.ts'
import { networkOfClient } from '../state/ban-book.ts'
import { report } from './log.ts'

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
        const outcome = await within(binding.limit({ key: networkOfClient(client) }), PATIENCE)
        return outcome === LATE ? admitted(`took longer than ${PATIENCE} ms`) : outcome.success
      } catch (cause) {
        return admitted(`failed (${cause instanceof Error ? cause.name : typeof cause})`)
      }
    },
  }
}
