import { IMPORTED, importedEntry, PEPPER, pepperEntry } from '../state/peppers.ts'
import type { Change, EntryDraft } from '../stores/contract.ts'
import type { ApiKeyFacts } from './facts.ts'
import type { Desk } from './ledger.ts'

/** The writes that mark a store as holding digests of some kind, or the pepper that has another secret by now. */
export type Marking =
  | { readonly ok: true; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly version: string }

/**
 * What has to be written beside keys, so that a later start can tell whether it has the peppers for them.
 * @param versions pepper versions of the digests that are to be written; null for a plain digest
 */
export async function marking(
  versions: ReadonlySet<string | null>,
  { peppers }: ApiKeyFacts,
  { store, outside }: Desk,
): Promise<Marking> {
  const wanted = [...versions].flatMap((version): EntryDraft[] => {
    if (version === null) return [importedEntry]
    const secret = peppers.find(([known]) => known === version)?.[1]
    return secret === undefined ? [] : [pepperEntry(version, secret, outside.hmacSha256)]
  })
  const known = await store.get(
    'meta',
    wanted.map(({ id }) => id),
  )
  const changes: Change[] = []
  for (const [index, put] of wanted.entries()) {
    const there = known[index] ?? null
    // Two that write the first mark at once write the same.
    if (there === null) changes.push({ put, expected: 'any' })
    else if (there.body !== put.body && put.id !== IMPORTED)
      return { ok: false, version: put.id.slice(PEPPER.length) }
  }
  return { ok: true, changes }
}

export const otherPepper = (version: string): string =>
  `Pepper ${version} has another secret than the one that keys in the store were made with: give it back its secret, and add the new one as another version.`
