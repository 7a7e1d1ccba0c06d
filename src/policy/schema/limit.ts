import * as z from 'zod'

const RATE = /^(\d{1,9})\/(second|minute|hour|day|(\d{1,6})(s|m|h|d))$/
const SECONDS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
}

/** `300/minute` or `100/10m`: units, and the window in microseconds. */
export const rate = z
  .string()
  .transform((text, context) => {
    const [, count, window = '', times, unit] = RATE.exec(text) ?? []
    const seconds = unit === undefined ? SECONDS[window] : Number(times) * (SECONDS[unit] ?? 0)
    if (seconds !== undefined && seconds > 0 && Number(count) > 0)
      return { count: Number(count), window: seconds * 1_000_000 }
    context.addIssue({ code: 'custom', message: 'is not a rate: write 300/minute, 1000/hour or 100/10m' })
    return z.NEVER
  })
  .meta({
    description: 'Units per window: `300/minute`, `1000/hour`, `100/10m`.',
    pattern: '^[0-9]{1,9}/(second|minute|hour|day|[0-9]{1,6}(s|m|h|d))$',
  })

const dimension = z.enum(['client', 'principal', 'tenant', 'route'], {
  error: 'is nothing to count by: write client, principal, tenant or route',
})

export const limit = z.strictObject({
  by: z
    .union([dimension, z.array(dimension).min(1)], {
      error: 'is nothing to count by: write client, principal, tenant, route or a list of them',
    })
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .meta({
      description:
        'What shares a bucket: `client`, `principal`, `tenant`, `route`, or a list of them for a combination.',
    }),
  rate: rate,
  burst: z
    .int({ error: 'is not a whole number' })
    .min(1, { error: 'is less than 1' })
    .max(1e9)
    .optional()
    .meta({
      description: "Units that may be spent at once; the rate's count unless given.",
    }),
  ipv6: z
    .int({ error: 'is not a whole number' })
    .min(32, { error: 'is not a prefix length from 32 to 128' })
    .max(128, { error: 'is not a prefix length from 32 to 128' })
    .default(64)
    .meta({
      description:
        'Bits of an IPv6 address that make one client. The network 16 bits wider has 16 times the limit as its ceiling.',
    }),
  onOutage: z
    .enum(['local', 'deny', 'allow'], { error: 'is not known: write local, deny or allow' })
    .default('local')
    .meta({
      description:
        'What holds while the store does not answer: `local`, this instance counts by itself; `deny`, 503; `allow`, no limit.',
    }),
})
