/** What a decision costs by where its counters are kept, without a server around it. */
import { join } from 'node:path'
import type { Charge } from '../../src/core/model.ts'
import type { Store } from '../../src/stores/contract.ts'
import type { Figure } from '../figure.ts'
import { alternate } from '../statistics.ts'
import { COMMANDS, paid, THREES } from './charges.ts'
import { SUBJECTS, startDeciding } from './deciding.ts'
import { openStore } from './open.ts'
import { LANES, rateOf, rowOf, type StorePlan } from './plan.ts'
import type { Client, Redis } from './server.ts'

/** Redis, against its bare script. */
export async function decisionRow(redis: Redis, client: Client, plan: StorePlan): Promise<Figure> {
  const deciding = await startDeciding(`{ redis: { url: "${redis.url}" }, deadline: 350ms }`)
  const [ours = [], other = []] = await alternate(plan, [
    () => rateOf(plan.operations, LANES, (index) => deciding.decide(index % SUBJECTS)),
    () =>
      rateOf(plan.operations, LANES, (index) => client.sendCommand(COMMANDS[index % SUBJECTS] as string[])),
  ])
  await deciding.stop()
  return rowOf(
    {
      what: 'decision with three Redis limits, 64 in flight',
      against: 'bare `EVALSHA` of the same script',
      target: { atLeast: 0.8 },
      unit: 'per second',
    },
    ours,
    other,
  )
}

/** sqlite, against memory. @param folder where the file goes */
export async function embeddedRows(folder: string, plan: StorePlan): Promise<Figure[]> {
  const file = join(folder, 'bench.db')
  const [sqlite, memory] = [await openStore('sqlite', file), await openStore('memory', {})]
  const charging = (store: Store) => () =>
    rateOf(plan.operations, LANES, (index) => paid(store, THREES[index % SUBJECTS] as Charge[]))
  const [ours = [], other = []] = await alternate(plan, [charging(sqlite), charging(memory)])
  await sqlite.close()
  await memory.close()
  const charge = rowOf(
    {
      what: 'sqlite: a charge of three limits, 64 in flight',
      against: 'memory',
      target: null,
      unit: 'per second',
    },
    ours,
    other,
  )
  const decisions = [await startDeciding(`{ sqlite: ${file} }`), await startDeciding('memory')]
  const [decided = [], inMemory = []] = await alternate(
    plan,
    decisions.map(
      (deciding) => () => rateOf(plan.operations, LANES, (index) => deciding.decide(index % SUBJECTS)),
    ),
  )
  await Promise.all(decisions.map((deciding) => deciding.stop()))
  const decision = rowOf(
    {
      what: 'sqlite: a decision with three limits, 64 in flight',
      against: 'memory',
      target: { atLeast: 0.5 },
      unit: 'per second',
    },
    decided,
    inMemory,
  )
  return [charge, decision]
}
