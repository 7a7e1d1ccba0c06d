/** Why a request was denied, and what the caller is told. The only table of its kind: docs/reasons.md derives from it. */

interface ReasonEntry {
  /** The true status; a proxy adapter may have to send another one in its place. */
  readonly status: 400 | 401 | 403 | 429 | 503
  /** The code that the caller sees: coarse wherever detail would help a stranger. */
  readonly public: string
  /** What the operator should understand. One sentence, for docs/reasons.md. */
  readonly meaning: string
  /** Whether honest clients hardly ever cause it: what was presented was never good, so that somebody may be guessing. */
  readonly guess?: true
}

const invalid = { status: 401, public: 'credential_invalid' } as const
const guess = { ...invalid, guess: true } as const
const unavailable = { status: 503, public: 'unavailable' } as const
const forbidden = { status: 403, public: 'forbidden' } as const

const TABLE = {
  request_malformed: {
    status: 400,
    public: 'request_malformed',
    meaning: 'A field that the proxy contract requires is missing, empty, repeated or not of its form.',
  },
  path_malformed: {
    status: 400,
    public: 'path_malformed',
    meaning:
      'The path holds what no honest client sends: a dot segment, a control byte, a bad escape, a raw backslash, a second leading slash.',
  },
  path_ambiguous: {
    status: 400,
    public: 'path_ambiguous',
    meaning:
      'Common readings of the path lead to different routes or parameters, so no single policy can be applied; or it has more of them, or is longer with so many, than are worked out, as it may be with a URL of more than 300 characters in one segment, or of more than 130 where it holds another, encoded twice.',
  },
  header_alias: {
    status: 400,
    public: 'header_alias',
    meaning: 'The request carries another spelling of an identity header, or names one in Connection.',
  },
  credential_repeated: {
    status: 400,
    public: 'credential_repeated',
    meaning: 'One credential was presented twice, or two different ones were both good.',
  },
  credential_missing: {
    status: 401,
    public: 'credential_missing',
    meaning: 'The route demands a credential and none of the accepted types was presented.',
  },
  credential_malformed: {
    ...guess,
    meaning: "The presented credential is not of its type's form, or too long.",
  },
  credential_invalid: {
    ...guess,
    meaning: 'The presented token does not verify: signature, issuer, audience, type or a claim.',
  },
  credential_expired: {
    status: 401,
    public: 'credential_expired',
    meaning: "The token verifies but has expired or is older than the issuer's maximum age.",
  },
  issuer_refused: {
    ...guess,
    meaning: "The token's issuer is unknown or not accepted on this route.",
  },
  key_unknown: { ...guess, meaning: 'No API key with this digest.' },
  key_premature: { ...invalid, meaning: 'The API key may not be used yet.' },
  key_expired: { ...invalid, meaning: 'The API key has expired.' },
  key_revoked: { ...invalid, meaning: 'The API key was revoked.' },
  key_network: { ...invalid, meaning: "The API key may not be used from the client's network." },
  credential_revoked: {
    ...invalid,
    meaning: 'The credential, its subject, its session or its issuer was revoked after it was issued.',
  },
  authentication_insufficient: {
    status: 401,
    public: 'insufficient_user_authentication',
    meaning: 'The route demands a second factor, an authentication context or a more recent sign-in.',
  },
  proxy_untrusted: {
    ...forbidden,
    meaning: 'The check does not come from a configured proxy: its peer address or secret does not fit.',
  },
  client_banned: { ...forbidden, meaning: 'The client is banned, by the penalty box or by hand.' },
  route_missing: { ...forbidden, meaning: 'No route matches the request.' },
  network_denied: {
    ...forbidden,
    meaning: "The route's networks exclude the client's address, or that address is unknown.",
  },
  place_denied: {
    ...forbidden,
    meaning:
      "The route's countries or AS numbers exclude the client, or nobody whom the policy trusts says where it is.",
  },
  origin_denied: { ...forbidden, meaning: "The request's Origin is not one that the route accepts." },
  role_missing: { ...forbidden, meaning: 'The principal has none of the roles that the route demands.' },
  permission_missing: {
    ...forbidden,
    meaning:
      'The principal lacks a permission that the route demands, or the path parameter in it cannot be part of one.',
  },
  scope_missing: {
    status: 403,
    public: 'insufficient_scope',
    meaning: 'The token lacks a scope that the route demands.',
  },
  tenant_mismatch: {
    ...forbidden,
    meaning: 'The principal belongs to another tenant than the request names.',
  },
  tenant_missing: { ...forbidden, meaning: 'A limit counts by tenant and the principal has none.' },
  identity_too_large: {
    ...forbidden,
    meaning: 'The identity headers would exceed 3 KiB; they are never cut.',
  },
  limit_exceeded: {
    status: 429,
    public: 'limit_exceeded',
    meaning: 'A limit has no quota left for this request.',
  },
  shield_exceeded: {
    status: 429,
    public: 'limit_exceeded',
    meaning: "The shield's coarse count of this place is used up for the client.",
  },
  connections_exceeded: {
    status: 429,
    public: 'limit_exceeded',
    meaning: 'As many connections are open as the route allows the client or the principal.',
  },
  limit_unavailable: {
    ...unavailable,
    meaning: 'The store does not answer, and a limit of the route says `onOutage: deny`.',
  },
  revocations_unavailable: {
    ...unavailable,
    meaning:
      'The store has not answered since the service was started, so nobody can say whether the credential was revoked.',
  },
  key_unavailable: {
    ...unavailable,
    meaning:
      'The store does not answer and nothing recent is known of the API key, so it can be neither accepted nor rejected.',
  },
  key_unusable: {
    ...unavailable,
    meaning: 'The record of the API key holds what the policy does not know, such as a limit that is gone.',
  },
  issuer_unavailable: {
    ...unavailable,
    meaning: "The issuer's keys cannot be had right now, so the token can be neither accepted nor rejected.",
  },
  internal: {
    ...unavailable,
    meaning: 'An unexpected error occurred while deciding; the record holds its cause.',
  },
} as const satisfies Record<string, ReasonEntry>

/** Stable code of a denial: in records, metrics and docs exact, towards the caller `REASONS[reason].public`. */
export type Reason = keyof typeof TABLE

export const REASONS: Readonly<Record<Reason, ReasonEntry>> = TABLE
