import { createHmac, hash } from 'node:crypto'

/** SHA-256 over the UTF-8 text, as base64url. */
export const sha256 = (text: string): string => hash('sha256', text, 'base64url')

/** SHA-256 over the UTF-8 text, as lower-case hex. */
export const sha256Hex = (text: string): string => hash('sha256', text, 'hex')

/** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
export const hmacSha256 = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex')
