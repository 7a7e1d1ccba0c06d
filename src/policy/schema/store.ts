import * as z from 'zod'
import { duration, secret } from '../../schema/fields.ts'
import { suggestion } from '../../schema/problem.ts'
import { STORES } from '../../stores/index.ts'

const version = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, { error: 'is not a version: letters, digits, - and _, as in v1' })

/** What may stand beside the store's own options, whichever it is. */
const common = {
  deadline: duration
    .optional()
    .meta({ description: 'How long a call may take before the decision goes on without it; at most 350ms.' }),
  maxStale: duration.prefault('60s').meta({
    description: 'For how long a key that was looked up is good while the store does not answer.',
  }),
  instances: z
    .int({ error: 'is not a whole number' })
    .min(1, { error: 'is less than 1' })
    .max(10_000)
    .default(1)
    .meta({
      description:
        'Processes that share the store: while it does not answer, each admits its part of every limit. Those of `--workers` are counted by themselves.',
    }),
  messages: z
    .strictObject({
      keys: z.record(version, secret).meta({
        description:
          'Secrets that notices between instances are signed with, by version. The last one signs, all of them verify.',
      }),
    })
    .optional()
    .meta({
      description:
        'Prompt notices between instances, where the store can carry them; without, changes are known within ten seconds.',
    }),
}

const bare = Object.values(STORES).flatMap(({ name, bare }) => (bare === null ? [] : [name]))
const names = Object.keys(STORES)

const shape = z.strictObject(common)
const described = z.strictObject({
  ...Object.fromEntries(names.flatMap((name) => [[name, STORES[name]?.schema.optional()]])),
  ...common,
})

/** A store as the rest of the program knows it. */
export interface StoreChoice extends z.output<typeof shape> {
  /** In the registry. */
  readonly name: string
  /** Of its own; only the store knows what is in them. */
  readonly options: unknown
}

export const store = z
  .union([z.string(), described], {
    error: `is not a store: write ${bare.join(' or ')}, or a mapping with one of ${names.join(', ')}`,
  })
  .transform((given, context): StoreChoice => {
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }
    if (typeof given === 'string') {
      const type = Object.hasOwn(STORES, given) ? STORES[given] : undefined
      if (type === undefined) return refuse(`is not a store: ${suggestion(given, names)}`)
      if (type.bare === null) return refuse(`needs options: write { ${given}: ... }`)
      return { ...shape.parse({}), name: given, options: type.schema.parse(type.bare) }
    }
    const own = given as Readonly<Record<string, unknown>>
    const chosen = names.filter((name) => own[name] !== undefined)
    const [name] = chosen
    if (name === undefined) return refuse(`names no store: write one of ${names.join(', ')}`)
    if (chosen.length > 1) return refuse(`names more than one store: keep one of ${chosen.join(', ')}`)
    const { deadline, maxStale, instances, messages } = given as z.output<typeof shape>
    return { name, options: own[name], deadline, maxStale, instances, messages }
  })
