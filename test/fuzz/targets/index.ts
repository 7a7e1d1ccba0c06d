import type { Target } from '../target.ts'
import { address } from './address.ts'
import { admin } from './admin.ts'
import { fields } from './fields.ts'
import { host } from './host.ts'
import { key } from './key.ts'
import { path } from './path.ts'
import { policy } from './policy.ts'
import { token } from './token.ts'
import { wire } from './wire.ts'

/** Every target. One entry here is fuzzed by `npm run fuzz` and by the suite. */
export const TARGETS: readonly Target[] = [path, host, address, token, key, policy, admin, fields, wire]
