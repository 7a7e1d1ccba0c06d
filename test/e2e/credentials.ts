/** The credentials that the end-to-end suites present. Made anew in every run. */
import { createHash, randomBytes } from 'node:crypto'
import { generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Line } from './wire.ts'

/** What the proxies prove themselves with. */
export const PROXY_SECRET = randomBytes(32).toString('hex')

export const JWT_SECRET = randomBytes(32).toString('hex')

/** The imported form: prefix and 32 hexadecimal digits, stored as a plain SHA-256 digest. */
const API_KEY = `ak_${randomBytes(16).toString('hex')}`
export const API_KEY_DIGEST = `sha256:${createHash('sha256').update(API_KEY).digest('hex')}`

export const apiKey: Line = ['X-API-Key', API_KEY]
export const unknownApiKey: Line = ['X-API-Key', `ak_${randomBytes(16).toString('hex')}`]

const ISSUER = 'https://login.example.com'

/** A bearer token of the issuer `company`. */
export function token(claims: JWTPayload, secret = JWT_SECRET): Promise<Line> {
  return signed('HS256', new TextEncoder().encode(secret), { iss: ISSUER, ...claims })
}

/** An issuer whose keys nobody can fetch. */
export const UNREACHABLE_ISSUER = 'https://unreachable.example.com'

export async function tokenOfUnreachableIssuer(): Promise<Line> {
  const { privateKey } = await generateKeyPair('ES256')
  return signed('ES256', privateKey, { iss: UNREACHABLE_ISSUER, sub: 'alice' })
}

async function signed(alg: string, key: Parameters<SignJWT['sign']>[0], claims: JWTPayload): Promise<Line> {
  const now = Math.floor(Date.now() / 1000)
  const jwt = await new SignJWT({ aud: 'app', iat: now, exp: now + 600, ...claims })
    .setProtectedHeader({ alg })
    .sign(key)
  return ['Authorization', `Bearer ${jwt}`]
}
