import { beforeAll, it } from 'vitest'
import { FAULTS, type FaultName } from '../../scripts/outcomes.ts'
import { type Injector, show } from './scenario.ts'

/**
 * One test for each fault. They spend most of their time waiting for ten seconds to pass, so they all run at once, each
 * with a service and a store of its own; each test then tells what became of its fault.
 * @param missing why some cannot be injected here
 */
export function sideBySide(
  injectors: Readonly<Partial<Record<FaultName, Injector>>>,
  missing: Readonly<Partial<Record<FaultName, string>>> = {},
): void {
  const outcomes = new Map<FaultName, Promise<unknown>>()
  const all = Object.entries(injectors) as [FaultName, Injector][]
  beforeAll(() => {
    for (const [name, injector] of all) {
      if (missing[name] !== undefined) continue
      outcomes.set(
        name,
        show(name, injector).catch((problem: unknown) => problem),
      )
    }
  })
  for (const [name] of all) {
    it(`${FAULTS[name].store} ${FAULTS[name].what}`, { timeout: 120_000 }, async (context) => {
      if (missing[name] !== undefined) context.skip(missing[name])
      const problem = await outcomes.get(name)
      if (problem !== undefined) throw problem
    })
  }
}
