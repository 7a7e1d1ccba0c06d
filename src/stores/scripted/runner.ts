import type { Messenger, StoreFault } from '../contract.ts'

/**
 * A Lua script that runs on the server, atomically. The body is portable: no `#!lua` line, every key that it touches is
 * among its KEYS, and its reply is an integer, a string, null or a flat array of those. A runner may put a header line
 * before the body (and then has a SHA of its own for it).
 */
export interface Script {
  /** For messages to the operator. */
  readonly name: string
  readonly body: string
}

/** One evaluation of a script. */
export interface ScriptCall {
  readonly script: Script
  /** Those of one call live together: see `Runner.slotOf`. */
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

export type ScriptReply = number | string | null | readonly ScriptReply[]

/** Brings scripts to a server that keeps the state. */
export interface Runner {
  /**
   * Runs all calls in one round trip, each atomically by itself. Never rejects: a call that did not happen, or of which
   * nobody knows, answers with a fault. Nothing is sent twice once it may have been executed; a script that the server
   * does not know (NOSCRIPT) was not.
   */
  run(calls: readonly ScriptCall[]): Promise<readonly (ScriptReply | StoreFault)[]>
  /** Where a key lives: keys with different slots cannot be in one call. Null where all of them live together. */
  readonly slotOf: ((key: string) => number) | null
  readonly messenger: Messenger | null
  /** Makes the server reachable; rejects with a StoreFault when it is not. */
  open(): Promise<void>
  close(): Promise<void>
}
