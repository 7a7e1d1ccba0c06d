import { CREDENTIALS } from '../credentials/index.ts'

/** Names as they stand in the file, those of faulty entries too: a typing error in one place is one problem. */
export interface Names {
  readonly proxies: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  readonly limits: ReadonlySet<string>
  readonly routes: ReadonlySet<string>
  /** Of the admin API. */
  readonly tokens: ReadonlySet<string>
  /** What may stand in a route's `credentials`. */
  readonly credentials: ReadonlySet<string>
}

export function namesIn(data: unknown): Names {
  const keys = (name: string) => new Set(keysOf(childOf(data, name)))
  return {
    proxies: keys('proxies'),
    roles: keys('roles'),
    limits: keys('limits'),
    routes: keys('routes'),
    tokens: new Set(keysOf(childOf(childOf(data, 'admin'), 'tokens'))),
    credentials: new Set(
      CREDENTIALS.flatMap(({ type, section, variants }) => {
        if (section === null) return [type]
        const own = childOf(data, section.name)
        if (own === undefined) return []
        return variants({}) === null ? [type] : keysOf(own).map((variant) => `${type}:${variant}`)
      }),
    ),
  }
}

const childOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

const keysOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
