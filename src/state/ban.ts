import * as z from 'zod'

/** A client that may not ask for a while: the body of an entry of kind `ban`, whose id is the network. */
export const ban = z.strictObject({
  v: z.literal(1),
  /** In CIDR notation, canonical. */
  network: z.string(),
  /** Milliseconds since the epoch; null: until it is lifted. */
  until: z.number().nullable(),
  /** How often this client was banned without a longer pause: its bans grow. 0 for one that a person imposed. */
  level: z.int().min(0),
  reason: z.string().max(512).nullable(),
  /** `postern` for a ban of the penalty box, else who imposed it. */
  by: z.string(),
  /** Milliseconds since the epoch. */
  created: z.number(),
})

export type Ban = z.output<typeof ban>

/** At most so many that people imposed, and so many of the penalty box's own. */
export const MAX_BANS = 100_000
