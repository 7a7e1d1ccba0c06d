import type { Input } from './target.ts'

/** Tries that one input is worth. */
const TRIES = 1500

/** The input without whatever is not needed for `fails`: pieces first, single bytes last, then bytes made plain. */
export async function reduced(input: Input, fails: (input: Input) => Promise<boolean>): Promise<Input> {
  let best = input
  let tries = 0
  const better = async (candidate: Input): Promise<boolean> => {
    if (candidate === best || tries++ >= TRIES || !(await fails(candidate))) return false
    best = candidate
    return true
  }
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length; ) {
      if (!(await better(best.slice(0, at) + best.slice(at + size)))) at += size
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (!/[a0]/.test(best[at] ?? '')) await better(`${best.slice(0, at)}a${best.slice(at + 1)}`)
  }
  return best
}
