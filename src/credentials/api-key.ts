import { z } from 'zod'
import { AddressSet } from '../core/address.ts'
import type { Authentication, CredentialRequest, Principal } from '../core/model.ts'
import { cidr, name, permission, scope, secret } from '../schema/fields.ts'
import { suggestion } from '../schema/problem.ts'
import { Secret, secretOf, weakness } from '../schema/secret.ts'
import { formOf, tagFits } from './api-key/form.ts'
import { type Building, defineCredential, type Inspection } from './contract.ts'

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
  expires: z.iso
    .datetime({ offset: true, error: 'is not a point in time: write 2027-06-01T00:00:00Z' })
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
type Section = ApiKeysSection

/** What is known of one key. */
interface KeyRecord {
  readonly principal: Principal
  readonly networks: AddressSet | null
  /** Milliseconds since the epoch; Infinity when the key does not expire. */
  readonly expires: number
}

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
  const { outside } = building
  const header = section.header.toLowerCase()
  const peppers = Object.entries(section.peppers).map(([version, pepper]) => ({
    version,
    secret: secretOf(pepper),
  }))
  const records = new Map<string, KeyRecord>()
  let imported = false
  for (const [id, key] of Object.entries(section.keys)) {
    const text = digestText(key.digest) ?? ''
    imported ||= text.startsWith('sha256:')
    records.set(text, {
      principal: principalOf(id, key, building),
      networks: key.networks === undefined ? null : new AddressSet(key.networks),
      expires: key.expires === undefined ? Infinity : Date.parse(key.expires),
    })
  }

  /** Digest first, then a look-up by the whole digest: what the key shares with a good one changes nothing in time. */
  function recordOf(presented: string): KeyRecord | undefined {
    const form = formOf(presented, section.prefix)
    if (form === 'imported')
      return imported ? records.get(`sha256:${outside.sha256Hex(presented)}`) : undefined
    const signer =
      form === null ? undefined : peppers.find(({ secret }) => tagFits(presented, secret, outside.hmacSha256))
    if (signer === undefined) return undefined
    return records.get(`hmac-sha256:${signer.version}:${outside.hmacSha256(signer.secret, presented)}`)
  }

  function authenticate({ headers, client, now }: CredentialRequest): Authentication {
    const [presented, ...others] = headers.lines(header)
    if (presented === undefined) return { is: 'absent' }
    if (others.length > 0) return { is: 'rejected', reason: 'credential_repeated' }
    if (presented.length === 0 || presented.length > MAX_LENGTH)
      return { is: 'rejected', reason: 'credential_malformed' }
    const record = recordOf(presented)
    if (record === undefined) return { is: 'rejected', reason: 'key_unknown' }
    if (now >= record.expires) return { is: 'rejected', reason: 'key_expired' }
    if (record.networks !== null && (client === null || !record.networks.has(client))) {
      return { is: 'rejected', reason: 'key_network' }
    }
    return { is: 'accepted', principal: record.principal }
  }

  return { type: 'api-key', fallback: false, authenticate }
}

function principalOf(id: string, key: Section['keys'][string], { limitUse }: Building): Principal {
  return Object.freeze({
    id,
    issuer: 'api-key',
    type: 'api-key',
    method: 'api-key',
    tenant: key.tenant ?? null,
    email: key.email ?? null,
    roles: key.roles,
    permissions: key.permissions,
    scopes: key.scopes,
    strength: { methods: [], context: null, at: null },
    limits: key.limits.map(limitUse),
  })
}
