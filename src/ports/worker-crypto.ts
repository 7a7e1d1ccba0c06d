import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as digest } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

/** Digests at once: the runtime's own make every caller wait for a turn, and each decision takes several. */

const utf8 = new TextEncoder()

/** SHA-256 over the UTF-8 text, as base64url. */
export const sha256 = (text: string): string => base64url(digest(utf8.encode(text)))

/** SHA-256 over the UTF-8 text, as lower-case hex. */
export const sha256Hex = (text: string): string => bytesToHex(digest(utf8.encode(text)))

/** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
export const hmacSha256 = (key: string, text: string): string =>
  bytesToHex(hmac(digest, utf8.encode(key), utf8.encode(text)))

/** RFC 4648 section 5, without padding. */
const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
