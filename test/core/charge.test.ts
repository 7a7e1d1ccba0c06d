import { describe, expect, it } from 'vitest'
import { refund } from '../../src/core/charge.ts'
import type { Charge, Charging } from '../../src/core/model.ts'
import { portsOf } from '../support/ports.ts'

const limit = { name: 'few', by: ['client'], count: 1, window: 1, burst: 1, interval: 1, ipv6: 64 } as const
const due = [
  { key: 'few|c:1', interval: 1, burst: 1, cost: 3, limit: { ...limit, onOutage: 'local' } as const },
]

describe('what is given back', () => {
  it('outlasts the request that gives it, and is no error when the store does not take it', async () => {
    const outlasting: Promise<unknown>[] = []
    const asked: (readonly Charge[])[] = []
    const ports = portsOf({
      counters: {
        charge: (charges) => {
          asked.push(charges)
          return Promise.reject<Charging>(new Error('gone'))
        },
        size: () => null,
      },
      background: (work) => void outlasting.push(work),
    })
    refund(due, ports)
    expect(asked.map(([one]) => one?.cost)).toEqual([-3])
    expect(outlasting).toHaveLength(1)
    await expect(outlasting[0]).resolves.toBe(undefined)
  })

  it('is nothing where nothing was charged', () => {
    refund([], portsOf({ background: () => expect.unreachable() }))
  })
})
