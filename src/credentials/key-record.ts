import * as z from 'zod'
import { parseNetwork } from '../core/address.ts'
import { name, permission, scope } from '../schema/fields.ts'

/** A point in time as people write it (RFC 3339, an offset is required). */
export const instant = z.iso.datetime({
  offset: true,
  error: 'is not a point in time: write 2027-06-01T00:00:00Z',
})

/** What a key may be given, by whoever makes or changes it. Limits and roles are names of the policy. */
export const keyFields = z.strictObject({
  tenant: z.string().min(1).max(128).nullable().default(null),
  email: z.string().min(1).max(254).nullable().default(null),
  roles: z.array(name).max(64).default([]),
  permissions: z.array(permission).max(256).default([]),
  scopes: z.array(scope).max(256).default([]),
  /** In CIDR notation; empty: from everywhere. */
  networks: z
    .array(
      z.string().refine((text) => parseNetwork(text).ok, {
        error: 'is not a network: write 10.0.0.0/8, 192.168.1.7 or 2001:db8::/32, host bits zero',
      }),
    )
    .max(256)
    .default([]),
  limits: z.array(name).max(16).default([]),
  notBefore: instant.nullable().default(null),
  expires: instant.nullable().default(null),
  description: z.string().max(512).nullable().default(null),
})

export type KeyFields = z.output<typeof keyFields>

/** One digest under which a key is found. After a rotation the old one is good for a while longer. */
const keyDigest = z.strictObject({
  /** `hmac-sha256:VERSION:HEX` or `sha256:HEX`; also an alias of the entry. */
  digest: z.string(),
  /** Milliseconds since the epoch from which it is refused; null: as long as the key lives. */
  until: z.number().nullable(),
  /** First characters of the key, for people to tell keys apart; null when it was imported. */
  start: z.string().nullable(),
})

export type KeyDigest = z.output<typeof keyDigest>

/** One that is in force, and those that overlap with it after rotations. */
export const MAX_DIGESTS = 8

/**
 * What a store keeps of a key: the body of an entry of kind `key`, whose id is the key's id and whose owner is the
 * principal's id. The key itself is nowhere.
 */
export const keyRecord = z.strictObject({
  /** Version of this form. */
  v: z.literal(1),
  ...keyFields.shape,
  owner: name,
  /** The part of the prefix after the underscore (`ak_live`); null when it has none. */
  environment: z.string().nullable(),
  /** `revoked` is for good. */
  status: z.enum(['active', 'revoked']),
  digests: z.array(keyDigest).min(1).max(MAX_DIGESTS),
  /** Fingerprint of what it was imported as, by which the same import is known again; null when it was made here. */
  imported: z.string().nullable().default(null),
  /** Milliseconds since the epoch. */
  created: z.number(),
  updated: z.number(),
})

export type KeyRecord = z.output<typeof keyRecord>
