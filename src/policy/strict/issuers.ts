import { isSymmetric } from '../../credentials/jwt/algorithms.ts'
import type { IssuersSection } from '../../credentials/jwt/section.ts'
import type { Policy } from '../schema.ts'
import type { Item } from './item.ts'

/** A policy knows the sections of credential types only as wide as their schemas say. */
const issuersOf = (policy: Policy) =>
  Object.entries((policy as { readonly issuers?: IssuersSection }).issuers ?? {})

/** Milliseconds that a token may be old: what most issuers give access tokens, and long enough for a thief. */
const MAX_AGE = 3_600_000
const MAX_SKEW = 60_000

/** Tells every issuer whose `keys.allow` lets a fetch do what is not done without it. */
const allowing =
  (what: 'http' | 'private', message: string): NonNullable<Item['look']> =>
  (policy, tell) => {
    for (const [name, { keys }] of issuersOf(policy))
      for (const [index, allowed] of (keys.allow ?? []).entries())
        if (allowed === what) tell(['issuers', name, 'keys', 'allow', index], message)
  }

export const ISSUER_ITEMS: readonly Item[] = [
  {
    id: 'issuer-https',
    what: 'Key sets are fetched over https.',
    why: 'Whoever stands between Postern and the issuer hands out keys of his own, and signs what he likes.',
    how: 'Use https and leave `http` out of `keys.allow`; or keep the public key beside the policy, as `pem` or `jwk`.',
    look: allowing('http', 'takes keys in the clear: use https, pem or jwk'),
  },
  {
    id: 'issuer-public',
    what: 'Key sets come from public addresses.',
    why: '`private` switches off the guard that keeps fetches away from loopback, metadata services and internal hosts, should the name of the issuer ever lead there.',
    how: 'Leave `private` out of `keys.allow`. An issuer that lives in your own network is a reason to accept this; or give its key as `pem` or `jwk`.',
    look: allowing('private', 'lets fetches reach internal hosts: use a public address, pem or jwk'),
  },
  {
    id: 'issuer-asymmetric',
    what: 'Tokens are signed with private keys, not with a shared secret.',
    why: 'Everybody who can verify an HMAC can sign as well: each service that holds the secret is an issuer.',
    how: 'Use ES256, EdDSA or RS256 with `jwks`, `discovery`, `pem` or `jwk`.',
    look(policy, tell) {
      for (const [name, { algorithms }] of issuersOf(policy))
        if (algorithms.some(isSymmetric))
          tell(['issuers', name, 'algorithms'], 'are of a shared secret: use ES256, EdDSA or RS256')
    },
  },
  {
    id: 'issuer-max-age',
    what: 'Tokens are good for an hour at most.',
    why: 'Tokens are not bound to a client: whoever has one may use it until it expires or is revoked. An issuer that hands out long ones by mistake is held to this too.',
    how: 'Write `maxAge: 1h` or less.',
    look(policy, tell) {
      for (const [name, { maxAge }] of issuersOf(policy)) {
        if (maxAge === undefined)
          tell(['issuers', name], 'takes tokens of any age: write maxAge, of 1h or less')
        else if (maxAge > MAX_AGE)
          tell(['issuers', name, 'maxAge'], 'is long for what a thief may use: write 1h or less')
      }
    },
  },
  {
    id: 'issuer-skew',
    what: 'Clocks may differ by a minute at most.',
    why: 'By as much an expired token lives on.',
    how: 'Leave `clockSkew` at 30s and keep clocks right (NTP).',
    look(policy, tell) {
      for (const [name, { clockSkew }] of issuersOf(policy))
        if (clockSkew > MAX_SKEW)
          tell(['issuers', name, 'clockSkew'], 'lets expired tokens live on: write 1m or less')
    },
  },
  {
    id: 'issuer-typ',
    what: 'The type of access tokens is named.',
    why: 'Without it a token of another kind with the same audience, an ID token for one, is taken for an access token (RFC 8725 section 3.11).',
    how: 'Write `typ: at+jwt` (RFC 9068), or whatever your issuer puts there. An issuer that names no type is a reason to accept this: then give the API an audience that no client has.',
    look(policy, tell) {
      for (const [name, { typ }] of issuersOf(policy))
        if (typ === undefined)
          tell(['issuers', name], 'takes tokens whatever they were made for: write typ, such as at+jwt')
    },
  },
  {
    id: 'issuer-permissions',
    what: 'Tokens name roles; what a role may do stands in the policy.',
    why: 'Permissions that a token brings are granted as they are, and `*` is one of them.',
    how: 'Leave `claims.permissions` out and map roles. An issuer that you trust with your permissions is a reason to accept this.',
    look(policy, tell) {
      for (const [name, { claims }] of issuersOf(policy))
        if (claims.permissions !== undefined)
          tell(
            ['issuers', name, 'claims', 'permissions'],
            'lets tokens grant themselves anything, `*` included: map roles',
          )
    },
  },
]
