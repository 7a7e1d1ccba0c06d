import * as z from 'zod'
import { type LimitPolicy, type Policy, policySchema, type RoutePolicy } from './schema.ts'

/**
 * A policy as far as it has the right form: what is required may be missing, because it was faulty and left out. What
 * is wrong across the sections is looked for in here, so that it is found in the same run.
 */
export type Draft = Omit<Policy, 'proxies' | 'listen' | 'limits' | 'routes'> & {
  readonly proxies?: Policy['proxies'] | undefined
  readonly listen: Omit<Policy['listen'], 'tls'> & {
    readonly tls?: Partial<NonNullable<Policy['listen']['tls']>> | undefined
  }
  readonly limits: Readonly<Record<string, DraftLimit>>
  readonly routes?: Readonly<Record<string, DraftRoute>> | undefined
}

export type DraftLimit = Omit<LimitPolicy, 'by' | 'rate'> & {
  readonly by?: LimitPolicy['by'] | undefined
  readonly rate?: LimitPolicy['rate'] | undefined
}

export type DraftRoute = Omit<RoutePolicy, 'match' | 'credentials'> & {
  readonly match?: Partial<RoutePolicy['match']> | undefined
  readonly credentials?: RoutePolicy['credentials'] | undefined
}

/** The sections of credential types stay as they are: a type inspects what has the form that it asked for. */
const OWN: ReadonlySet<string> = new Set(['listen', 'proxies', 'limits', 'routes'])

/** Reads a draft; the policy's schema with nothing required. */
export const draftSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(policySchema.shape).map(([name, schema]) =>
      OWN.has(name) ? lenientField([name, schema]) : [name, schema],
    ),
  ),
) as unknown as z.ZodType<Draft>

interface Definition {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly innerType?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
}

/** The same schema with every field optional, down to where values are transformed. */
function lenient(schema: z.ZodType): z.ZodType {
  const { shape, innerType, element, valueType } = schema._zod.def as unknown as Definition
  const changed = {
    ...(shape !== undefined && { shape: Object.fromEntries(Object.entries(shape).map(lenientField)) }),
    ...(innerType !== undefined && { innerType: lenient(innerType) }),
    ...(element !== undefined && { element: lenient(element) }),
    ...(valueType !== undefined && { valueType: lenient(valueType) }),
  }
  if (Object.keys(changed).length === 0) return schema
  return z.core.clone(schema, { ...schema._zod.def, ...changed } as typeof schema._zod.def)
}

function lenientField([name, schema]: [string, z.ZodType]): [string, z.ZodType] {
  const field = lenient(schema)
  return [name, field._zod.optin === 'optional' ? field : field.optional()]
}
