import * as z from 'zod'
import { secret } from '../../schema/fields.ts'
import type { Path } from '../../schema/problem.ts'
import { Secret } from '../../schema/secret.ts'
import type { Target } from './link.ts'

const FORM = 'write redis://HOST:PORT or rediss://HOST:PORT'

/** Where a server is, as its URL says. */
export interface Location {
  readonly target: Target
  readonly encrypted: boolean
  readonly database: number
  readonly username: string | null
  readonly password: string | null
}

/** Reads a URL; null when it is none of a Redis server. */
export function locationOf(text: string): Location | null {
  const url = URL.canParse(text) ? new URL(text) : null
  const [, database = '0'] = /^\/?(\d{1,5})?$/.exec(url?.pathname ?? '') ?? [null, null]
  if (url === null || database === null || url.hostname === '' || url.search !== '' || url.hash !== '')
    return null
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') return null
  const decoded = decode(url.username, url.password)
  if (decoded === null) return null
  return {
    target: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 6379 : Number(url.port),
    },
    encrypted: url.protocol === 'rediss:',
    database: Number(database),
    ...decoded,
  }
}

function decode(username: string, password: string) {
  try {
    return {
      username: username === '' ? null : decodeURIComponent(username),
      password: password === '' ? null : decodeURIComponent(password),
    }
  } catch {
    return null
  }
}

/** A URL, which holds no password; or a reference to one, which may. */
const location = z
  .union([z.string(), secret], { error: `is not a URL: ${FORM}, or a reference to one` })
  .transform((given, context): string | Secret => {
    if (given instanceof Secret) return given
    const reference = given.startsWith('${') ? secret.safeParse(given) : null
    if (reference?.success) return reference.data
    const read = locationOf(given)
    const held = read !== null && (read.username !== null || read.password !== null)
    if (read !== null && !held) return given
    const message = held
      ? 'holds a name or password: use `username` and `password`, or give the whole URL by reference'
      : (reference?.error.issues[0]?.message ??
        `is not a URL of a Redis server: ${FORM}, or a reference to one`)
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
  .meta({ description: `\`redis://HOST:PORT\`, \`rediss://HOST:PORT\` (TLS), or a reference to such a URL.` })

export const settings = z
  .strictObject({
    url: location
      .optional()
      .meta({ description: 'The server. A path selects a database, as in redis://HOST/1.' }),
    cluster: z.array(location).min(1, { error: 'is empty: name at least one node' }).max(64).optional().meta({
      description: 'Nodes of a Redis Cluster, instead of `url`. The others are found through them.',
    }),
    username: z.string().min(1).max(256).optional().meta({ description: 'ACL user; omitted: `default`.' }),
    password: secret.optional(),
    tls: z
      .strictObject({
        ca: z
          .strictObject({ file: z.string().min(1).meta({ description: 'Path of a PEM file.' }) })
          .optional()
          .meta({ description: 'Authority that signs the server, instead of the public ones.' }),
        servername: z
          .string()
          .min(1)
          .max(253)
          .optional()
          .meta({ description: 'Name that the certificate must bear, where it is not that of the URL.' }),
      })
      .optional()
      .meta({ description: 'How a server at rediss:// is known.' }),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$/, {
        error: 'is not a prefix: letters, digits, `:`, `.`, `_` and `-`, as in postern',
      })
      .default('postern')
      .meta({
        description: 'What all keys and channels begin with. Policies that differ in it share nothing.',
      }),
  })
  .refine(({ url, cluster }) => (url === undefined) !== (cluster === undefined), {
    error: 'needs either `url` or `cluster`',
  })
  .meta({ description: 'Redis 7 or later, or what speaks its protocol; one server or a Cluster.' })

export type RedisSettings = z.output<typeof settings>

/** Every location with its path; those that could not be resolved are left out. */
export function locationsOf({ url, cluster }: RedisSettings): { path: Path; location: Location | null }[] {
  const given: [Path, string | Secret][] = url === undefined ? [] : [[['url'], url]]
  for (const [index, node] of (cluster ?? []).entries()) given.push([['cluster', index], node])
  return given.flatMap(([path, value]) => {
    const text = value instanceof Secret ? value.value : value
    return text === null ? [] : [{ path, location: locationOf(text) }]
  })
}

export function inspect(given: RedisSettings, problem: (path: Path, message: string) => void): void {
  const located = locationsOf(given)
  const first = located[0]?.location ?? null
  for (const { path, location } of located) {
    if (location === null) {
      problem(path, `refers to something that is not a URL of a Redis server: ${FORM}`)
      continue
    }
    const named = location.username !== null || location.password !== null
    if (named && (given.username !== undefined || given.password !== undefined))
      problem(path, 'holds a name or password, and so do `username` or `password`: give them once')
    if (!location.encrypted && given.tls !== undefined)
      problem(path, 'is not encrypted, but `tls` is set: write rediss://')
    if (given.cluster === undefined) continue
    if (location.database !== 0) problem(path, 'selects a database, and a Cluster has none')
    if (first !== null && credentials(first) !== credentials(location))
      problem(path, 'differs from the first node in encryption, name or password: they hold for all nodes')
  }
}

const credentials = ({ encrypted, username, password }: Location) =>
  JSON.stringify([encrypted, username, password])
