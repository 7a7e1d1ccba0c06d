import { AddressSet, type Network, parseNetwork } from '../../core/address.ts'
import type { LimitUse } from '../../core/limit.ts'
import type { Authentication, CredentialRequest, Principal } from '../../core/model.ts'
import type { OwnKey } from '../api-key.ts'
import type { Building, StoredKey } from '../contract.ts'

/** What a policy makes of a key, whoever keeps it. */
export interface KeyStanding {
  readonly principal: Principal
  readonly networks: AddressSet | null
  /** Milliseconds since the epoch; -Infinity and Infinity where nothing is said. */
  readonly from: number
  readonly until: number
}

/** What a policy makes of a key in the store; `unusable` says what it does not know. */
export type StoredStanding =
  | (KeyStanding & {
      readonly revoked: boolean
      /** Digests that stand for the key, with the milliseconds since the epoch at which each ends. */
      readonly ends: ReadonlyMap<string, number>
    })
  | { readonly unusable: string }

/** Whether the key may be used now, from there. */
export function judge(standing: KeyStanding, { client, now }: CredentialRequest): Authentication {
  const { networks, from, until, principal } = standing
  if (now >= until) return { is: 'rejected', reason: 'key_expired' }
  if (now < from) return { is: 'rejected', reason: 'key_premature' }
  if (networks !== null && (client === null || !networks.has(client)))
    return { is: 'rejected', reason: 'key_network' }
  return { is: 'accepted', principal }
}

export function standingOfOwn(id: string, key: OwnKey, { limitUse }: Building): KeyStanding {
  return {
    principal: principalOf({
      ...key,
      id,
      keyId: id,
      tenant: key.tenant ?? null,
      email: key.email ?? null,
      limits: key.limits.map(limitUse),
      issued: null,
    }),
    networks: key.networks === undefined ? null : new AddressSet(key.networks),
    from: key.notBefore === undefined ? Number.NEGATIVE_INFINITY : Date.parse(key.notBefore),
    until: key.expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.expires),
  }
}

/** A limit that is gone makes a key unusable: to let it pass without would widen what it may do. */
export function standingOfStored(
  { id, record }: StoredKey,
  { limitUse, limits, roles }: Building,
): StoredStanding {
  const gone = record.limits.find((limit) => !limits.has(limit))
  if (gone !== undefined)
    return { unusable: `key ${id} has the limit ${gone}, which the policy does not define` }
  const networks = networksOf(record.networks)
  if (networks === null) return { unusable: `key ${id} has networks that cannot be read` }
  return {
    principal: principalOf({
      ...record,
      id: record.owner,
      keyId: id,
      // Roles that the policy does not know give nothing, as in a token.
      roles: record.roles.filter((role) => roles.has(role)),
      limits: record.limits.map(limitUse),
      issued: Math.floor(record.created / 1000),
    }),
    networks: networks.length === 0 ? null : new AddressSet(networks),
    from: record.notBefore === null ? Number.NEGATIVE_INFINITY : Date.parse(record.notBefore),
    until: record.expires === null ? Number.POSITIVE_INFINITY : Date.parse(record.expires),
    revoked: record.status === 'revoked',
    ends: new Map(record.digests.map(({ digest, until }) => [digest, until ?? Number.POSITIVE_INFINITY])),
  }
}

function networksOf(texts: readonly string[]): Network[] | null {
  const networks: Network[] = []
  for (const text of texts) {
    const reading = parseNetwork(text)
    if (!reading.ok) return null
    networks.push(reading.network)
  }
  return networks
}

interface Traits {
  readonly id: string
  readonly keyId: string
  readonly tenant: string | null
  readonly email: string | null
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  readonly scopes: readonly string[]
  readonly limits: readonly LimitUse[]
  readonly issued: number | null
}

const principalOf = ({
  id,
  keyId,
  tenant,
  email,
  roles,
  permissions,
  scopes,
  limits,
  issued,
}: Traits): Principal =>
  Object.freeze({
    id,
    issuer: 'api-key',
    type: 'api-key',
    method: 'api-key',
    tenant,
    email,
    roles,
    permissions,
    scopes,
    strength: { methods: [], context: null, at: null },
    limits,
    credential: { id: keyId, session: null, issued },
  })
