import { StoreFault } from '../contract.ts'

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const BUSY = 5
const LOCKED = 6
const FULL = 13

type Outcome = readonly [code: StoreFault['code'], text: string]

/**
 * A damaged file is as good as gone until somebody puts a good one in its place, and then heals by itself;
 * `incompatible` is what another program or version wrote.
 */
const OUTCOMES: Readonly<Record<number, Outcome>> = {
  3: ['unavailable', 'the process may not use the file'],
  [BUSY]: ['unavailable', 'another process holds the lock'],
  [LOCKED]: ['unavailable', 'another process holds the lock'],
  7: ['unavailable', 'there is no memory left'],
  8: ['unavailable', 'the file is read-only'],
  10: ['unavailable', 'the disk fails'],
  11: ['unavailable', 'the file is damaged: restore it, or put it aside to start anew'],
  [FULL]: ['unavailable', 'the disk is full'],
  14: ['unavailable', 'the file cannot be opened: does its folder exist, and may the process write there?'],
  26: ['unavailable', 'the file is not a database: name another one, or put it aside to start anew'],
}

/** SQLite's primary code of what was thrown; null when it came from elsewhere. */
function primary(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}

/** Whether the same call may go through in a moment: nothing has happened yet. */
export const isBusy = (error: unknown): boolean => [BUSY, LOCKED].includes(primary(error) ?? 0)

/** Whether the connection is as good as before, so that nothing has to be opened again. */
export const leavesSound = (error: unknown): boolean => isBusy(error) || primary(error) === FULL

/** In words for the operator, by SQLite's code. Its own messages may quote what was written, and do not get out. */
export function faultOf(error: unknown): StoreFault {
  if (error instanceof StoreFault) return error
  const code = primary(error)
  const [kind, text] = (code === null ? undefined : OUTCOMES[code]) ?? [
    'unavailable',
    'the file cannot be used',
  ]
  return new StoreFault(kind, code === null ? text : `${text} (SQLite code ${code})`)
}
