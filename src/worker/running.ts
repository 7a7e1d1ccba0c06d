import type { Engine } from '../core/engine.ts'
import type { JudgeOptions } from '../http/judgement.ts'
import type { Policy } from '../policy/schema.ts'
import type { Store } from '../stores/contract.ts'

/** All that requests need once there has been one. */
export interface Running {
  readonly policy: Policy
  readonly engine: Engine
  readonly judge: JudgeOptions
  readonly store: Store
}
