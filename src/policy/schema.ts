import * as z from 'zod'
import { CREDENTIALS } from '../credentials/index.ts'
import { cidr, name, permission } from '../schema/fields.ts'
import { admin } from './schema/admin.ts'
import { bans } from './schema/bans.ts'
import { gateway, shield } from './schema/gateway.ts'
import { limit } from './schema/limit.ts'
import { listen } from './schema/listen.ts'
import { proxies } from './schema/proxies.ts'
import { record as recording } from './schema/record.ts'
import { route } from './schema/route.ts'
import { store } from './schema/store.ts'

/** The policy file, described once: types, the JSON Schema and docs/policy.md derive from here. */

const role = z.strictObject({
  inherits: z.array(name).default([]).meta({ description: 'Roles whose permissions this one has too.' }),
  permissions: z.array(permission).default([]).meta({ description: 'What the role may do.' }),
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
    proxies: proxies.prefault({}),
    gateway: gateway.optional().meta({
      description:
        'On Workers: Postern in front of an origin, without a proxy of yours. Elsewhere it does nothing.',
    }),
    shield: shield.optional().meta({
      description:
        'On Workers: a coarse bound before authentication, against floods. It counts in each location by itself, approximately, and lets more through than it says, so that it replaces no limit. An IPv6 client is its network of 64 bits. Should it fail or not be bound, clients pass to the limits, and the log says so once. Elsewhere it does nothing.',
    }),
    trustedHops: z.array(cidr).default([]).meta({
      description:
        'Balancers and CDNs between clients and the proxy: skipped, from the right, when X-Forwarded-For is read.',
    }),
    store: store.optional().meta({
      description:
        'Where counters, keys, revocations and bans are kept. Unless given: `{ sqlite: ./postern.db }`.',
    }),
    bans: bans.optional().meta({
      description:
        'The penalty box: clients that keep presenting wrong credentials are banned. Without it only people ban.',
    }),
    record: recording
      .optional()
      .meta({ description: 'What the audit record tells of. Unless given: every decision.' }),
    admin: admin.optional().meta({ description: 'Who may use the admin API at `listen.admin`.' }),
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
export type StorePolicy = NonNullable<Policy['store']>
