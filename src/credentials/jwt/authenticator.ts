import { Bounded } from '../../core/bounded.ts'
import type { Authentication, CredentialRequest, Principal } from '../../core/model.ts'
import type { Reason } from '../../core/reasons.ts'
import type { BuiltAuthenticator, KeySetFigures, Outside } from '../contract.ts'
import type { Algorithm } from './algorithms.ts'
import { bearerOf } from './bearer.ts'
import { audienceFits, reasonAt, typeFits, type Validity, validityOf } from './claims.ts'
import { MAX_TOKEN } from './compact.ts'
import type { Issuer } from './issuer.ts'
import type { Found } from './key-source.ts'
import { isSignedBy } from './signature.ts'
import { own, type Token, TokenReader } from './token.ts'
import type { VerificationKey } from './verification-key.ts'

/** A token that verified: what of it is judged again on every use. */
interface Verified extends Validity {
  readonly issuer: Issuer
  readonly key: VerificationKey
  /** Milliseconds since the epoch at which it was verified. */
  readonly at: number
  readonly answer: Authentication & { readonly is: 'accepted' }
}

/** A token whose signature did not verify under the keys of that generation. */
interface Forged {
  readonly issuer: Issuer
  readonly generation: number
  readonly at: number
}

/** A token on its way to an answer. */
interface Claim {
  readonly text: string
  readonly digest: string
  readonly token: Token
  readonly issuer: Issuer
  readonly now: number
}

const MAX_VERIFIED = 20_000
const VERIFIED_AGE = 60_000
const MAX_FORGED = 4_096
const FORGED_AGE = 5_000

const ABSENT: Authentication = { is: 'absent' }
const rejected = (reason: Reason): Authentication => ({ is: 'rejected', reason })
const MALFORMED = rejected('credential_malformed')
const INVALID = rejected('credential_invalid')
const REFUSED = rejected('issuer_refused')
const REPEATED = rejected('credential_repeated')

/**
 * Checks `Authorization: Bearer` tokens of the configured issuers. jose imports the keys, WebCrypto verifies with them,
 * and everything else is judged here (RFC 8725). A token that verified is remembered by its digest, never by its text.
 */
export class JwtAuthenticator implements BuiltAuthenticator {
  readonly type = 'jwt'
  readonly fallback = false
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #outside: Outside
  readonly #reader = new TokenReader()
  readonly #verified = new Bounded<string, Verified>(MAX_VERIFIED)
  readonly #forged = new Bounded<string, Forged>(MAX_FORGED)

  /** @param issuers by exact `iss` value */
  constructor(issuers: ReadonlyMap<string, Issuer>, outside: Outside) {
    this.#issuers = issuers
    this.#outside = outside
  }

  authenticate(
    request: CredentialRequest,
    variants: ReadonlySet<string> | null,
  ): Authentication | Promise<Authentication> {
    const bearer = bearerOf(request.headers)
    if (bearer.is === 'absent') return ABSENT
    if (bearer.is === 'repeated') return REPEATED
    if (bearer.is === 'malformed' || bearer.token.length > MAX_TOKEN) return MALFORMED
    const digest = this.#outside.sha256(bearer.token)
    const known = this.#recall(digest, request.now)
    if (known !== null) return variants?.has(known.issuer.name) === true ? known.answer : REFUSED
    return this.#judge(bearer.token, digest, request, variants)
  }

  async prepare(): Promise<void> {
    await Promise.all(Array.from(this.#issuers.values(), (issuer) => issuer.keys.prepare()))
  }

  keySets(): readonly KeySetFigures[] {
    return [...this.#issuers.values()].flatMap(({ name, keys }) => {
      const figures = keys.figures()
      return figures === null ? [] : [{ variant: name, ...figures }]
    })
  }

  /** What is still certain of a token seen before: its key is in the set, and its times are good now. */
  #recall(digest: string, now: number): { readonly issuer: Issuer; readonly answer: Authentication } | null {
    const verified = this.#verified.get(digest)
    if (verified !== undefined) {
      const { issuer, key, at } = verified
      const usable = issuer.keys.touch(now) && !key.retired
      return usable && Math.abs(now - at) < VERIFIED_AGE && reasonAt(verified, now) === null ? verified : null
    }
    const forged = this.#forged.get(digest)
    if (forged === undefined || Math.abs(now - forged.at) >= FORGED_AGE) return null
    return forged.generation === forged.issuer.keys.generation
      ? { issuer: forged.issuer, answer: INVALID }
      : null
  }

  /** Everything that can be said before a key is used. */
  #judge(
    text: string,
    digest: string,
    request: CredentialRequest,
    variants: ReadonlySet<string> | null,
  ): Authentication | Promise<Authentication> {
    const token = this.#reader.read(text)
    if (token === null) return MALFORMED
    const iss = own(token.payload, 'iss')
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined
    if (issuer === undefined || variants?.has(issuer.name) !== true) return REFUSED
    const { alg, kid, typ, critical } = token.header
    if (critical || !issuer.algorithms.has(alg) || !typeFits(typ, issuer.typ)) return INVALID
    const found = issuer.keys.find(alg, kid, request)
    const claim: Claim = { text, digest, token, issuer, now: request.now }
    return found instanceof Promise
      ? found.then((keys) => this.#verify(claim, keys))
      : this.#verify(claim, found)
  }

  #verify(claim: Claim, found: Found): Authentication | Promise<Authentication> {
    if (found.is === 'unknown') return INVALID
    if (found.is === 'unavailable')
      return { is: 'unavailable', reason: 'issuer_unavailable', cause: found.cause }
    const { generation } = claim.issuer.keys
    return signerOf(claim.text, claim.token.header.alg, found.keys).then((key) => {
      if (key !== null) return this.#accept(claim, key)
      this.#forged.set(claim.digest, { issuer: claim.issuer, generation, at: claim.now })
      return INVALID
    })
  }

  /** What a good signature leaves to judge. */
  #accept({ digest, token, issuer, now }: Claim, key: VerificationKey): Authentication {
    const validity = validityOf(token.payload, issuer)
    if (validity === null || !audienceFits(token.payload, issuer.audience)) return INVALID
    const reason = reasonAt(validity, now)
    if (reason !== null) return rejected(reason)
    const principal = this.#sameAsBefore(digest) ?? issuer.principalOf(token.payload, now)
    if (principal === null) return INVALID
    const answer = { is: 'accepted', principal } as const
    this.#verified.set(digest, { issuer, key, from: validity.from, until: validity.until, at: now, answer })
    return answer
  }

  /** The same token stands for the same principal, as one object: what others derived from it stays of use. */
  #sameAsBefore(digest: string): Principal | null {
    return this.#verified.get(digest)?.answer.principal ?? null
  }
}

/**
 * The first key from `from` on that signed the token; null when none of them did. Written without `await`, since every
 * never-seen token would pay for its extra turns.
 */
function signerOf(
  token: string,
  alg: string,
  keys: readonly VerificationKey[],
  from = 0,
): Promise<VerificationKey | null> {
  const key = keys[from]
  const imported = key?.imported.get(alg)
  if (key === undefined || imported === undefined) return Promise.resolve(null)
  if (key.signatureBytes !== null && key.signatureBytes !== signatureBytesIn(token))
    return signerOf(token, alg, keys, from + 1)
  return isSignedBy(token, alg as Algorithm, imported).then((good) =>
    good ? key : signerOf(token, alg, keys, from + 1),
  )
}

/** Bytes that the last segment stands for: three for four characters, without padding. */
const signatureBytesIn = (token: string): number =>
  Math.floor(((token.length - token.lastIndexOf('.') - 1) * 3) / 4)
