import type { Path } from '../schema/problem.ts'
import type { Runtime } from '../stores/contract.ts'
import type { Draft } from './draft.ts'
import { inspectAdmin } from './inspect/admin.ts'
import { inspectBans } from './inspect/bans.ts'
import { inspectCredentials } from './inspect/credentials.ts'
import { inspectGateway } from './inspect/gateway.ts'
import { inspectIdentity } from './inspect/identity.ts'
import { inspectLimits } from './inspect/limits.ts'
import { inspectListeners } from './inspect/listeners.ts'
import { inspectProxies } from './inspect/proxies.ts'
import { inspectRoles } from './inspect/roles.ts'
import { inspectRoutes } from './inspect/routes.ts'
import { inspectStore } from './inspect/store.ts'
import { type Names, namesIn } from './names.ts'

export type Report = (path: Path, message: string) => void

/** Looks for what is wrong in one section, or between it and others. */
export type Inspector = (draft: Draft, names: Names, report: Report, runtime: Runtime | null) => void

const INSPECTORS: readonly Inspector[] = [
  inspectListeners,
  inspectProxies,
  inspectGateway,
  inspectRoles,
  inspectLimits,
  inspectStore,
  inspectBans,
  inspectAdmin,
  inspectCredentials,
  inspectIdentity,
  inspectRoutes,
]

/**
 * Reports everything that is wrong across the sections of a policy.
 * @param draft all that has the right form
 * @param data the whole, for the names in it
 * @param runtime where it is to hold; null: wherever it can
 */
export function inspect(draft: Draft, data: unknown, runtime: Runtime | null, report: Report): void {
  const names = namesIn(data)
  for (const inspector of INSPECTORS) inspector(draft, names, report, runtime)
}
