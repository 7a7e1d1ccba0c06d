/** Every scenario there is, each with a client of its own. */
import type { Reason } from '../../src/core/reasons.ts'
import type { Row, Scenario } from './scenario.ts'
import { clients } from './table/clients.ts'
import { credentials } from './table/credentials.ts'
import { limits } from './table/limits.ts'
import { paths } from './table/paths.ts'
import { requests } from './table/requests.ts'
import { requirements } from './table/requirements.ts'
import { routes } from './table/routes.ts'

const SCENARIOS: readonly Scenario[] = [
  ...routes,
  ...paths,
  ...credentials,
  ...requirements,
  ...clients,
  ...requests,
  ...limits,
]

export const ROWS: readonly Row[] = SCENARIOS.map((one, index) => ({
  ...one,
  client: one.request.client ?? `127.20.${index >> 7}.${(index & 127) + 2}`,
}))

/** Reasons that no request brings about in a sound service, and what does. */
export const BEYOND: Readonly<Partial<Record<Reason, string>>> = {
  internal:
    'An error that nobody expected; faults are injected in suites of their own ([operations](operations.md)).',
}
