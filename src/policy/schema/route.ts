import * as z from 'zod'
import { cidr, duration, name, permission, scope } from '../../schema/fields.ts'
import { hostField, methodField, originField, pathField } from '../patterns.ts'

/** One entry of the policy's `routes`. */

const networks = z.strictObject({
  allow: z
    .array(cidr)
    .min(1, { error: 'is empty, so nobody could come in: name a network or leave it out' })
    .optional()
    .meta({ description: 'Only clients in these networks.' }),
  deny: z
    .array(cidr)
    .min(1, { error: 'is empty: name a network or leave it out' })
    .optional()
    .meta({ description: 'No client in these networks, whatever `allow` says.' }),
})

const country = z.string().regex(/^[A-Z][A-Z0-9]$/, {
  error: 'is not a country: write its two capital letters (ISO 3166-1), as in DE',
})

const asn = z
  .int({ error: 'is not the number of an autonomous system: write 13335' })
  .min(1, { error: 'is not the number of an autonomous system: write 13335' })
  .max(2 ** 32 - 1, { error: 'is not the number of an autonomous system: write 13335' })

/** What may be and what may not. */
const rule = <Item extends z.ZodType>(item: Item, what: string) =>
  z.strictObject({
    allow: z
      .array(item)
      .min(1, { error: `is empty, so nobody could come in: name a ${what} or leave it out` })
      .optional()
      .meta({ description: `Only clients there; whose ${what} is unknown is not.` }),
    deny: z
      .array(item)
      .min(1, { error: `is empty: name a ${what} or leave it out` })
      .optional()
      .meta({ description: `No client there, and none whose ${what} is unknown.` }),
  })

const bound = z
  .int({ error: 'is not a whole number' })
  .min(1, { error: 'is less than 1' })
  .max(10_000, { error: 'is more than 10000' })

const connections = z.strictObject({
  client: bound.optional().meta({ description: 'WebSocket connections that a client may hold open.' }),
  principal: bound.optional().meta({ description: 'WebSocket connections that a principal may hold open.' }),
})

const limitUse = z
  .union(
    [
      z.string(),
      z.strictObject({
        use: z.string().meta({ description: 'Name of a limit.' }),
        cost: z
          .int({ error: 'is not a whole number' })
          .min(1, { error: 'is less than 1' })
          .default(1)
          .meta({ description: 'Units that a request costs.' }),
      }),
    ],
    { error: 'is not a limit: write its name, or { use: NAME, cost: 5 }' },
  )
  .transform((given) => (typeof given === 'string' ? { use: given, cost: 1 } : given))
  .meta({ description: 'Name of a limit, or `{ use, cost }`.' })

/** An empty list of demands looks like a closed door and is an open one. */
const demands = <Item extends z.ZodType<string>>(item: Item) =>
  z
    .array(item)
    .min(1, { error: 'is empty and so demands nothing: write at least one, or leave it out' })
    .default([])

const authentication = z
  .strictObject({
    methods: demands(z.string().min(1)).meta({
      description: "Any of these must stand in the token's `amr`.",
    }),
    contexts: demands(
      z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, {
        error: 'is not a context class: visible ASCII without quotes or spaces',
      }),
    ).meta({ description: "The token's `acr` must be one of these." }),
    within: duration.optional().meta({ description: "The token's `auth_time` must not be longer ago." }),
  })
  .meta({ description: 'How the principal must have signed in (RFC 9470).' })

const PARAMETER = /^\{[A-Za-z_][A-Za-z0-9_]*\}$/

const requirements = z.strictObject({
  roles: demands(name).meta({ description: 'Any of these roles, inherited ones included.' }),
  permissions: demands(permission).meta({
    description: 'All of these permissions; `{name}` is a path or host parameter.',
  }),
  scopes: demands(scope).meta({ description: 'All of these scopes.' }),
  tenant: z
    .string()
    .regex(PARAMETER, { error: 'is not a parameter: write "{org}" with a name from the path or host' })
    .optional()
    .meta({ description: 'The principal\'s tenant must equal this parameter: `"{org}"`.' }),
  authentication: authentication.optional(),
})

export const route = z.strictObject({
  match: z
    .strictObject({
      host: hostField.optional().meta({
        description: 'Host, without port; `:org.example.com` has a parameter. Any host unless given.',
      }),
      path: pathField.meta({
        description: 'Path: `/x`, `/mcp/:server/**`. `/x/**` owns `/x`, `/x/` and all below.',
      }),
      methods: z
        .array(methodField)
        .min(1, { error: 'is empty, so no request would match: name a method or leave it out' })
        .optional()
        .meta({ description: 'Methods; GET implies HEAD. All unless given.' }),
    })
    .meta({
      description:
        'Requests that select this route: host first, then path, the most specific wins; methods only break ties.',
    }),
  networks: networks.optional().meta({ description: 'Where clients may come from.' }),
  countries: rule(country, 'country').optional().meta({
    description:
      'Countries of clients, where somebody who is trusted tells them: the gateway, or a proxy with `place`.',
  }),
  asns: rule(asn, 'network').optional().meta({
    description: 'Autonomous systems of clients, where somebody who is trusted tells them.',
  }),
  origins: z
    .array(originField)
    .min(1, { error: 'is empty: name an origin or leave it out' })
    .optional()
    .meta({
      description:
        'Origins whose pages may send requests, WebSocket handshakes included. Requests without an Origin are not concerned.',
    }),
  credentials: z
    .array(z.string())
    .min(1, { error: 'is empty, so nobody could come in: write jwt:ISSUER, api-key or anonymous' })
    .meta({
      description:
        'Credentials that open the route: `jwt:ISSUER`, `api-key`, `anonymous`. All that are presented must be good.',
    }),
  require: requirements.prefault({}).meta({ description: 'What the principal must have.' }),
  limits: z
    .array(limitUse)
    .default([])
    .meta({ description: 'Limits charged together: all of them or none.' }),
  connections: connections.optional().meta({
    description:
      'WebSocket connections that may be open at once. Counted in the gateway, which sees them close; behind other proxies the handshake is a request like any other.',
  }),
  preflight: z.literal('allow', { error: 'is not known: write allow, or leave it out' }).optional().meta({
    description: '`allow` lets CORS preflights pass with empty identity headers.',
  }),
})
