import { z } from 'zod'
import { CREDENTIALS } from '../credentials/index.ts'
import { PROXIES } from '../proxies/index.ts'
import { cidr, name, permission, secret } from '../schema/fields.ts'
import { route } from './schema/route.ts'

/** The policy file, described once: types, the JSON Schema and docs/policy.md derive from here. */

const address = z.string().regex(/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, {
  error: 'is not a listen address: write HOST:PORT, as in 127.0.0.1:8081',
})

const file = z.strictObject({
  file: z.string().min(1).meta({ description: 'Path, relative to the policy file.' }),
})

const listen = z.strictObject({
  check: address.default('127.0.0.1:8081').meta({ description: 'Where proxies ask.' }),
  health: address
    .optional()
    .meta({ description: 'Where /livez, /readyz and /metrics are; 127.0.0.1:8082 unless given.' }),
  tls: z
    .strictObject({
      address: address.meta({ description: 'Where proxies ask over https and h2.' }),
      certificate: file.meta({
        description: 'PEM file of the certificate and its chain; read again when it changes.',
      }),
      key: file.meta({ description: 'PEM file of the private key; read again when it changes.' }),
    })
    .optional()
    .meta({ description: 'A listener with TLS and h2 beside the plain one.' }),
})

const proxy = z.strictObject({
  peers: z
    .array(cidr)
    .min(1, { error: "is empty, so no check would be taken: name the proxy's address" })
    .optional()
    .meta({ description: 'Addresses from which its checks come.' }),
  secret: secret
    .optional()
    .meta({ description: 'What it sends in X-Postern-Secret; at least 16 bytes, by reference.' }),
})

const proxies = z
  .strictObject(
    Object.fromEntries(
      Object.keys(PROXIES).map((key) => [
        key,
        proxy.optional().meta({ description: `A ${key} in front, which asks /check/${key}.` }),
      ]),
    ),
  )
  .meta({
    description:
      'The proxies whose checks are answered. All that stands in an entry must hold, and something must.',
  })

const role = z.strictObject({
  inherits: z.array(name).default([]).meta({ description: 'Roles whose permissions this one has too.' }),
  permissions: z.array(permission).default([]).meta({ description: 'What the role may do.' }),
})

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
const rate = z
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

const limit = z.strictObject({
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
})

const header = (description: string, fallback: string) =>
  z
    .string()
    .regex(/^[!#$%&'*+.^`|~\w-]{1,64}$/, {
      error: 'is not a header name: letters, digits and hyphens, as in X-Auth-User',
    })
    .default(fallback)
    .meta({ description })

const identity = z.strictObject({
  headers: z
    .strictObject({
      id: header('Id of the principal.', 'X-Auth-User'),
      email: header('Its e-mail address.', 'X-Auth-Email'),
      roles: header('Its roles, inherited ones included, sorted, joined by commas.', 'X-Auth-Roles'),
      permissions: header('Its permissions, sorted, joined by commas.', 'X-Auth-Permissions'),
      tenant: header('Its tenant.', 'X-Auth-Tenant'),
      method: header('What it presented: `jwt:company`, `api-key`, `anonymous`.', 'X-Auth-Method'),
    })
    .prefault({})
    .meta({ description: 'Names of the headers.' }),
})

/** Sections that credential types bring along. */
const credentialSections = Object.fromEntries(
  CREDENTIALS.flatMap(({ section }) => (section === null ? [] : [[section.name, section.schema.optional()]])),
)

const record = <T extends z.ZodType>(value: T, description: string) =>
  z.record(name, value).meta({ description })

export const policySchema = z
  .strictObject({
    listen: listen
      .prefault({})
      .meta({ description: 'Where Postern listens. Addresses are HOST:PORT; port 0 picks a free one.' }),
    proxies: proxies,
    trustedHops: z.array(cidr).default([]).meta({
      description:
        'Balancers and CDNs between clients and the proxy: skipped, from the right, when X-Forwarded-For is read.',
    }),
    store: z
      .literal('memory', { error: 'is not a store: write memory' })
      .default('memory')
      .meta({ description: 'Where counters are kept.' }),
    ...credentialSections,
    roles: record(role, 'Roles by name.').default({}),
    limits: record(limit, 'Limits by name.').default({}),
    routes: record(route, 'Routes by name. A request that matches none is denied.'),
    identity: identity.prefault({}).meta({ description: 'What upstreams are told.' }),
  })
  .meta({ title: 'Postern policy', description: 'Who may pass, and as whom.' })

/** A policy that has the right form; its credential sections are typed by their own types. */
export type Policy = z.output<typeof policySchema>
export type RoutePolicy = Policy['routes'][string]
export type LimitPolicy = Policy['limits'][string]
