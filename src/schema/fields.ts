import * as z from 'zod'
import { type Network, parseNetwork } from '../core/address.ts'
import { Secret } from './secret.ts'

/** Field types that several sections of the policy share. Each message says what is wrong and what would be right. */

const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}$/

/**
 * A value given by reference: `${NAME}` or `{ file: PATH }`. A literal is a problem, so that no policy file can be
 * a place where secrets lie.
 */
export const secret = z
  .union(
    [z.string(), z.strictObject({ file: z.string().min(1).meta({ description: 'Path of the file.' }) })],
    {
      error: 'is not a reference: write "${NAME}" for an environment variable or { file: PATH }',
    },
  )
  .transform((given, context): Secret => {
    if (typeof given !== 'string') return new Secret(given)
    const name = REFERENCE.exec(given)?.[1]
    if (name !== undefined) return new Secret({ env: name })
    context.addIssue({
      code: 'custom',
      message: given.startsWith('${')
        ? 'is not a reference that can be read: write "${NAME}" with letters, digits and _, and no fallback value'
        : 'is a literal secret: write "${NAME}" for an environment variable or { file: PATH }',
    })
    return z.NEVER
  })
  .meta({ description: 'By reference only: `"${NAME}"` (environment) or `{ file: PATH }`.' })

/** A network in CIDR notation; a bare address is a network of one. */
export const cidr = z
  .string()
  .transform((text, context): Network => {
    const reading = parseNetwork(text)
    if (reading.ok) return reading.network
    const hint = reading.nearest === null ? '10.0.0.0/8, 192.168.1.7 or 2001:db8::/32' : reading.nearest
    const what = {
      address: 'is not an IP network',
      prefix: 'has a prefix length that does not fit its address',
      'host-bits': 'has host bits set',
    }[reading.problem]
    context.addIssue({ code: 'custom', message: `${what}: write ${hint}` })
    return z.NEVER
  })
  .meta({
    description: 'An address or network, such as `10.0.0.0/8` or `2001:db8::/32`; host bits must be zero.',
  })

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A length of time such as `30s`, in milliseconds. */
export const duration = z
  .string()
  .transform((text, context): number => {
    const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
    const factor = unit === undefined ? undefined : UNITS[unit]
    if (factor !== undefined && Number(count) > 0) return Number(count) * factor
    context.addIssue({ code: 'custom', message: 'is not a duration: write 500ms, 30s, 5m, 1h or 7d' })
    return z.NEVER
  })
  .meta({ description: 'A duration: `500ms`, `30s`, `5m`, `1h`, `7d`.', pattern: '^[0-9]{1,9}(ms|s|m|h|d)$' })

/** Names that users give to routes, roles, limits, issuers and keys. */
export const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.@-]{0,62}[A-Za-z0-9])?$/

export const name = z.string().regex(NAME, {
  error: 'is not a name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`, first and last a letter or digit',
})

/** One permission: segments joined by `:` or `.`, `*` only as the whole last segment. */
export const PERMISSION = /^(?:\*|[\w{}~/-]+(?:[:.][\w{}~/-]+)*(?:[:.]\*)?)$/

export const permission = z.string().max(256).regex(PERMISSION, {
  error:
    'is not a permission: segments joined by `:` or `.`, with `*` only as the last one, as in users:read or users:*',
})

/** RFC 6749 section 3.3: scope-token. */
export const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, {
  error: 'is not a scope: visible ASCII without quotes, spaces or backslashes',
})
