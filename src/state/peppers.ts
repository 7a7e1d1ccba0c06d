import type { EntryDraft } from '../stores/contract.ts'
import { entryOf } from './entry.ts'

/** Id of the `meta` entry that says that the store holds keys by plain SHA-256 digests. */
export const IMPORTED = 'imported-digests'

/** Ids of `meta` entries that say which peppers digests in the store were made with. */
export const PEPPER = 'pepper:'

/** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
type Hmac = (key: string, text: string) => string

const fingerprint = (secret: string, hmac: Hmac): string =>
  hmac(secret, 'postern pepper fingerprint').slice(0, 32)

/** Marks a store as holding digests made with a pepper; tells nobody the pepper. */
export const pepperEntry = (version: string, secret: string, hmac: Hmac): EntryDraft =>
  entryOf('meta', `${PEPPER}${version}`, { v: 1, fingerprint: fingerprint(secret, hmac) })

/** Marks a store as holding plain SHA-256 digests. */
export const importedEntry: EntryDraft = entryOf('meta', IMPORTED, { v: 1 })

/** How a store's peppers and a policy's fit together. */
export interface PepperFindings {
  /** Versions that have another secret than the one that the store's keys were made with: none of those would work. */
  readonly different: readonly string[]
  /** Versions that keys in the store may have and the policy does not list: those are refused. */
  readonly missing: readonly string[]
}

/** Compares. @param marks `meta` entries of the store, as `[id, body]` */
export function comparePeppers(
  marks: readonly (readonly [id: string, body: string])[],
  peppers: ReadonlyMap<string, string>,
  hmac: Hmac,
): PepperFindings {
  const different: string[] = []
  const missing: string[] = []
  for (const [id, body] of marks) {
    if (!id.startsWith(PEPPER)) continue
    const version = id.slice(PEPPER.length)
    const secret = peppers.get(version)
    if (secret === undefined) missing.push(version)
    else if (pepperEntry(version, secret, hmac).body !== body) different.push(version)
  }
  return { different, missing }
}
