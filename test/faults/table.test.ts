import { describe, expect, it } from 'vitest'
import { FAULTS, type Fault } from '../../scripts/outcomes.ts'
import { CLUSTER } from './cluster.ts'
import { REDIS } from './redis.ts'
import { SQLITE } from './sqlite.ts'
import { UPSTASH } from './upstash.ts'

describe('the table in docs/operations.md', () => {
  it('holds a fault that is injected in each row, or says that it is reasoned', () => {
    const injected = Object.keys({ ...REDIS, ...CLUSTER, ...UPSTASH, ...SQLITE })
    const all: [string, Fault][] = Object.entries(FAULTS)
    const tested = all.filter(([, { reasoned }]) => reasoned === undefined).map(([name]) => name)
    expect(injected.sort()).toEqual(tested.sort())
  })
})
