import type { CryptoKey } from 'jose'
import { describe, expect, it } from 'vitest'
import { isSignedBy } from '../../../src/credentials/jwt/signature.ts'

const hmac = (hash: string): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: 'HMAC', hash }, false, ['sign', 'verify'])

/** A token of the compact form, signed with the key. */
async function signed(key: CryptoKey): Promise<string> {
  const text = `${btoa('{"alg":"HS256"}')}.${btoa('{"iss":"https://a.example"}')}`.replaceAll('=', '')
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

describe('a signature', () => {
  it('is good for the key that made it, and for no other', async () => {
    const [one, other] = [await hmac('SHA-256'), await hmac('SHA-256')]
    expect(await isSignedBy(await signed(one), 'HS256', one)).toBe(true)
    expect(await isSignedBy(await signed(one), 'HS256', other)).toBe(false)
  })

  it('is bad when the runtime refuses to judge it with that key', async () => {
    const key = await hmac('SHA-256')
    const token = await signed(key)
    expect(await isSignedBy(token, 'RS256', key)).toBe(false)
    const mute = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    expect(await isSignedBy(token, 'HS256', mute)).toBe(false)
  })

  it('is not judged at all with what is no key: that is a fault of ours, and no word on the token', async () => {
    const key = await hmac('SHA-256')
    await expect(isSignedBy(await signed(key), 'HS256', {} as CryptoKey)).rejects.toThrow(TypeError)
  })
})
