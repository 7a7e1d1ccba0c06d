import { randomBytes, randomInt } from 'node:crypto'
import type { Outside } from '../credentials/contract.ts'
import { equalText } from './equal-text.ts'
import { hmacSha256, sha256, sha256Hex } from './node-crypto.ts'
import { fetchText } from './node-fetch.ts'

/** All that authenticators, stores, the compiled policy and the admin API ask of the runtime, but the keys of the store. */
export interface NodeOutside extends Omit<Outside, 'keys'> {
  equalText(a: string, b: string): boolean
  /** A server sees who opened a connection. */
  readonly seesPeers: true
  micros(): number
  random32(): number
  /** A process lives as long as its timers. */
  readonly lasting: true
  /** Nothing is bound to a process. */
  binding(name: string): undefined
  /** Bytes from a cryptographic source. */
  randomBytes(count: number): Uint8Array
}

/** @param report hears of what happens outside of any decision */
export function nodeOutside(report: Outside['report']): NodeOutside {
  return {
    seesPeers: true,
    now: Date.now,
    random: Math.random,
    micros: () => performance.now() * 1000,
    random32: () => randomInt(2 ** 32),
    randomBytes: (count) => randomBytes(count),
    sha256,
    sha256Hex,
    hmacSha256,
    equalText,
    fetchText,
    binding: () => undefined,
    lasting: true,
    background: () => {},
    report,
  }
}
