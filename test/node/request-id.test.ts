import { describe, expect, it } from 'vitest'
import { requestIds } from '../../src/node/request-id.ts'

describe('request ids', () => {
  it('are UUIDs, and no two of a process or of two processes are alike', () => {
    const [one, two] = [requestIds(), requestIds()]
    const ids = new Set<string>()
    for (let i = 0; i < 10_000; i++) ids.add(one()).add(two())
    expect(ids.size).toBe(20_000)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})
