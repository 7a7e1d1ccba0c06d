import type { EntryDraft, EntryKind } from '../stores/contract.ts'

/**
 * An entry that belongs to nobody and has no other name: all but keys.
 * @param value becomes the body, as JSON
 * @param expires milliseconds since the epoch; null: never
 */
export const entryOf = (
  kind: EntryKind,
  id: string,
  value: unknown,
  expires: number | null = null,
): EntryDraft => ({ kind, id, body: JSON.stringify(value), owner: null, aliases: [], expires })
