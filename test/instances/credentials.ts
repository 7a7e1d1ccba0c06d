/** What clients of these suites present. Made anew in every run. */
import { createHmac, randomBytes } from 'node:crypto'
import type { EntryDraft } from '../../src/stores/contract.ts'
import { newKey as newKeyUnder, revocationEntry } from '../support/entries.ts'

const random = (): string => randomBytes(32).toString('hex')

/** Secrets of the policies, by the variable that they name. */
export const SECRETS = { PEPPER: random(), TOKEN_SECRET: random(), NOTICE_SECRET: random() } as const

export const ISSUER = 'https://issuer.example'

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token of the issuer in the policies. */
export function token(subject: string, claims: Readonly<Record<string, unknown>> = {}): string {
  const now = Math.floor(Date.now() / 1000)
  const signed = [
    base64url({ alg: 'HS256', typ: 'JWT' }),
    base64url({ iss: ISSUER, aud: 'app', sub: subject, iat: now - 5, exp: now + 600, ...claims }),
  ].join('.')
  return `${signed}.${createHmac('sha256', SECRETS.TOKEN_SECRET).update(signed).digest('base64url')}`
}

/** A key, and what a store has to hold of it. */
export const newKey = (id?: string): { readonly key: string; readonly entry: EntryDraft } =>
  newKeyUnder(SECRETS.PEPPER, id, 'build-bot')

/** The bytes of a check as Traefik sends it. */
export function check(path: string, lines: readonly string[], client = '203.0.113.9'): string {
  return [
    'GET /check/traefik HTTP/1.1',
    'Host: postern',
    `X-Forwarded-For: ${client}`,
    'X-Forwarded-Host: app.example.com',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Proto: https',
    `X-Forwarded-Uri: ${path}`,
    ...lines,
    '\r\n',
  ].join('\r\n')
}

export const bearer = (jwt: string): string => `Authorization: Bearer ${jwt}`

/** Revokes everything that a subject has been given up to now. */
export const revoked = (subject: string): EntryDraft => revocationEntry({ issuer: ISSUER, value: subject })
