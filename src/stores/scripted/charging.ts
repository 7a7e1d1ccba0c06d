import type { Arrival } from '../../core/limit.ts'
import type { Charge, Charged } from '../../core/model.ts'
import type { ScriptReply } from './runner.ts'

/** What the charge script said of the buckets that one call gave it. */
export interface Charging {
  readonly arrivals: readonly Omit<Arrival, 'next'>[]
  readonly all: boolean
  readonly epoch: number | null
}

/** Reads a reply of the charge script; null when it is not one. */
export function chargingOf(reply: ScriptReply, buckets: number, withEpoch: boolean): Charging | null {
  const length = 2 + 4 * buckets + (withEpoch ? 1 : 0)
  if (!Array.isArray(reply) || reply.length !== length) return null
  const numbers: number[] = []
  for (const part of reply) {
    const number = typeof part === 'string' && part !== '' ? Number(part) : part
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) return null
    numbers.push(number)
  }
  const at = (index: number) => numbers[index] as number
  const arrivals: Omit<Arrival, 'next'>[] = []
  for (let index = 2; index < 2 + 4 * buckets; index += 4) {
    arrivals.push({
      ok: at(index) === 1,
      remaining: at(index + 1),
      full: at(index + 2),
      wait: at(index + 3),
    })
  }
  return { arrivals, all: at(0) === 1, epoch: withEpoch ? at(length - 1) : null }
}

/** In the units of the contract. @param undone it passed, but will be given back */
export function chargedOf(
  { ok, remaining, full, wait }: Omit<Arrival, 'next'>,
  { interval, burst, cost }: Charge,
  undone: boolean,
): Charged {
  const left = undone ? Math.min(burst, remaining + cost) : remaining
  const spent = undone ? Math.max(0, full - interval * cost) : full
  return { ok, remaining: Math.max(0, left), full: Math.ceil(spent / 1000), wait: Math.ceil(wait / 1000) }
}
