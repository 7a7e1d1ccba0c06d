import { hmac } from '@stablelib/hmac'
import { hash, SHA256 } from '@stablelib/sha256'

/** Digests at once: the runtime's own make every caller wait for a turn, and each decision takes several. */

const utf8 = new TextEncoder()

/** SHA-256 over the UTF-8 text, as base64url. */
export const sha256 = (text: string): string => base64url(hash(utf8.encode(text)))

/** SHA-256 over the UTF-8 text, as lower-case hex. */
export const sha256Hex = (text: string): string => hex(hash(utf8.encode(text)))

/** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
export const hmacSha256 = (key: string, text: string): string =>
  hex(hmac(SHA256, utf8.encode(key), utf8.encode(text)))

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** RFC 4648 section 5, without padding. */
function base64url(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    for (; bits >= 6; bits -= 6) text += BASE64URL[(held >> (bits - 6)) & 63]
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + BASE64URL[(held << (6 - bits)) & 63]
}
