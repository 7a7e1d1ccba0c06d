import * as z from 'zod'
import { keyFields } from '../credentials/key-record.ts'
import { duration, name } from '../schema/fields.ts'

export const newKey = z.strictObject({
  id: name.optional().meta({ description: 'Generated unless given.' }),
  owner: name.meta({ description: 'Id of the principal that the key stands for.' }),
  ...keyFields.shape,
})

const { shape } = keyFields

/** Fields that are not named stay as they are; null takes a value away. */
export const keyPatch = z.strictObject({
  tenant: shape.tenant.unwrap().optional(),
  email: shape.email.unwrap().optional(),
  roles: shape.roles.unwrap().optional(),
  permissions: shape.permissions.unwrap().optional(),
  scopes: shape.scopes.unwrap().optional(),
  networks: shape.networks.unwrap().optional(),
  limits: shape.limits.unwrap().optional(),
  notBefore: shape.notBefore.unwrap().optional(),
  expires: shape.expires.unwrap().optional(),
  description: shape.description.unwrap().optional(),
})

const MAX_OVERLAP = 366 * 86_400_000

/** How long the old secret is good beside the new one, in milliseconds. */
export const rotation = z.strictObject({
  overlap: z
    .union([z.literal('0s').transform(() => 0), duration], {
      error: 'is not a duration: write 0s, 30m, 24h or 7d',
    })
    .refine((time) => time <= MAX_OVERLAP, { error: 'is too long: write 366d or less' })
    .default(86_400_000)
    .meta({ description: 'How long the old secret is good beside the new one; `0s`: not at all.' }),
})

/** Who asks, and what holds the request to a state of things. */
export interface Caller {
  readonly actor: string
  /** The version that the entry must have; null: any. */
  readonly ifMatch: number | null
  readonly idempotencyKey: string | null
}
