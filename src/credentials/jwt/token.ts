import { Bounded } from '../../core/bounded.ts'
import { compactOf, textOf } from './compact.ts'
import { parseStrict } from './strict-json.ts'

/** The members of a JOSE header that are looked at. `jku`, `x5u`, `x5c` and `jwk` are not: keys come from the policy. */
export interface Header {
  readonly alg: string
  readonly kid: string | null
  readonly typ: string | null
  /** Whether it holds `crit`: no extension is understood here, so none may be critical (RFC 7515 section 4.1.11). */
  readonly critical: boolean
}

/** A token that has the form of one; nothing in it is believed yet. */
export interface Token {
  readonly header: Header
  readonly payload: Readonly<Record<string, unknown>>
}

const MAX_KID = 256

/** Header segments of an issuer hardly ever differ, so their reading is kept. Longer ones are not worth the memory. */
const MAX_KEPT = 512

/** Reads the form of tokens: what is not of it is null, and nothing throws. */
export class TokenReader {
  readonly #headers = new Bounded<string, Header>(256)

  read(token: string): Token | null {
    const compact = compactOf(token)
    if (compact === null) return null
    const header = this.#header(compact.header)
    const payload = header === null ? null : objectIn(compact.payload)
    return header === null || payload === null ? null : { header, payload }
  }

  #header(segment: string): Header | null {
    const known = this.#headers.get(segment)
    if (known !== undefined) return known
    const members = objectIn(segment)
    const header = members === null ? null : headerOf(members)
    if (header !== null && segment.length <= MAX_KEPT) this.#headers.set(segment, header)
    return header
  }
}

/** The JSON object in a segment, without duplicate members. */
function objectIn(segment: string): Readonly<Record<string, unknown>> | null {
  const text = textOf(segment)
  const value = text === null ? null : parseStrict(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

/** JSON.parse makes every member an own one, `__proto__` too; what is only inherited is not in the token. */
export const own = (object: Readonly<Record<string, unknown>>, member: string): unknown =>
  Object.hasOwn(object, member) ? object[member] : undefined

function headerOf(members: Readonly<Record<string, unknown>>): Header | null {
  const [alg, kid, typ] = [own(members, 'alg'), own(members, 'kid'), own(members, 'typ')]
  if (typeof alg !== 'string') return null
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID)) return null
  if (typ !== undefined && typeof typ !== 'string') return null
  // Unencoded payloads (RFC 7797 forbids them in a JWT) and what belongs to encryption.
  if (['b64', 'enc', 'zip'].some((member) => Object.hasOwn(members, member))) return null
  return { alg, kid: kid ?? null, typ: typ ?? null, critical: Object.hasOwn(members, 'crit') }
}
