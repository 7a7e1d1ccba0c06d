/**
 * The JWS compact form (RFC 7515 section 7.1), strictly: three segments of canonical base64url without padding. What
 * decodes to the same bytes but is written differently would be another token to every cache and denylist.
 */

export interface Compact {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

/** Nothing larger is looked at: a 2 MB token costs 24 ms to refuse otherwise. In characters, all of them ASCII. */
export const MAX_TOKEN = 8192

const ALPHABET = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The three segments, each known to be non-empty and canonical; null for everything else, a JWE included. */
export function compactOf(token: string): Compact | null {
  if (token.length > MAX_TOKEN || !ALPHABET.test(token)) return null
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  const compact = {
    header: token.slice(0, first),
    payload: token.slice(first + 1, second),
    signature: token.slice(second + 1),
  }
  return canonical(compact.header) && canonical(compact.payload) && canonical(compact.signature)
    ? compact
    : null
}

/** Whether the bits that the last character has too many are zero (RFC 4648 section 3.5). */
function canonical(segment: string): boolean {
  const last = segment[segment.length - 1] ?? ''
  switch (segment.length % 4) {
    case 0:
      return true
    case 2:
      return 'AQgw'.includes(last)
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last)
    default:
      return false
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text in a canonical segment; null when it is not UTF-8. */
export function textOf(segment: string): string | null {
  const binary = atob(segment.replaceAll('-', '+').replaceAll('_', '/'))
  // Nearly all tokens are plain ASCII, whose bytes are their characters.
  if (!/[^\x00-\x7f]/.test(binary)) return binary
  try {
    return utf8.decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
  } catch {
    return null
  }
}
