import { type Change, type EntryDraft, StoreFault } from '../contract.ts'

/** A row of a Durable Object's SQLite holds 2 MB; the rest is for its id and numbers. */
const ROW = 1_900_000
/** Bytes of one call; the runtime takes 32 MiB. */
const CALL = 24_000_000

/** Refuses what cannot be written, before it is sent: the object would only be able to fail. @throws {StoreFault} */
export function checkSizes(changes: readonly Change[], audit: string | null): void {
  let call = 0
  for (const change of changes) if ('put' in change) call += checked(textsOf(change.put))
  if (audit !== null) call += checked([audit])
  if (call > CALL) throw new StoreFault('unavailable', 'the changes are too large for one write')
}

const textsOf = ({ body, aliases, owner }: EntryDraft): string[] => [
  body,
  JSON.stringify(aliases),
  owner ?? '',
]

/** @returns bytes that the texts of a row take in a call: two for each unit of UTF-16 */
function checked(texts: readonly string[]): number {
  const units = texts.reduce((sum, { length }) => sum + length, 0)
  // A unit takes three bytes of UTF-8 at most: most rows need no closer look.
  if (3 * units > ROW && texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0) > ROW)
    throw new StoreFault('unavailable', 'an entry is too large for a row of the object')
  return 2 * units
}
