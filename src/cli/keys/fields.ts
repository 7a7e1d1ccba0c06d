import type { Command } from 'commander'
import { defined, listOf, textOrNull } from '../admin/options.ts'

/** Options that say what a key has. */
export interface FieldOptions {
  readonly tenant?: string
  readonly email?: string
  readonly roles?: string
  readonly permissions?: string
  readonly scopes?: string
  readonly networks?: string
  readonly limits?: string
  readonly notBefore?: string
  readonly expires?: string
  readonly description?: string
}

export const withFields = (command: Command): Command =>
  command
    .option('--tenant <name>', 'tenant that it belongs to')
    .option('--email <address>', 'address to hand to upstreams')
    .option('--roles <list>', 'roles, joined by commas')
    .option('--permissions <list>', 'permissions beside those of its roles')
    .option('--scopes <list>', 'scopes')
    .option('--networks <list>', 'networks from which alone it may be used')
    .option('--limits <list>', 'limits charged beside those of the route')
    .option('--not-before <time>', 'point in time until which it is refused')
    .option('--expires <time>', 'point in time from which it is refused, as in 2027-06-01T00:00:00Z')
    .option('--description <text>', 'what it is for')

/** Only what was given; an empty text takes a value away. */
export const fieldsOf = (options: FieldOptions): Record<string, unknown> =>
  defined({
    tenant: textOrNull(options.tenant),
    email: textOrNull(options.email),
    roles: listOf(options.roles),
    permissions: listOf(options.permissions),
    scopes: listOf(options.scopes),
    networks: listOf(options.networks),
    limits: listOf(options.limits),
    notBefore: textOrNull(options.notBefore),
    expires: textOrNull(options.expires),
    description: textOrNull(options.description),
  })
