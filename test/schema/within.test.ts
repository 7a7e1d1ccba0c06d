import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LATE, within } from '../../src/schema/within.ts'

describe('within', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('gives what came in time, and leaves no timer behind that would keep the process alive', async () => {
    expect(await within(Promise.resolve('here'), 100_000)).toBe('here')
    await expect(within(Promise.reject(new Error('no')), 100_000)).rejects.toThrow('no')
    await Promise.resolve()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is late after the given time, and at once when there is none', async () => {
    const never = new Promise<string>(() => {})
    const late = within(never, 50)
    vi.advanceTimersByTime(50)
    expect(await late).toBe(LATE)
    for (const none of [0, -1, Number.NEGATIVE_INFINITY]) expect(await within(never, none)).toBe(LATE)
    expect(vi.getTimerCount()).toBe(0)
  })
})
