/** What clients of these suites present. Made anew in every run. */
import { createHmac, randomBytes } from 'node:crypto'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { type Revocation, revocationId } from '../../src/state/revocation.ts'
import type { EntryDraft } from '../../src/stores/contract.ts'

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
export function newKey(id = `key_${randomBytes(8).toString('hex')}`): { key: string; entry: EntryDraft } {
  const key = mintKey('ak', '', SECRETS.PEPPER, hmacSha256, () => randomBytes(1)[0] ?? 0)
  const digest = `hmac-sha256:v1:${hmacSha256(SECRETS.PEPPER, key)}`
  return { key, entry: keyEntry(id, digest) }
}

/** The record of a key as the admin API makes it, for a digest that somebody else has the key of. */
export function keyEntry(id: string, digest: string): EntryDraft {
  const record = {
    v: 1,
    owner: 'build-bot',
    environment: null,
    status: 'active',
    digests: [{ digest, until: null, start: null }],
    created: 0,
    updated: 0,
  }
  return {
    kind: 'key',
    id,
    body: JSON.stringify(record),
    owner: 'build-bot',
    aliases: [digest],
    expires: null,
  }
}

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
export function revoked(subject: string): EntryDraft {
  const one: Revocation = {
    v: 1,
    what: 'subject',
    issuer: ISSUER,
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
