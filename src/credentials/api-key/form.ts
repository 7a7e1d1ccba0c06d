/**
 * The form of an API key: `<prefix>_`, 8 characters that locate the tenant, 32 of secret, 5 of keyed tag, 6 of
 * checksum, all base62. The checksum lets anybody tell a typing error, the tag lets us tell a forgery, before any
 * look-up; the secret alone holds 190 bits.
 */

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const LOCATOR = 8
const SECRET = 32
const TAG = 5
const CHECKSUM = 6

/** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
type Hmac = (key: string, text: string) => string

/** What a key is made of beside its prefix. */
const REST = new RegExp(`^[0-9A-Za-z]{${LOCATOR + SECRET + TAG + CHECKSUM}}$`)

/** The form of keys imported from elsewhere. */
const IMPORTED = /^[0-9a-f]{32}$/

/** What stands behind the prefix: a key of ours, one of the imported form, or neither. */
export type KeyForm = 'own' | 'imported'

/** The form of `key`, null when it has none or when the checksum shows that it was mangled. */
export function formOf(key: string, prefix: string): KeyForm | null {
  if (!key.startsWith(`${prefix}_`)) return null
  const rest = key.slice(prefix.length + 1)
  if (IMPORTED.test(rest)) return 'imported'
  if (!REST.test(rest)) return null
  const signed = key.slice(0, -CHECKSUM)
  return base62(crc32(signed), CHECKSUM) === key.slice(-CHECKSUM) ? 'own' : null
}

/** Why a key has no form: another prefix, a length or character that cannot be, or a checksum that does not fit. */
export type FormFault = 'prefix' | 'shape' | 'checksum'

/** What is wrong with a key for which `formOf` finds no form. */
export function formFault(key: string, prefix: string): FormFault {
  if (!key.startsWith(`${prefix}_`)) return 'prefix'
  return REST.test(key.slice(prefix.length + 1)) ? 'checksum' : 'shape'
}

/** What people may see of a key to tell it from others: its locator and four characters of its secret. */
export const startOf = (key: string, prefix: string): string => key.slice(0, prefix.length + 1 + LOCATOR + 4)

/** Whether the tag of a key of our form was made with `pepper`. */
export function tagFits(key: string, pepper: string, hmac: Hmac): boolean {
  const body = key.slice(0, -(TAG + CHECKSUM))
  return sameText(tagOf(body, pepper, hmac), key.slice(-(TAG + CHECKSUM), -CHECKSUM))
}

/**
 * Makes a fresh key.
 * @param randomByte uniformly distributed over 0..255, from a cryptographic source
 */
export function mintKey(
  prefix: string,
  tenant: string,
  pepper: string,
  hmac: Hmac,
  randomByte: () => number,
): string {
  const locator = digits(hmac(pepper, `postern locator\n${tenant}`), LOCATOR)
  const body = `${prefix}_${locator}${randomText(SECRET, randomByte)}`
  const signed = body + tagOf(body, pepper, hmac)
  return signed + base62(crc32(signed), CHECKSUM)
}

/**
 * Base62 characters, each with the same chance.
 * @param randomByte uniformly distributed over 0..255
 */
export function randomText(length: number, randomByte: () => number): string {
  let text = ''
  // Bytes from 248 up would favour the first eight characters.
  while (text.length < length) {
    const byte = randomByte()
    if (byte < 248) text += ALPHABET[byte % 62]
  }
  return text
}

const tagOf = (body: string, pepper: string, hmac: Hmac): string =>
  digits(hmac(pepper, `postern tag\n${body}`), TAG)

/** The last `length` base62 digits of a hexadecimal number's first 64 bits. */
const digits = (hex: string, length: number): string => base62(BigInt(`0x${hex.slice(0, 16)}`), length)

function base62(value: number | bigint, length: number): string {
  let rest = BigInt(value)
  let text = ''
  for (let i = 0; i < length; i++) {
    text = ALPHABET[Number(rest % 62n)] + text
    rest /= 62n
  }
  return text
}

/** Compares without telling by its duration where the texts differ. */
function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc
})

/** CRC-32 (ISO 3309) of an ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) crc = (CRC_TABLE[(crc ^ text.charCodeAt(i)) & 255] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
