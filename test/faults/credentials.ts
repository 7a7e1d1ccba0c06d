/** What clients present in the suites about faults. Made anew in every run. */
import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import type { EntryDraft } from '../../src/stores/contract.ts'
import { newKey as newKeyUnder, revocationEntry } from '../support/entries.ts'

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
  const { key, entry } = newKeyUnder(SECRETS.PEPPER)
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
export const revoking = (subject: string): EntryDraft =>
  revocationEntry({ issuer: 'https://static.example', value: subject })
