import type { Entry, EntryDraft, EntryKind } from '../contract.ts'
import type { ScriptReply } from './runner.ts'

/** The parts of a record that the client writes: see keys.ts. */
export interface RecordParts {
  readonly expires: string
  readonly owner: string
  readonly head: string
  readonly body: string
}

/** @param ownerHash what the owner is called in the index; '' for none */
export function partsOf({ owner, aliases, expires, body }: EntryDraft, ownerHash: string): RecordParts {
  // What is not well-formed could not be sent as it is, and Lua's JSON would refuse its escape.
  const named = aliases.map((alias) => alias.toWellFormed())
  const head = owner === null ? { a: named } : { o: owner.toWellFormed(), h: ownerHash, a: named }
  // A time that no integer can hold is as good as never.
  const ends = expires !== null && Math.abs(expires) <= Number.MAX_SAFE_INTEGER
  return {
    expires: ends ? String(Math.max(0, Math.ceil(expires))) : '',
    owner: ownerHash,
    head: JSON.stringify(head),
    body,
  }
}

const RECORD = /^(\d+) (\d*)\n([^\n]*)\n/

/** The entry in a reply; null where there is none. Throws on what no version of this wrote. */
export function entryOf(
  kind: EntryKind,
  id: string,
  record: ScriptReply | undefined,
  used: ScriptReply | undefined,
): Entry | null {
  if (record === null || record === undefined) return null
  const [start = '', version, expires, head = ''] = RECORD.exec(String(record)) ?? []
  if (version === undefined) throw new SyntaxError('not a record')
  const { o, a } = JSON.parse(head) as { readonly o?: string; readonly a: readonly string[] }
  return {
    kind,
    id,
    body: String(record).slice(start.length),
    owner: o ?? null,
    aliases: a,
    expires: expires === '' ? null : Number(expires),
    version: Number(version),
    used: used === null || used === undefined ? null : Number(used),
  }
}
