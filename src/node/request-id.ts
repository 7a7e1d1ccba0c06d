import { randomBytes, randomFillSync } from 'node:crypto'

/** Random numbers that are drawn at once: one draw for each id cost more than any other part of the record. */
const DRAWN = 1024

/** Twelve bits as hexadecimal digits. */
const DIGITS = Array.from({ length: 4096 }, (_, bits) => bits.toString(16).padStart(3, '0'))

/**
 * Makes ids of requests: UUIDs of version 8 (RFC 9562 section 5.8). Half is random for the process, so that the records
 * of one can be told from those of others; 60 bits are random for each, since ids reach callers, and a counter would
 * tell how much goes on and what other ids there are.
 */
export function requestIds(): () => string {
  const prefix = randomBytes(8).toString('hex')
  const head = `${prefix.slice(0, 8)}-${prefix.slice(8, 12)}-8${prefix.slice(12, 15)}-8`
  const drawn = new Uint32Array(DRAWN)
  let next = DRAWN
  const digits = (bits: number): string => DIGITS[bits & 0xfff] as string
  return () => {
    if (next === DRAWN) {
      randomFillSync(drawn)
      next = 0
    }
    const high = drawn[next++] as number
    const low = drawn[next++] as number
    const rest = `${digits(high >>> 8)}${digits(low >>> 20)}${digits(low >>> 8)}${digits((high << 8) | (low & 0xff))}`
    return `${head}${digits(high >>> 20)}-${rest}`
  }
}
