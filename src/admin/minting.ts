import { mintKey, randomText, startOf } from '../credentials/api-key/form.ts'
import type { KeyDigest } from '../credentials/key-record.ts'
import type { AdminOutside } from './ledger.ts'

/** A key that was just made: shown once, and kept only as its digest. */
export interface Minted {
  readonly key: string
  readonly digest: KeyDigest
}

export function mint(
  prefix: string,
  tenant: string | null,
  [version, pepper]: readonly [version: string, secret: string],
  { hmacSha256 }: Pick<AdminOutside, 'hmacSha256'>,
  randomByte: () => number,
): Minted {
  const key = mintKey(prefix, tenant ?? '', pepper, hmacSha256, randomByte)
  const digest = `hmac-sha256:${version}:${hmacSha256(pepper, key)}`
  return { key, digest: { digest, until: null, start: startOf(key, prefix) } }
}

/** Fresh random bytes, one by one. */
export function freshBytes({ randomBytes }: Pick<AdminOutside, 'randomBytes'>): () => number {
  return bytesFrom(() => randomBytes(64))
}

/** Bytes that come out the same again: of a hash in hexadecimal digits, counted on. */
export function derivedBytes(hash: (counter: number) => string): () => number {
  let counter = 0
  return bytesFrom(() =>
    Uint8Array.from(hash(counter++).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  )
}

function bytesFrom(block: () => Uint8Array): () => number {
  let bytes = block()
  let next = 0
  return () => {
    if (next === bytes.length) {
      bytes = block()
      next = 0
    }
    return bytes[next++] ?? 0
  }
}

/** The id of a key that was given none: 95 bits. */
export const keyId = (randomByte: () => number): string => `key_${randomText(16, randomByte)}`
