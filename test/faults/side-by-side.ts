import { beforeAll, it } from 'vitest'
import { FAULTS, type FaultName } from '../../scripts/operations.ts'
import { type Injector, show } from './scenario.ts'

/**
 * One test for each fault. They spend most of their time waiting for ten seconds to pass, so they all run at once, each
 * with a service and a store of its own; each test then tells what became of its fault.
 */
export function sideBySide(injectors: Readonly<Partial<Record<FaultName, Injector>>>): void {
  const outcomes = new Map<FaultName, Promise<unknown>>()
  const all = Object.entries(injectors) as [FaultName, Injector][]
  beforeAll(() => {
    for (const [name, injector] of all) {
      outcomes.set(
        name,
        show(name, injector).catch((problem: unknown) => problem),
      )
    }
  })
  for (const [name] of all) {
    it(`${FAULTS[name].store} ${FAULTS[name].what}`, { timeout: 120_000 }, async () => {
      const problem = await outcomes.get(name)
      if (problem !== undefined) throw problem
    })
  }
}
