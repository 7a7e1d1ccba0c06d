import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'

const HEAP = new URL('../../src/node/heap.ts', import.meta.url).href

/** Keeps the last 20,000 of a flood of strangers, turn by turn; the most that V8's young generation took, in MiB. */
const flood = (bounded: boolean): number => {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8'
    ${bounded ? `(await import('${HEAP}')).boundHeap()` : ''}
    const kept = new Map()
    let most = 0
    for (let turn = 0; turn < 400; turn++) {
      for (let i = 0; i < 5000; i++) {
        const stranger = turn * 5000 + i
        kept.set(stranger % 20_000, { id: 'user-' + stranger, roles: [stranger, stranger + 1], at: { stranger } })
      }
      most = Math.max(most, getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size)
      await new Promise(setImmediate)
    }
    console.log(most / 2 ** 20)`
  return Number(
    execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script], {
      encoding: 'utf8',
    }),
  )
}

describe('the heap of a process that serves', () => {
  it('keeps its young generation small in a flood of strangers, where V8 alone lets it grow', () => {
    expect(flood(true)).toBeLessThanOrEqual(64)
    expect(flood(false)).toBeGreaterThan(64)
  })
})
