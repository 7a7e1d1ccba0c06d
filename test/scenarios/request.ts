/** Scenarios as bytes, and answers as what is seen of them. */
import type { Reason } from '../../src/core/reasons.ts'
import { type Answer, type Connection, header, type Line } from '../e2e/wire.ts'
import { lineOf } from './credentials.ts'
import { IDENTITY, type Identity, type Row, type ShownQuota } from './scenario.ts'

/** The header lines of a client: its own, then what it presents. */
export const linesOfRow = ({ request: { headers = [], credentials = [] } }: Row): Line[] => [
  ...headers,
  ...credentials.map(lineOf),
]

/** The handshake of RFC 6455 section 4.1. */
const HANDSHAKE: readonly Line[] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
]

/** The lines of a client that stay between it and whoever it asks: no check has them. */
export const connectionLines = ({ request }: Row): readonly Line[] => (request.websocket ? HANDSHAKE : [])

/** Where a client is, in the headers in which the suite's policies trust. */
export const placeLines = ({ request: { place } }: Row): Line[] => [
  ...(place?.country === undefined ? [] : [['CF-IPCountry', place.country] as const]),
  ...(place?.asn === undefined ? [] : [['X-ASN', place.asn] as const]),
]

/** The quota that a RateLimit header tells. */
export function quotaIn(rateLimit: string | null): ShownQuota | null {
  const [, limit, remaining] = /^"([^"]+)";r=(\d+);t=\d+$/.exec(rateLimit ?? '') ?? []
  return limit === undefined ? null : { limit, remaining: Number(remaining) }
}

/** The identity headers among some lines; a header that is not there is empty. */
export const identityIn = (lines: readonly Line[]): Identity =>
  Object.fromEntries(IDENTITY.map((name) => [name, header(lines, name) ?? ''])) as Identity

/** Milliseconds after which an answer is not waited for any more. */
const PATIENCE = 20_000

/** Sends a request; throws when there is neither an answer nor an end of the connection. */
export async function answerOf(connection: Connection, bytes: string): Promise<Answer | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const start = bytes.slice(0, bytes.indexOf('\r'))
    timer = setTimeout(() => reject(new Error(`no answer to ${start} in ${PATIENCE} ms`)), PATIENCE)
  })
  try {
    return await Promise.race([connection.send(bytes), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What an audit line says of a decision. */
export interface Recorded {
  readonly reason: Reason | null
  readonly path: string | null
  readonly charged: Readonly<Record<string, number>>
}

/** Null for a line that tells of no decision. */
export function recordIn(line: string): Recorded | null {
  if (!line.startsWith('{"event":"decision"')) return null
  const { reason, path, limits } = JSON.parse(line) as {
    reason: Reason | null
    path: string | null
    limits: readonly { name: string; remaining: number }[]
  }
  return { reason, path, charged: Object.fromEntries(limits.map(({ name, remaining }) => [name, remaining])) }
}
