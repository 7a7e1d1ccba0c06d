import { describe, expect, inject, it } from 'vitest'
import type { Charge } from '../../src/core/model.ts'
import type { Secret } from '../../src/schema/secret.ts'
import { type Store, StoreFault } from '../../src/stores/contract.ts'
import { upstash } from '../../src/stores/upstash.ts'
import { type Make, storeConformance } from '../stores/conformance.ts'
import type { Order, Outer } from './outer.ts'
import { outside } from './rig.ts'

const DEADLINE = 2000

const outer = inject('outer') as Outer

describe.skipIf(outer === null)('upstash inside of workerd', () => {
  storeConformance('upstash', make, {
    clock: { charges: false, entries: false },
    shared: true,
    refunds: false,
    countsOn: false,
    life: true,
    empty: true,
    stall: true,
    patience: 2 * DEADLINE,
  })

  /** What goes wrong, what is told of it, and whether the charge was executed all the same. */
  it.each<[Spoiling, StoreFault['code'], boolean]>([
    ['html502', 'unavailable', false],
    ['dropBefore', 'unavailable', false],
    ['dropAfter', 'unavailable', true],
    ['hang', 'timeout', true],
    ['stall', 'timeout', true],
    ['huge', 'incompatible', false],
    ['empty', 'unavailable', false],
    ['notJson', 'unavailable', false],
    ['fewer', 'unavailable', false],
    ['unauthorized', 'unavailable', false],
  ])(
    'says so when an answer is spoilt (%s), sends nothing twice, quotes nothing, and goes on',
    async (spoil, code, executed) => {
      const store = await opened(anyPrefix(), 300)
      await store.charge([one('secret-partition')])
      await order({ spoil, times: 1 })
      const { charged, epoch, cause } = await store.charge([one('secret-partition')])
      expect([charged, epoch]).toEqual([[null], null])
      expect(cause).toBeInstanceOf(StoreFault)
      expect(cause).toMatchObject({ code })
      expect(String(cause)).not.toMatch(/secret-partition|<html>|bridge-token/)
      await order({ spoil: null })
      const [after] = (await store.charge([one('secret-partition')])).charged
      expect(after?.remaining).toBe(executed ? 7 : 8)
    },
  )
})

type Spoiling = Extract<Order, { spoil: unknown }>['spoil']

const anyPrefix = () => `t${crypto.randomUUID()}`

const one = (key: string): Charge => ({ key, interval: 3_600_000_000, burst: 10, cost: 1 })

async function order(given: Order): Promise<unknown> {
  const response = await fetch(outer?.control ?? '', { method: 'POST', body: JSON.stringify(given) })
  if (!response.ok) throw new Error(await response.text())
  return response.json()
}

/** A store of a prefix of its own, as a Worker would have it. */
async function opened(prefix: string, deadline: number = DEADLINE): Promise<Store> {
  if (outer === null) throw new Error('there is no bridge')
  const options = upstash.schema.parse({ url: outer.rest, token: '${TOKEN}', prefix }) as { token: Secret }
  options.token.resolve(outer.token)
  const store = await upstash.create(options, outside(), deadline)
  await store.open()
  return store
}

async function make(): ReturnType<Make> {
  const prefix = anyPrefix()
  const buckets = async () => (await order({ command: ['KEYS', `${prefix}:b:*`] })) as string[]
  return {
    store: await opened(prefix),
    now: () => Date.now(),
    held: async () => {
      const all = await Promise.all((await buckets()).map((key) => order({ command: ['GET', key] })))
      return all.filter((at) => Number(at) > Date.now() * 1000).length
    },
    life: async () => Number(await order({ command: ['PTTL', (await buckets())[0] ?? ''] })),
    second: () => opened(prefix),
    empty: async () => {
      await order({ command: ['FLUSHALL'] })
    },
    stall: async () => {
      await order({ frozen: true })
      return async () => {
        await order({ frozen: false })
      }
    },
    end: async () => {},
  }
}
