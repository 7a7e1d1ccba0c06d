import { type Address, networkOf } from '../core/address.ts'
import type { AdminToken } from './facts.ts'
import type { Desk } from './ledger.ts'
import { type Ceiling, Meter } from './meter.ts'
import { type Reply, refusal } from './reply.ts'

/** Tokens are 43 characters long; nobody hashes a stranger's novel. */
const MAX_TOKEN = 512

/** Twenty wrong tokens at once, then one in six seconds: enough for a mistake in a deployment, too few to guess. */
const FAILURES: Ceiling = { interval: 6_000_000, burst: 20 }

const IPV6_BITS = 64

/** Lets in who has a token, at the token's own pace; whoever guesses waits ever longer. */
export class Gate {
  readonly #desk: Desk
  readonly #meter: Meter

  constructor(desk: Desk) {
    this.#desk = desk
    this.#meter = new Meter(desk.outside.now)
  }

  /**
   * @param authorization the header as it arrived; undefined when there is none
   * @param peer who opened the connection; null where the runtime cannot tell
   */
  admit(authorization: string | undefined, peer: Address | null): AdminToken | Reply {
    const failing = `peer ${peerKey(peer)}`
    const wait = this.#meter.wait(failing, FAILURES)
    if (wait > 0) return limited(wait, 'Too many wrong tokens came from your address.')
    if (authorization === undefined) return unauthorized('Send `Authorization: Bearer TOKEN`.', null)
    const [, presented] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization) ?? []
    const token = presented === undefined || presented.length > MAX_TOKEN ? null : this.#tokenOf(presented)
    if (token === null) {
      this.#meter.take(failing, FAILURES)
      return unauthorized('The token is not one of this policy.', 'invalid_token')
    }
    const pause = this.#meter.take(`token ${token.name}`, this.#desk.facts().limit)
    return pause > 0 ? limited(pause, 'This token has asked too often.') : token
  }

  /** Every token is compared, so that the time tells nothing about which came near. */
  #tokenOf(presented: string): AdminToken | null {
    const { sha256Hex, equalText } = this.#desk.outside
    const digest = `sha256:${sha256Hex(presented)}`
    let found: AdminToken | null = null
    for (const token of this.#desk.facts().tokens) if (equalText(digest, token.digest)) found = token
    return found
  }
}

const peerKey = (peer: Address | null): string => {
  if (peer === null) return 'unknown'
  return peer.family === 4 ? peer.text : networkOf(peer, IPV6_BITS).address.text
}

/** RFC 6750 section 3: without a token no error is named. */
const unauthorized = (detail: string, error: string | null): Reply =>
  refusal('unauthorized', detail, [], {
    'WWW-Authenticate': `Bearer realm="postern-admin"${error === null ? '' : `, error="${error}"`}`,
  })

const limited = (seconds: number, detail: string): Reply =>
  refusal('limited', `${detail} Try again in ${seconds} s.`, [], { 'Retry-After': String(seconds) })
