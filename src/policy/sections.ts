import type { CredentialType } from '../credentials/contract.ts'
import type { Draft } from './draft.ts'
import type { Policy } from './schema.ts'

/** A credential type's own section; undefined when the policy has none. Only the type knows what is in it. */
export function sectionOf(policy: Policy | Draft, { section }: CredentialType): unknown {
  return section === null ? undefined : (policy as Readonly<Record<string, unknown>>)[section.name]
}

/** The credential type that a route's entry names, with what stands behind the colon. */
export function splitCredential(entry: string): { readonly type: string; readonly variant: string | null } {
  const colon = entry.indexOf(':')
  return colon < 0
    ? { type: entry, variant: null }
    : { type: entry.slice(0, colon), variant: entry.slice(colon + 1) }
}
