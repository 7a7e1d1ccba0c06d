import type { KeySetFigures } from '../contract.ts'
import type { VerificationKey } from './verification-key.ts'

/** What an issuer's keys say to a token's `alg` and `kid`. */
export type Found =
  | { readonly is: 'keys'; readonly keys: readonly VerificationKey[] }
  /** The issuer has no such key, as far as may be asked now. */
  | { readonly is: 'unknown' }
  /** Nobody can say: no usable keys are held, and none came in time. */
  | { readonly is: 'unavailable'; readonly cause: unknown }

export const UNKNOWN: Found = { is: 'unknown' }

/** The instants of a decision, milliseconds since the epoch. */
export interface Instants {
  readonly now: number
  readonly deadline: number
}

/** Where an issuer's keys come from. */
export interface KeySource {
  /** Keys that may have signed; at once where nothing has to be waited for, never later than the deadline. */
  find(algorithm: string, kid: string | null, instants: Instants): Found | Promise<Found>
  /**
   * Told of every use of what a key from here verified, so that a refresh that is due begins; costs a comparison.
   * @returns whether what is held may still be relied on
   */
  touch(now: number): boolean
  /** Counts the sets that were held: a signature judged under another one may be judged differently now. */
  readonly generation: number
  prepare(): Promise<void>
  /** Null for keys that stand in the policy. */
  figures(): Omit<KeySetFigures, 'variant'> | null
}

/** A token without `kid` may fit several keys (RFC 7515 section 4.1.4 makes it optional); more are not tried. */
const MAX_CANDIDATES = 8

/** The keys that verify `algorithm` among those that pass. */
export function candidates(
  keys: readonly VerificationKey[],
  algorithm: string,
  passes: (key: VerificationKey) => boolean,
): readonly VerificationKey[] {
  return keys.filter((key) => key.imported.has(algorithm) && passes(key)).slice(0, MAX_CANDIDATES)
}
