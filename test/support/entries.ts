/** Entries as the admin API puts them into a store. */
import { randomBytes } from 'node:crypto'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { entryOf as loneEntryOf } from '../../src/state/entry.ts'
import { type Revocation, revocationId } from '../../src/state/revocation.ts'
import type { EntryDraft } from '../../src/stores/contract.ts'

/** An entry that belongs to nobody and lasts. */
export const entryOf = (
  kind: EntryDraft['kind'],
  id: string,
  body: unknown,
  part: Partial<EntryDraft> = {},
): EntryDraft => ({
  ...loneEntryOf(kind, id, body),
  ...part,
})

/** The record of a key for a digest that somebody has the key of. */
export const keyEntry = (id: string, digest: string, part: object = {}, owner = 'bot'): EntryDraft =>
  entryOf(
    'key',
    id,
    {
      v: 1,
      owner,
      environment: null,
      status: 'active',
      digests: [{ digest, until: null, start: null }],
      created: 0,
      updated: 0,
      ...part,
    },
    { owner, aliases: [digest] },
  )

/** A fresh key under pepper `v1`, and what a store has to hold of it. */
export function newKey(
  pepper: string,
  id = `key_${randomBytes(8).toString('hex')}`,
  owner = 'bot',
): { readonly key: string; readonly entry: EntryDraft } {
  const key = mintKey('ak', '', pepper, hmacSha256, () => randomBytes(1)[0] ?? 0)
  return { key, entry: keyEntry(id, `hmac-sha256:v1:${hmacSha256(pepper, key)}`, {}, owner) }
}

/** A revocation; without more said, of everything that a subject was given up to now. */
export function revocationEntry(part: Partial<Revocation>, expires: number | null = null): EntryDraft {
  const one: Revocation = {
    v: 1,
    what: 'subject',
    issuer: 'https://a.example',
    value: 'ann',
    before: Math.floor(Date.now() / 1000),
    reason: null,
    by: 'test',
    created: Date.now(),
    ...part,
  }
  return entryOf('revocation', revocationId(one), one, { expires })
}
