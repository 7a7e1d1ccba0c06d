import { type Applied, type Change, type Store, StoreFault } from '../stores/contract.ts'
import type { Facts } from './facts.ts'

/** What the admin API asks of the runtime. */
export interface AdminOutside {
  /** Milliseconds since the epoch. */
  now(): number
  /** HMAC-SHA-256 over the UTF-8 text, as lower-case hex. */
  hmacSha256(key: string, text: string): string
  /** SHA-256 over the UTF-8 text, as lower-case hex. */
  sha256Hex(text: string): string
  /** Bytes from a cryptographic source. */
  randomBytes(count: number): Uint8Array
  /** Compares without telling by its duration where the texts differ. */
  equalText(given: string, expected: string): boolean
  /** Something that the operator should hear of. No secrets. */
  report(event: string, details: Readonly<Record<string, unknown>>): void
}

/** What the operations work on. */
export interface Desk {
  readonly store: Store
  /** The policy in force: another one after a reload. */
  facts(): Facts
  readonly outside: AdminOutside
  /** Takes the line of each change, once the store has it. */
  audit(line: string): void
  /** Called after each write, so that this instance and others learn of it. @returns once this one knows */
  changed(): Promise<void> | void
}

/** One change in words for the record: what it was before and after, without digests and keys. */
export interface Act {
  /** Name of the token, or of who ran the command. */
  readonly actor: string
  /** As in `key.create`. */
  readonly action: string
  readonly target: string
  readonly before: unknown
  readonly after: unknown
}

/** Writes to the store and says who did what, in one step: there is no change without its line. */
export class Ledger {
  readonly #desk: Desk

  constructor(desk: Desk) {
    this.#desk = desk
  }

  async apply(changes: readonly Change[], { actor, action, target, before, after }: Act): Promise<Applied> {
    const { store, outside, audit, changed } = this.#desk
    const time = new Date(outside.now()).toISOString()
    const line = JSON.stringify({ event: 'admin', time, actor, action, target, before, after })
    let applied: Applied
    try {
      applied = await store.apply(changes, line)
    } catch (error) {
      // It may have happened all the same, and then everybody should look.
      if (error instanceof StoreFault && error.code === 'timeout') await changed()
      throw error
    }
    if (applied.ok) {
      audit(line)
      // Whoever was told that it is done must not meet an instance that has not heard of it.
      await changed()
    }
    return applied
  }
}

/** The fields in which two records differ, as they were and as they are. */
export function difference(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): { before: Record<string, unknown>; after: Record<string, unknown> } {
  const changed = { before: {} as Record<string, unknown>, after: {} as Record<string, unknown> }
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (JSON.stringify(before[field]) === JSON.stringify(after[field])) continue
    changed.before[field] = before[field]
    changed.after[field] = after[field]
  }
  return changed
}
