/** What is presented, and what each of it is worth. */

import type { CredentialName } from '../credentials.ts'
import { fails, identityOf, passes, type Scenario, type Seen, STRANGER } from '../scenario.ts'
import { ALICE, DEPLOYER, keyNamed, PARTNER, readerNamed, VENDOR } from './known.ts'

const policy = 'main'

const presented = (
  id: string,
  says: string,
  feature: string,
  target: string,
  credentials: readonly CredentialName[],
  expected: Seen,
  request: Partial<Scenario['request']> = {},
): Scenario => ({
  id: `credential/${id}`,
  says,
  policy,
  feature,
  request: { ...request, target, credentials },
  expected,
})

const INVALID = fails('credential_invalid', 401)
const MALFORMED = fails('credential_malformed', 401)
const EXPIRED = fails('credential_expired', 401)
const MISSING = fails('credential_missing', 401)
const REPEATED = fails('credential_repeated', 400)
const UNKNOWN = fails('key_unknown', 401)

const ODD = identityOf({
  id: 'zo%C3%AB%2C%20%25%0D%0A',
  email: 'zo%C3%AB@ex%C3%A4mple.com',
  roles: 'reader',
  permissions: 'docs:read',
  tenant: '%E5%8C%97',
  method: 'jwt:company',
})

export const credentials: readonly Scenario[] = [
  presented('hs256', 'A token signed with a shared secret passes', 'any credential', '/docs/a', ['reader'], passes(ALICE)),
  presented('es256', 'A token signed with the key of a JWK passes', 'any credential', '/docs/a', ['token of a partner'], passes(PARTNER)),
  presented('rs256', 'A token signed with the key of a PEM passes', 'any credential', '/docs/a', ['token of a vendor'], passes(VENDOR)),
  presented('key', 'A configured key passes', 'any credential', '/docs/a', ['configured key'], passes(DEPLOYER)),
  presented('key-imported', 'A key passes of which only an imported digest is known', 'any credential', '/docs/a', ['imported key'], passes(keyNamed('old-cli'))),
  presented('key-stored', 'A key passes that the store holds', 'any credential', '/docs/a', ['stored key'], passes(keyNamed('stored-bot', 'acme'))),
  presented('none', 'Who presents nothing is asked for a credential', 'any credential', '/docs/a', [], MISSING),
  presented('scheme', 'The scheme of a bearer token has no case, nor has the name of its header', 'any credential', '/docs/a', ['reader of another spelling'], passes(ALICE)),
  presented('basic', 'Another scheme is somebody else’s credential', 'any credential', '/docs/a', ['another scheme'], MISSING),
  presented('forged', 'A token signed by somebody else is refused', 'any credential', '/docs/a', ['forged token'], INVALID),
  presented('forged-partner', 'A token signed with another key than the JWK is refused', 'any credential', '/docs/a', ['forged token of a partner'], INVALID),
  presented('alg-none', 'A token that says it needs no signature is refused', 'any credential', '/docs/a', ['token with alg none'], INVALID),
  presented('unsigned', 'A token with nothing in the place of its signature is none', 'any credential', '/docs/a', ['token with an empty signature'], MALFORMED),
  presented('alg-other', 'A token never chooses an algorithm that its issuer has not', 'any credential', '/docs/a', ['token with an alg of others'], INVALID),
  presented('typ', 'A logout token is no access token', 'any credential', '/docs/a', ['token of a logout'], INVALID),
  presented('typ-required', 'Where a type is required, a token without is refused', 'any credential', '/docs/a', ['token of a partner without type'], INVALID),
  presented('audience', 'A token for others is refused', 'any credential', '/docs/a', ['token for others'], INVALID),
  presented('audience-list', 'A token for several passes where we are one of them', 'any credential', '/docs/a', ['token of two audiences'], passes(readerNamed('ann'))),
  presented('expired', 'An expired token says so', 'any credential', '/docs/a', ['expired token'], EXPIRED),
  presented('too-old', 'A token older than its issuer allows has expired', 'any credential', '/docs/a', ['old token of a vendor'], EXPIRED),
  presented('ageless', 'Where an age is limited, a token that does not say its age is refused', 'any credential', '/docs/a', ['token of a vendor without iat'], INVALID),
  presented('premature', 'A token that is not yet valid is refused', 'any credential', '/docs/a', ['premature token'], INVALID),
  presented('future', 'A token issued in the future is refused', 'any credential', '/docs/a', ['token of the future'], INVALID),
  presented('endless', 'A token without an end is refused', 'any credential', '/docs/a', ['token without exp'], INVALID),
  presented('sub-number', 'A token that says nobody’s name is refused', 'any credential', '/docs/a', ['token with a numeric sub'], INVALID),
  presented('garbage', 'Garbage is no token', 'any credential', '/docs/a', ['garbage as a token'], MALFORMED),
  presented('huge', 'A token beyond 8 KiB is not looked at', 'any credential', '/docs/a', ['a huge token'], MALFORMED),
  presented('bearer-empty', 'Bearer with nothing behind it counts as presented', 'any credential', '/docs/a', ['nothing behind Bearer'], MALFORMED),
  presented('stranger', 'A token of an unknown issuer is refused', 'any credential', '/docs/a', ['token of a stranger'], fails('issuer_refused', 401)),
  presented('issuer-elsewhere', 'A token of an issuer that the route does not list is refused', 'one issuer', '/partner/a', ['reader'], fails('issuer_refused', 401)),
  presented('issuer-own', 'A token of the issuer that the route lists passes', 'one issuer', '/partner/a', ['token of a partner'], passes(PARTNER)),
  presented('issuer-vendor', 'A route of one issuer asks nobody else', 'one issuer', '/vendor/a', ['token of a vendor'], passes(VENDOR)),
  presented('issuer-key', 'A key that the route does not list is ignored', 'one issuer', '/company/a', ['configured key'], MISSING),
  presented('issuer-key-and-token', 'A credential that the route does not list is ignored beside one that it lists', 'one issuer', '/company/a', ['reader', 'unknown key'], passes(ALICE)),
  presented('keys-only', 'A token that the route does not list is ignored', 'keys alone', '/keys/a', ['reader'], MISSING),
  presented('keys-only-key', 'A key passes where keys alone are listed', 'keys alone', '/keys/a', ['configured key'], passes(DEPLOYER)),
  presented('keys-only-mixed', 'A forged token beside a good key is ignored where tokens are not listed', 'keys alone', '/keys/a', ['configured key', 'forged token'], passes(DEPLOYER)),
  presented('either-none', 'Where strangers are let in too, who presents nothing is a stranger', 'anonymous as well', '/either/a', [], passes(STRANGER)),
  presented('either-token', 'Where strangers are let in too, who presents a token is known', 'anonymous as well', '/either/a', ['reader'], passes(ALICE)),
  presented('either-key', 'Where strangers are let in too, who presents a key is known', 'anonymous as well', '/either/a', ['configured key'], passes(DEPLOYER)),
  presented('either-bad', 'A bad token does not make a stranger of its bearer', 'anonymous as well', '/either/a', ['forged token'], INVALID),
  presented('either-expired', 'An expired token does not make a stranger of its bearer', 'anonymous as well', '/either/a', ['expired token'], EXPIRED),
  presented('either-bad-key', 'A bad key does not make a stranger of its bearer', 'anonymous as well', '/either/a', ['unknown key'], UNKNOWN),
  presented('either-empty-key', 'An empty key counts as presented', 'anonymous as well', '/either/a', ['an empty key'], MALFORMED),
  presented('strangers-only', 'Where only strangers are listed, a bad token is nobody’s business', 'anonymous alone', '/public/a', ['forged token'], passes(STRANGER)),
  presented('twice', 'The same token twice is refused', 'any credential', '/docs/a', ['reader', 'reader'], REPEATED),
  presented('twice-other', 'A bad token behind a good one is a repetition', 'any credential', '/docs/a', ['reader', 'forged token'], REPEATED),
  presented('twice-scheme', 'A bad token behind a credential of another scheme does not make a stranger of its bearer', 'anonymous as well', '/either/a', ['another scheme', 'forged token'], REPEATED),
  presented('twice-key', 'Two keys are refused', 'any credential', '/docs/a', ['configured key', 'imported key'], REPEATED),
  presented('two-good', 'Two good credentials of different types contradict each other', 'any credential', '/docs/a', ['reader', 'configured key'], REPEATED),
  presented('good-and-bad-key', 'A bad key is not rescued by a good token', 'any credential', '/docs/a', ['reader', 'unknown key'], UNKNOWN),
  presented('bad-token-and-key', 'A bad token is not rescued by a good key', 'any credential', '/docs/a', ['forged token', 'configured key'], INVALID),
  presented('key-unknown', 'A key of our making that nobody holds is unknown', 'any credential', '/docs/a', ['unknown key'], UNKNOWN),
  presented('key-mistyped', 'A key with a typing error is unknown', 'any credential', '/docs/a', ['mistyped key'], UNKNOWN),
  presented('key-imported-unknown', 'A key of the imported form that nobody holds is unknown', 'any credential', '/docs/a', ['unknown key of the imported form'], UNKNOWN),
  presented('key-huge', 'A key beyond 256 characters is not looked at', 'any credential', '/docs/a', ['a huge key'], MALFORMED),
  presented('key-premature', 'A key may not be used before its time', 'any credential', '/docs/a', ['premature key'], fails('key_premature', 401)),
  presented('key-expired', 'A key may not be used after its time', 'any credential', '/docs/a', ['expired key'], fails('key_expired', 401)),
  presented('key-revoked', 'A revoked key is refused', 'any credential', '/docs/a', ['revoked key'], fails('key_revoked', 401)),
  presented('key-withdrawn', 'A key of a revoked subject is refused', 'any credential', '/docs/a', ['key of a revoked subject'], fails('credential_revoked', 401)),
  presented('key-misfit', 'A key whose limit the policy no longer has can be neither good nor bad', 'any credential', '/docs/a', ['stored key with a limit that is gone'], fails('key_unusable', 503)),
  presented('key-network', 'A key with networks passes from there', 'networks of a key', '/docs/a', ['roaming key'], passes(keyNamed('roaming')), { client: '10.4.4.4' }),
  presented('key-network-v6', 'A key with IPv6 networks passes from there', 'IPv6 networks of a key', '/docs/a', ['roaming key'], passes(keyNamed('roaming')), { client: '2001:db8:7::4' }),
  presented('key-network-out', 'A key with networks is refused from elsewhere', 'networks of a key', '/docs/a', ['roaming key'], fails('key_network', 401), { client: '203.0.113.44' }),
  presented('revoked', 'A revoked token is refused', 'any credential', '/docs/a', ['revoked token'], fails('credential_revoked', 401)),
  presented('revoked-subject', 'A token of a revoked subject is refused', 'any credential', '/docs/a', ['token of a revoked subject'], fails('credential_revoked', 401)),
  presented('revoked-session', 'A token of a revoked session is refused', 'any credential', '/docs/a', ['token of a revoked session'], fails('credential_revoked', 401)),
  presented('unreachable', 'A token whose issuer cannot be asked is neither good nor bad', 'issuer out of reach', '/unreachable/a', ['token of an unreachable issuer'], fails('issuer_unavailable', 503)),
  presented('unreachable-none', 'Who presents nothing need not wait for an issuer', 'issuer out of reach', '/unreachable/a', [], MISSING),
  presented('unreachable-bad-key', 'A bad key is bad whatever an issuer would say', 'issuer out of reach or a key', '/unreachable/or-key/a', ['token of an unreachable issuer', 'unknown key'], UNKNOWN),
  presented('unreachable-good-key', 'A good key does not stand for a token that nobody can judge', 'issuer out of reach or a key', '/unreachable/or-key/a', ['token of an unreachable issuer', 'configured key'], fails('issuer_unavailable', 503)),
  presented('odd-letters', 'Claims are percent-encoded, so that none ends a header or splits a list', 'identity', '/company/a', ['token with odd letters'], passes(ODD)),
  presented('too-much', 'An identity beyond 3 KiB is refused, never cut', 'identity', '/company/a', ['token with too much'], fails('identity_too_large', 403)),
  presented('own-permissions', 'Permissions of the token itself are told', 'identity', '/company/a', ['token with own permissions'], passes(readerNamed('pia', { roles: '', permissions: 'docs:read,mcp:beta:call' }))),
  presented('unknown-role', 'A role that the policy does not know is dropped', 'identity', '/company/a', ['token with an unknown role'], passes(readerNamed('ulla'))),
  presented('no-roles', 'What is unknown of a principal is told as empty', 'identity', '/company/a', ['token without roles'], passes(readerNamed('norah', { roles: '', permissions: '' }))),
] // biome-ignore format: a table
