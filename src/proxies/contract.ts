import type * as z from 'zod'
import type { ProxyAdapter } from '../core/model.ts'

/**
 * One proxy: its dialect, and what a policy may say of it beside what holds for every proxy. A new one is a file and a
 * line in index.ts.
 */
export interface ProxyType<Shape extends z.ZodRawShape = z.ZodRawShape> {
  readonly name: string
  /** Fields of its own under `proxies.NAME`, all of them optional; `{}` for most. */
  readonly options: Shape
  /** The dialect as a policy wants it. */
  adapter(options: z.output<z.ZodObject<Shape>>): ProxyAdapter
}

/** Keeps the fields' types while the registry forgets them. */
export function defineProxy<const Shape extends z.ZodRawShape>(type: ProxyType<Shape>): ProxyType {
  return type as unknown as ProxyType
}

/** A proxy of which nothing more is to be said. */
export const plainProxy = (adapter: ProxyAdapter): ProxyType => ({
  name: adapter.name,
  options: {},
  adapter: () => adapter,
})
