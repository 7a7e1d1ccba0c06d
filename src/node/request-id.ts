import { randomBytes } from 'node:crypto'

/** The last field of a UUID has 48 bits. */
const LIMIT = 2 ** 48

/**
 * Makes ids of requests: UUIDs of version 8 (RFC 9562 section 5.8), random for the process and counted within it. An id
 * names a record and opens nothing, so it need not be a secret, and random bits for each check would cost more.
 */
export function requestIds(): () => string {
  const random = randomBytes(16).toString('hex')
  const prefix = `${random.slice(0, 8)}-${random.slice(8, 12)}-8${random.slice(13, 16)}-8${random.slice(17, 20)}-`
  let next = Number.parseInt(random.slice(20), 16)
  return () => {
    next = next + 1 < LIMIT ? next + 1 : 0
    return prefix + next.toString(16).padStart(12, '0')
  }
}
