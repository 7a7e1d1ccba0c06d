import { describe, expect, it } from 'vitest'
import { requestIds } from '../../src/node/request-id.ts'

describe('request ids', () => {
  it('are UUIDs, and no two of a process or of two processes are alike', () => {
    const [one, two] = [requestIds(), requestIds()]
    const ids = new Set<string>()
    for (let i = 0; i < 50_000; i++) ids.add(one()).add(two())
    expect(ids.size).toBe(100_000)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('do not tell how many there were: neighbours differ in half of their bits', () => {
    const next = requestIds()
    let differing = 0
    let last = BigInt(`0x${next().slice(-12)}`)
    for (let i = 0; i < 1000; i++) {
      const id = BigInt(`0x${next().slice(-12)}`)
      differing += (id ^ last).toString(2).replaceAll('0', '').length
      last = id
    }
    expect(differing / 1000).toBeGreaterThan(22)
    expect(differing / 1000).toBeLessThan(26)
  })
})
