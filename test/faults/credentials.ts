/** What clients present in the suites about faults. Made anew in every run. */
import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { type Revocation, revocationId } from '../../src/state/revocation.ts'
import type { EntryDraft } from '../../src/stores/contract.ts'

export type Line = [string, string]

const random = (): string => randomBytes(32).toString('hex')

/** Secrets of the policy, by the variable that it names. */
export const SECRETS = {
  PEPPER: random(),
  SECRET: random(),
  PASSWORD: random(),
  BRIDGE_TOKEN: random(),
} as const

/** A key and what a store has to hold of it. */
export function newKey(): { readonly line: Line; readonly entry: EntryDraft } {
  const key = mintKey('ak', '', SECRETS.PEPPER, hmacSha256, () => randomBytes(1)[0] ?? 0)
  const digest = `hmac-sha256:v1:${hmacSha256(SECRETS.PEPPER, key)}`
  const record = {
    v: 1,
    owner: 'bot',
    environment: null,
    status: 'active',
    digests: [{ digest, until: null, start: null }],
    created: 0,
    updated: 0,
  }
  const entry: EntryDraft = {
    kind: 'key',
    id: `key_${randomBytes(8).toString('hex')}`,
    body: JSON.stringify(record),
    owner: 'bot',
    aliases: [digest],
    expires: null,
  }
  return { line: ['X-API-Key', key], entry }
}

/** A token of the issuer whose secret stands in the policy, issued before anything was revoked. */
export async function newToken(subject: string): Promise<Line> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'https://static.example', aud: 'app', sub: subject, iat: now - 600, exp: now + 600 }
  const signed = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRETS.SECRET))
  return ['Authorization', `Bearer ${signed}`]
}

/** Revokes everything that a subject has been given up to now. */
export function revoking(subject: string): EntryDraft {
  const one: Revocation = {
    v: 1,
    what: 'subject',
    issuer: 'https://static.example',
    value: subject,
    before: Math.floor(Date.now() / 1000),
    reason: null,
    by: 'test',
    created: Date.now(),
  }
  return {
    kind: 'revocation',
    id: revocationId(one),
    body: JSON.stringify(one),
    owner: null,
    aliases: [],
    expires: null,
  }
}
