import type { Told } from '../counting/told.ts'
import type { ScriptReply } from './runner.ts'

/** Reads a reply of the charge script; null when it is not one. */
export function chargingOf(reply: ScriptReply, buckets: number, withEpoch: boolean): Told | null {
  const length = 2 + 4 * buckets + (withEpoch ? 1 : 0)
  if (!Array.isArray(reply) || reply.length !== length) return null
  const numbers = reply.every(Number.isSafeInteger) ? (reply as readonly number[]) : integers(reply)
  if (numbers === null) return null
  const arrivals: Told['arrivals'][number][] = []
  for (let at = 2; at < 2 + 4 * buckets; at += 4) {
    arrivals.push({
      ok: numbers[at] === 1,
      remaining: numbers[at + 1] as number,
      full: numbers[at + 2] as number,
      wait: numbers[at + 3] as number,
    })
  }
  return { arrivals, all: numbers[0] === 1, epoch: withEpoch ? (numbers[length - 1] as number) : null }
}

/** Some servers and bridges write integers as strings. Null where one is no integer. */
function integers(reply: readonly ScriptReply[]): readonly number[] | null {
  const numbers = reply.map((part) => (typeof part === 'string' && part !== '' ? Number(part) : part))
  return numbers.every(Number.isSafeInteger) ? (numbers as number[]) : null
}
