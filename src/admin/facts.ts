import type { Network } from '../core/address.ts'
import type { ApiKeysSection } from '../credentials/api-key.ts'

/** What the admin API knows of the policy in force: names to hold others against, and who may ask. */
export interface Facts {
  readonly roles: ReadonlySet<string>
  readonly limits: ReadonlySet<string>
  /** Issuers of tokens: their name in the policy and their exact `iss`. */
  readonly issuers: readonly { readonly name: string; readonly issuer: string }[]
  /** Null when the policy has no API keys. */
  readonly apiKeys: ApiKeyFacts | null
  /** Networks that are never banned. */
  readonly spared: readonly Network[]
  readonly tokens: readonly AdminToken[]
  /** What each token may ask: GCRA with `interval` microseconds a request. */
  readonly limit: { readonly interval: number; readonly burst: number }
}

/** How API keys are made and told apart. */
export interface ApiKeyFacts {
  /** What keys start with, before the last underscore; the environment may be part of it. */
  readonly prefix: string
  /** Version and secret; the last one signs, all of them verify. */
  readonly peppers: readonly (readonly [version: string, secret: string])[]
  /** Keys that stand in the policy file: id by digest. */
  readonly policyKeys: ReadonlyMap<string, string>
}

/** Who may use the admin API. */
export interface AdminToken {
  readonly name: string
  /** `sha256:` and 64 lower-case hexadecimal digits: SHA-256 over the token. */
  readonly digest: string
  readonly role: AdminRole
}

/** A reader may look, a writer may also change. */
export type AdminRole = 'reader' | 'writer'

/** What the `apiKeys` section of a policy says; its secrets have been resolved. */
export function apiKeyFacts(section: ApiKeysSection | undefined): ApiKeyFacts | null {
  if (section === undefined) return null
  const policyKeys = new Map<string, string>()
  for (const [id, { digest }] of Object.entries(section.keys)) {
    const text = typeof digest === 'string' ? digest : digest.value
    if (text !== null) policyKeys.set(text, id)
  }
  return {
    prefix: section.prefix,
    peppers: Object.entries(section.peppers).flatMap(([version, { value }]) =>
      value === null ? [] : [[version, value] as const],
    ),
    policyKeys,
  }
}

/** The pepper that new digests are made with; undefined when there is none. */
export const signingPepper = ({ peppers }: ApiKeyFacts): readonly [string, string] | undefined =>
  peppers.at(-1)

/** The part of a prefix behind its underscore (`ak_live`); null when it has none. */
export const environmentOf = ({ prefix }: ApiKeyFacts): string | null => prefix.split('_')[1] ?? null
