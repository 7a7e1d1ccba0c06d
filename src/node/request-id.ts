import { randomBytes } from 'node:crypto'
import { KeyedHash } from '../stores/memory/hash.ts'

/**
 * Makes ids of requests: UUIDs of version 8 (RFC 9562 section 5.8), random for the process and a keyed hash of a counter
 * within it. They reach callers, so a counter alone would tell how much goes on and what other ids there are; random
 * bits for each cost more than any other part of the record.
 */
export function requestIds(): () => string {
  const random = randomBytes(20)
  const hash = new KeyedHash([random.readUInt32LE(0), random.readUInt32LE(4)])
  const prefix = random.toString('hex', 8)
  const head = `${prefix.slice(0, 8)}-${prefix.slice(8, 12)}-8${prefix.slice(12, 15)}-8`
  let next = 0
  return () => {
    hash.update(String(next++))
    const high = hash.high.toString(16).padStart(8, '0')
    const low = hash.low.toString(16).padStart(8, '0')
    return `${head}${high.slice(0, 3)}-${high.slice(3, 7)}${low}`
  }
}
