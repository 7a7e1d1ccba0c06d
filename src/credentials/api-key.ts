import * as z from 'zod'
import type { Authentication, CredentialRequest } from '../core/model.ts'
import type { Reason } from '../core/reasons.ts'
import { type Soon, whenKnown } from '../core/soon.ts'
import { cidr, name, permission, scope, secret } from '../schema/fields.ts'
import { suggestion } from '../schema/problem.ts'
import { Secret, secretOf, weakness } from '../schema/secret.ts'
import { formOf, tagFits } from './api-key/form.ts'
import {
  judge,
  type KeyStanding,
  type StoredStanding,
  standingOfOwn,
  standingOfStored,
} from './api-key/standing.ts'
import {
  type Building,
  defineCredential,
  type Inspection,
  type KeyLookup,
  type StoredKey,
} from './contract.ts'
import { instant } from './key-record.ts'

/** Longer than any key, shorter than anything worth hashing for a stranger. */
const MAX_LENGTH = 256

const DIGEST = /^(?:hmac-sha256:([A-Za-z0-9_-]{1,32})|sha256):([0-9a-f]{64})$/
const DIGEST_FORM = '"hmac-sha256:VERSION:" or "sha256:" and 64 lower-case hexadecimal digits'

const digest = z
  .union([z.string(), secret], { error: `is not a digest: write ${DIGEST_FORM}, or a reference to it` })
  .transform((given, context): string | Secret => {
    if (given instanceof Secret || DIGEST.test(given)) return given
    const reference = given.startsWith('${') ? secret.safeParse(given) : null
    if (reference?.success) return reference.data
    const fault =
      reference?.error.issues[0]?.message ?? `is not a digest: write ${DIGEST_FORM}, or a reference to it`
    context.addIssue({ code: 'custom', message: fault })
    return z.NEVER
  })
  .meta({ description: `Digest of the key: ${DIGEST_FORM}. \`postern keys create\` prints it.` })

const key = z.strictObject({
  digest,
  tenant: z.string().min(1).max(128).optional().meta({ description: 'Tenant that the key belongs to.' }),
  email: z.string().min(1).max(254).optional().meta({ description: 'Address to hand to upstreams.' }),
  roles: z.array(name).default([]).meta({ description: 'Roles of the key.' }),
  permissions: z
    .array(permission)
    .default([])
    .meta({ description: 'Permissions beside those of its roles.' }),
  scopes: z.array(scope).default([]).meta({ description: 'Scopes of the key.' }),
  networks: z
    .array(cidr)
    .min(1, { error: 'is empty, so the key could be used from nowhere: leave it out or name a network' })
    .optional()
    .meta({ description: 'Networks from which alone the key may be used.' }),
  limits: z.array(name).default([]).meta({ description: 'Limits charged beside those of the route.' }),
  notBefore: instant
    .optional()
    .meta({ description: 'Point in time before which the key is refused (RFC 3339).' }),
  expires: instant
    .optional()
    .meta({ description: 'Point in time from which the key is refused (RFC 3339).' }),
})

const schema = z
  .strictObject({
    header: z
      .string()
      .regex(/^[A-Za-z0-9!#$%&'*+.^`|~-]{1,64}$/, {
        error: 'is not a header name: letters, digits and hyphens, as in X-API-Key',
      })
      .default('X-API-Key')
      .meta({ description: 'Header that carries the key.' }),
    prefix: z
      .string()
      .regex(/^[a-z][a-z0-9]{0,15}(?:_[a-z0-9]{1,16})?$/, {
        error:
          'is not a prefix: lower-case letters and digits, with an environment if you like, as in ak or ak_live',
      })
      .default('ak')
      .meta({
        description:
          'What keys start with, before the underscore; the environment may be part of it (`ak_live`).',
      }),
    peppers: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,32}$/, { error: 'is not a version: letters, digits, - and _, as in v1' }),
        secret,
      )
      .default({})
      .meta({
        description:
          'Secrets that digests are made with, by version. The last one signs, all of them verify.',
      }),
    keys: z.record(name, key).default({}).meta({ description: 'Keys by id.' }),
  })
  .meta({ description: 'API keys: where they are read, what they look like, and who they stand for.' })

export type ApiKeysSection = z.output<typeof schema>
export type OwnKey = ApiKeysSection['keys'][string]
type Section = ApiKeysSection

const rejected = (reason: Reason): Authentication => ({ is: 'rejected', reason })

const digestText = (value: Secret | string): string | null => (value instanceof Secret ? value.value : value)

export const apiKey = defineCredential({
  type: 'api-key',
  section: { name: 'apiKeys', schema },
  variants: () => null,
  places: ({ header }) => [header],
  inspect,
  create,
})

function inspect({ peppers, keys }: Section, { roles, limits, problem }: Inspection): void {
  for (const [version, pepper] of Object.entries(peppers)) {
    const weak = pepper.value === null ? null : weakness(pepper.value, 32)
    if (weak !== null)
      problem(['peppers', version], `${weak}: use at least 32 random bytes, as from openssl rand -hex 32`)
  }
  const seen = new Map<string, string>()
  for (const [id, { digest, roles: own, limits: ownLimits }] of Object.entries(keys)) {
    const text = digestText(digest)
    if (text !== null) {
      const [, version] = DIGEST.exec(text) ?? []
      if (!DIGEST.test(text))
        problem(
          ['keys', id, 'digest'],
          `refers to something that is not a digest: it must hold ${DIGEST_FORM}`,
        )
      else if (version !== undefined && !Object.hasOwn(peppers, version)) {
        problem(
          ['keys', id, 'digest'],
          `was made with pepper \`${version}\`, which \`peppers\` does not hold: ${suggestion(version, Object.keys(peppers))}`,
        )
      }
      const twin = seen.get(text)
      if (twin !== undefined)
        problem(['keys', id, 'digest'], `is also the digest of \`${twin}\`: give every key its own`)
      seen.set(text, id)
    }
    for (const [index, role] of own.entries()) {
      if (!roles.has(role))
        problem(['keys', id, 'roles', index], `\`${role}\` is not a role: ${suggestion(role, roles)}`)
    }
    for (const [index, limit] of ownLimits.entries()) {
      if (!limits.has(limit))
        problem(['keys', id, 'limits', index], `\`${limit}\` is not a limit: ${suggestion(limit, limits)}`)
    }
  }
}

function create(section: Section, building: Building) {
  const { keys: stored, sha256Hex, hmacSha256 } = building.outside
  const header = section.header.toLowerCase()
  const peppers = Object.entries(section.peppers).map(([version, pepper]) => ({
    version,
    secret: secretOf(pepper),
  }))
  const own = new Map<string, KeyStanding>()
  let imported = false
  for (const [id, key] of Object.entries(section.keys)) {
    const text = digestText(key.digest) ?? ''
    imported ||= text.startsWith('sha256:')
    own.set(text, standingOfOwn(id, key, building))
  }
  const standings = new WeakMap<StoredKey, StoredStanding>()

  /**
   * What a key is looked up by; null when no key can have made it. The whole digest is compared, so that what a key
   * shares with a good one changes nothing in time.
   */
  function digestOf(presented: string): string | null {
    const form = formOf(presented, section.prefix)
    if (form === 'imported') return imported || stored.imported ? `sha256:${sha256Hex(presented)}` : null
    const signer =
      form === null ? undefined : peppers.find(({ secret }) => tagFits(presented, secret, hmacSha256))
    return signer === undefined
      ? null
      : `hmac-sha256:${signer.version}:${hmacSha256(signer.secret, presented)}`
  }

  function judgeStored(lookup: KeyLookup, digest: string, request: CredentialRequest): Authentication {
    if (lookup.is === 'unavailable')
      return { is: 'unavailable', reason: 'key_unavailable', cause: lookup.cause }
    const { key } = lookup
    if (key === null) return rejected('key_unknown')
    let standing = standings.get(key)
    if (standing === undefined) {
      standing = standingOfStored(key, building)
      standings.set(key, standing)
    }
    if ('unusable' in standing) return { is: 'unavailable', reason: 'key_unusable', cause: standing.unusable }
    const end = standing.ends.get(digest)
    if (end === undefined) return rejected('key_unknown')
    if (standing.revoked) return rejected('key_revoked')
    const found = request.now >= end ? rejected('key_expired') : judge(standing, request)
    if (found.is === 'accepted') stored.used(key.id, request.now)
    return found
  }

  function authenticate(request: CredentialRequest): Soon<Authentication> {
    const [presented, ...others] = request.headers.lines(header)
    if (presented === undefined) return { is: 'absent' }
    if (others.length > 0) return rejected('credential_repeated')
    if (presented.length === 0 || presented.length > MAX_LENGTH) return rejected('credential_malformed')
    // No key holds a comma: Envoy and some runtimes join two lines with one.
    if (presented.includes(',')) return rejected('credential_repeated')
    const digest = digestOf(presented)
    if (digest === null) return rejected('key_unknown')
    const standing = own.get(digest)
    if (standing !== undefined) return judge(standing, request)
    return whenKnown(stored.find(digest, request), (lookup) => judgeStored(lookup, digest, request))
  }

  return { type: 'api-key', fallback: false, authenticate }
}
