import * as z from 'zod'
import { cidr, duration } from '../../schema/fields.ts'
import { rate } from './limit.ts'

/** The penalty box. Only credentials that were never good count: an expired token is no guess. */
export const bans = z.strictObject({
  failures: rate.prefault('10/5m').meta({
    description: 'Wrong credentials that a client may present in a window before it is banned.',
  }),
  first: duration.prefault('10m').meta({
    description: 'How long a first ban lasts; each further one lasts twice as long as the one before.',
  }),
  longest: duration.prefault('1d').meta({
    description: 'The longest ban, and for how long after one another counts as a repetition.',
  }),
  never: z.array(cidr).default([]).meta({ description: 'Networks that are never banned.' }),
})
