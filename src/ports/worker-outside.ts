import { waitUntil } from 'cloudflare:workers'
import type { Outside } from '../credentials/contract.ts'
import { equalText } from './equal-text.ts'
import { hmacSha256, sha256, sha256Hex } from './worker-crypto.ts'
import { fetchText } from './worker-fetch.ts'

/** What authenticators, stores, the compiled policy and the admin API ask of the runtime, as a Worker has it. */
export interface WorkerOutside extends Omit<Outside, 'keys'> {
  readonly seesPeers: false
  readonly lasting: false
  equalText(a: string, b: string): boolean
  micros(): number
  random32(): number
  randomBytes(count: number): Uint8Array
  binding(name: string): unknown
  resolvePath(path: string): string
}

/**
 * @param env what the Worker is deployed with
 * @param report hears of what happens outside of any decision
 */
export function workerOutside(
  env: Readonly<Record<string, unknown>>,
  report: Outside['report'],
): WorkerOutside {
  return {
    seesPeers: false,
    lasting: false,
    now: Date.now,
    random: Math.random,
    micros: () => performance.now() * 1000,
    random32: () => crypto.getRandomValues(new Uint32Array(1))[0] as number,
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    sha256,
    sha256Hex,
    hmacSha256,
    equalText,
    fetchText,
    background: waitUntil,
    binding: (name) => env[name],
    resolvePath: (path) => path,
    report,
  }
}
