/** The credentials that scenarios present, by name. Keys are made anew in every run; nothing here is a secret of anybody. */
import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { JWT_SECRET, UNREACHABLE_ISSUER } from '../e2e/credentials.ts'
import type { Line } from '../e2e/wire.ts'

/** What keys of our own form are made with. */
export const PEPPER = randomBytes(32).toString('hex')

export const ISSUERS = {
  company: 'https://login.example.com',
  partner: 'https://partner.example.net/realms/main',
  vendor: 'https://vendor.example.org/',
} as const

const partnerKeys = await generateKeyPair('ES256', { extractable: true })
const vendorKeys = await generateKeyPair('RS256', { extractable: true })
const stranger = await generateKeyPair('ES256')

/** Public keys as they stand in the policy. */
export const PARTNER_JWK = {
  ...(await exportJWK(partnerKeys.publicKey)),
  kid: 'p1',
  use: 'sig',
  alg: 'ES256',
}
export const VENDOR_PEM = await exportSPKI(vendorKeys.publicKey)

const secret = new TextEncoder().encode(JWT_SECRET)
const now = Math.floor(Date.now() / 1000)

/** Seconds since the epoch up to which subjects and sessions were revoked, before any token of a scenario. */
export const REVOKED_AT = now + 5

type Key = Parameters<SignJWT['sign']>[0]
/** What is undefined is left out of the token. */
type Claims = Readonly<Record<string, unknown>>

async function jwt(
  claims: Claims,
  header: { alg: string; kid?: string; typ?: string } = { alg: 'HS256' },
  key: Key = secret,
): Promise<string> {
  return new SignJWT({ iss: ISSUERS.company, aud: 'app', iat: now, exp: now + 900, ...claims } as JWTPayload)
    .setProtectedHeader(header)
    .sign(key)
}

const partner = (claims: Claims, key: Key = partnerKeys.privateKey): Promise<string> =>
  jwt({ iss: ISSUERS.partner, ...claims }, { alg: 'ES256', kid: 'p1', typ: 'at+jwt' }, key)

const vendor = (claims: Claims): Promise<string> =>
  jwt({ iss: ISSUERS.vendor, ...claims }, { alg: 'RS256' }, vendorKeys.privateKey)

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const unsigned = (alg: string): string =>
  `${base64url({ alg })}.${base64url({ iss: ISSUERS.company, aud: 'app', sub: 'alice', exp: now + 900 })}.`

const bearer = (token: string): Line => ['Authorization', `Bearer ${token}`]

const ownKey = (): string => mintKey('ak', '', PEPPER, hmacSha256, () => randomBytes(1)[0] ?? 0)
const digestOf = (key: string): string => `hmac-sha256:v1:${hmacSha256(PEPPER, key)}`
const importedKey = `ak_${randomBytes(16).toString('hex')}`

const KEYS = {
  deployer: ownKey(),
  roaming: ownKey(),
  future: ownKey(),
  past: ownKey(),
  metered: ownKey(),
  stored: ownKey(),
  revoked: ownKey(),
  withdrawn: ownKey(),
  misfit: ownKey(),
  nobody: ownKey(),
}

/** Digests by name, for policies and stores. */
export const DIGESTS: Readonly<Record<keyof typeof KEYS | 'imported', string>> = {
  ...(Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, digestOf(key)])) as Record<
    keyof typeof KEYS,
    string
  >),
  imported: `sha256:${createHash('sha256').update(importedKey).digest('hex')}`,
}

const key = (text: string): Line => ['X-API-Key', text]
const alice = { sub: 'alice', roles: ['reader'], org: 'acme', email: 'alice@example.com' }
const good = await jwt(alice)

/** Enough to exceed 3 KiB of identity headers. */
const HUGE = Array.from({ length: 90 }, (_, at) => `documents:of-department-number-${at}:read`)

/** A token of a subject that no other scenario has, for what is counted by principal. */
const of = async (sub: string, claims: Claims = {}): Promise<Line> =>
  bearer(await jwt({ ...alice, sub, ...claims }))

/** Made once: the same name is the same credential wherever it is presented. */
const PRESENTED = {
  reader: bearer(good),
  'reader of another spelling': ['authorization', `bEARER ${good}`],
  editor: await of('erin', { roles: ['editor'] }),
  admin: await of('root', { roles: ['admin'], email: undefined, org: undefined }),
  'caller of alpha': await of('ada', { roles: ['alpha'] }),
  'token without roles': await of('norah', { roles: undefined }),
  'token with an unknown role': await of('ulla', { roles: ['reader', 'emperor'] }),
  'token with own permissions': await of('pia', { roles: [], permissions: ['docs:read', 'mcp:beta:call'] }),
  'token without tenant': await of('tom', { org: undefined }),
  'token of umbrella': await of('uma', { org: 'umbrella' }),
  'first of initech': await of('irma', { org: 'initech' }),
  'second of initech': await of('ivan', { org: 'initech' }),
  'token with capitals in its tenant': await of('cato', { org: 'ACME' }),
  'token with scopes': await of('scott', { scope: 'items:read items:write' }),
  'token with one scope': await of('sven', { scope: 'items:read' }),
  'token with a second factor': await of('otto', { amr: ['pwd', 'otp'], acr: 'silver', auth_time: now }),
  'token with a password': await of('pat', { amr: ['pwd'], acr: 'silver', auth_time: now }),
  'token of a weak context': await of('wes', { amr: ['pwd', 'otp'], acr: 'bronze', auth_time: now }),
  'token of an old sign-in': await of('olga', { amr: ['pwd', 'otp'], acr: 'silver', auth_time: now - 4000 }),
  'token that does not say when': await of('nick', { amr: ['pwd', 'otp'], acr: 'silver' }),
  'token with odd letters': await of('zoë, %\r\n', { email: 'zoë@exämple.com', org: '北' }),
  'token with too much': await of('max', { permissions: HUGE }),
  'token with a numeric sub': await of('x', { sub: 7 }),
  'token of two audiences': await of('ann', { aud: ['other', 'app'] }),
  'token for others': await of('eve', { aud: 'other' }),
  'expired token': await of('eva', { iat: now - 2000, exp: now - 1000 }),
  'premature token': await of('pru', { nbf: now + 1000 }),
  'token of the future': await of('fay', { iat: now + 1000 }),
  'token without exp': await of('ned', { exp: undefined }),
  'forged token': bearer(await jwt(alice, { alg: 'HS256' }, randomBytes(32))),
  'token with alg none': bearer(`${unsigned('none')}AAAA`),
  'token with an empty signature': bearer(unsigned('HS256')),
  'token with an alg of others': bearer(await jwt({ ...alice, iss: ISSUERS.partner })),
  'token of a logout': bearer(await jwt(alice, { alg: 'HS256', typ: 'logout+jwt' })),
  'token of a stranger': await of('sid', { iss: 'https://evil.example.com' }),
  'token of an unreachable issuer': bearer(
    await jwt({ iss: UNREACHABLE_ISSUER, sub: 'alice' }, { alg: 'ES256' }, stranger.privateKey),
  ),
  'revoked token': await of('rita', { jti: 'revoked-1' }),
  'token of a revoked subject': await of('ron'),
  'token of a revoked session': await of('rob', { sid: 'revoked-session' }),
  'token of a partner': bearer(await partner({ sub: 'p-1', realm: { roles: ['reader'] }, tid: 'acme' })),
  'forged token of a partner': bearer(await partner({ sub: 'p-1' }, stranger.privateKey)),
  'token of a partner without type': bearer(
    await jwt({ iss: ISSUERS.partner, sub: 'p-1' }, { alg: 'ES256', kid: 'p1' }, partnerKeys.privateKey),
  ),
  'token of a vendor': bearer(await vendor({ sub: 'v-1', roles: 'reader editor', org: 'acme' })),
  'old token of a vendor': bearer(await vendor({ sub: 'v-1', iat: now - 7200 })),
  'token of a vendor without iat': bearer(await vendor({ sub: 'v-1', iat: undefined })),
  'garbage as a token': bearer('not.a.token'),
  'a huge token': bearer(`${'a'.repeat(4200)}.${'b'.repeat(4200)}.c`),
  'nothing behind Bearer': ['Authorization', 'Bearer'],
  'another scheme': ['Authorization', 'Basic YWxpY2U6c2VjcmV0'],
  'configured key': key(KEYS.deployer),
  'imported key': key(importedKey),
  'roaming key': key(KEYS.roaming),
  'premature key': key(KEYS.future),
  'expired key': key(KEYS.past),
  'metered key': key(KEYS.metered),
  'stored key': key(KEYS.stored),
  'revoked key': key(KEYS.revoked),
  'key of a revoked subject': key(KEYS.withdrawn),
  'stored key with a limit that is gone': key(KEYS.misfit),
  'unknown key': key(KEYS.nobody),
  'mistyped key': key(`${KEYS.deployer.slice(0, -1)}${KEYS.deployer.endsWith('0') ? '1' : '0'}`),
  'unknown key of the imported form': key(`ak_${randomBytes(16).toString('hex')}`),
  'a huge key': key('k'.repeat(300)),
  'an empty key': key(''),
} as const satisfies Readonly<Record<string, Line>>

export type CredentialName = keyof typeof PRESENTED

/** The header line of a credential. */
export const lineOf = (name: CredentialName): Line => PRESENTED[name]
