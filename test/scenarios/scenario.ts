/** What a scenario is: one request under one policy, and what everybody must make of it. */
import type { Reason } from '../../src/core/reasons.ts'
import type { Line } from '../e2e/wire.ts'
import type { CredentialName } from './credentials.ts'
import type { PolicyName } from './policies.ts'

/** The identity headers, in the order of the docs. */
export const IDENTITY = [
  'X-Auth-User',
  'X-Auth-Email',
  'X-Auth-Roles',
  'X-Auth-Permissions',
  'X-Auth-Tenant',
  'X-Auth-Method',
] as const

/** Every identity header with its exact value; what an upstream is not told is empty. */
export type Identity = Readonly<Record<(typeof IDENTITY)[number], string>>

/** What the caller is shown of its quota. */
export interface ShownQuota {
  readonly limit: string
  readonly remaining: number
}

/** Without, with another one, twice: the secret. The others stand for a client certificate. */
export type Proof =
  | 'none'
  | 'wrong'
  | 'twice'
  | 'certificate'
  | 'another certificate'
  | 'certificate that does not verify'

/** A request as its client sends it. */
export interface ScenarioRequest {
  readonly method?: string
  /** As a balancer reports it; `http` unless given. */
  readonly scheme?: string
  readonly host?: string
  /** Path and query, byte for byte. */
  readonly target: string
  readonly headers?: readonly Line[]
  /**
   * Where it comes from: an address, or a chain of X-Forwarded-For as a balancer hands it over. Unless given, an
   * address of 127.0.0.0/8 that no other scenario has.
   */
  readonly client?: string
  /** Presented in this order. */
  readonly credentials?: readonly CredentialName[]
  /** Where the client is, as the edge or a trusted proxy says it. */
  readonly place?: { readonly country?: string; readonly asn?: string }
  /** Whether it is the handshake of a WebSocket; those that come before it stay open. */
  readonly websocket?: boolean
  /** What the check proves itself with, where it is not the secret of the proxy. */
  readonly proof?: Proof
}

/** What is seen of one scenario. */
export interface Seen {
  /**
   * The true status, whatever the proxy had to send in its place; 0 when the connection was closed instead. That an
   * upstream switches protocols is told as 200.
   */
  readonly status: number
  /** Null when the request passed, or when Postern was not asked. */
  readonly reason: Reason | null
  /** Whether Postern was asked. */
  readonly judged: boolean
  /** Of a request that passed: what the upstream is told. Null when none did. */
  readonly identity: Identity | null
  /** Null when the caller is shown none. */
  readonly quota: ShownQuota | null
  /** What is left of every limit that was charged, by name. */
  readonly charged: Readonly<Record<string, number>>
}

export interface Scenario {
  /** Stable: group and name. */
  readonly id: string
  /** The guarantee, as a sentence. */
  readonly says: string
  readonly policy: PolicyName
  /** What of a route or a request it is about. With reason and credential no other scenario has the same. */
  readonly feature: string
  readonly request: ScenarioRequest
  /** How often the same request was sent before. */
  readonly before?: number
  /** Who sent those, where it was not the same client with the same credentials. */
  readonly earlier?: {
    readonly clients?: 'others'
    readonly credentials?: readonly CredentialName[]
  }
  readonly expected: Seen
}

/** A scenario whose client is settled. */
export interface Row extends Scenario {
  readonly client: string
}

/** The requests that come before that of a scenario. */
export const earlierOf = (row: Row): Row[] =>
  Array.from({ length: row.before ?? 0 }, (_, at) => ({
    ...row,
    client: row.earlier?.clients === 'others' ? row.client.replace('127.20.', `127.${40 + at}.`) : row.client,
    request: { ...row.request, ...(row.earlier?.credentials && { credentials: row.earlier.credentials }) },
  }))

/** The credentials of a scenario in words, part of what makes it different from all others. */
export const credentialOf = ({ request: { credentials = [] } }: Scenario): string =>
  credentials.length === 0 ? 'none' : credentials.join(' + ')

/** Whether the client's address is not one of this machine, so that a balancer has to name it. */
export const isRemote = ({ client }: Row): boolean => !/^127\.\d+\.\d+\.\d+$/.test(client)

export const pathOf = ({ request: { target } }: Scenario): string => target.split('?')[0] ?? ''

type Fields = 'id' | 'email' | 'roles' | 'permissions' | 'tenant' | 'method'

/** Identity headers; what is left out is empty. */
export const identityOf = (part: Partial<Readonly<Record<Fields, string>>>): Identity => ({
  'X-Auth-User': part.id ?? '',
  'X-Auth-Email': part.email ?? '',
  'X-Auth-Roles': part.roles ?? '',
  'X-Auth-Permissions': part.permissions ?? '',
  'X-Auth-Tenant': part.tenant ?? '',
  'X-Auth-Method': part.method ?? '',
})

/** What is told of a stranger on a route that lets strangers in. */
export const STRANGER: Identity = identityOf({ method: 'anonymous' })

/** What is told where not even that was asked, as for a preflight. */
export const NOBODY: Identity = identityOf({})

type Limits = Readonly<Record<string, number>>

/** Passes. @param charged what is left of each limit; `shown` names the one that the caller is told of */
export const passes = (identity: Identity, charged: Limits = {}, shown?: string): Seen => ({
  status: 200,
  reason: null,
  judged: true,
  identity,
  quota: quotaOf(charged, shown),
  charged,
})

/** Is refused, for this reason and with this status. */
export const fails = (reason: Reason, status: number, charged: Limits = {}, shown?: string): Seen => ({
  status,
  reason,
  judged: true,
  identity: null,
  quota: quotaOf(charged, shown),
  charged,
})

const quotaOf = (charged: Limits, shown: string | undefined): ShownQuota | null =>
  shown === undefined ? null : { limit: shown, remaining: charged[shown] ?? Number.NaN }
