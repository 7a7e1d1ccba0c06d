import * as z from 'zod'

/** The audit record. What is told of in no line is still counted in the metrics. */
export const record = z.strictObject({
  allowed: z
    .number()
    .min(0, { error: 'is less than 0: write a share from 0 to 1, as in 0.01' })
    .max(1, { error: 'is more than 1: write a share from 0 to 1, as in 0.01' })
    .default(1)
    .meta({
      description:
        'The share of allowed decisions that get a line, from 0 to 1, chosen at random. Every denial has one, and every decision that had to do without something. Metrics count them all.',
    }),
})
