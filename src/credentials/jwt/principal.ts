import type { CredentialFacts, Principal, Strength } from '../../core/model.ts'
import { PERMISSION } from '../../schema/fields.ts'
import { own } from './token.ts'

type Payload = Readonly<Record<string, unknown>>
type Claim = (payload: Payload) => unknown

/** Where a token says what; null: nowhere. */
export interface ClaimNames {
  readonly id: string
  readonly email: string | null
  readonly roles: string | null
  readonly permissions: string | null
  /** Null: `scope`, and where there is none `scp`. */
  readonly scopes: string | null
  readonly tenant: string | null
}

/** Whether a claim's name can be read: a literal member, or with a leading `/` a JSON Pointer (RFC 6901 section 3). */
export const isClaimName = (name: string): boolean =>
  name !== '' && !(name.startsWith('/') && /~(?![01])/.test(name))

/** Compiles a claim's name: dots in a literal one mean nothing, as in `https://example.com/roles`. */
export function claimOf(name: string | null): Claim {
  if (name === null) return () => undefined
  if (!name.startsWith('/')) return (payload) => own(payload, name)
  const steps = name
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return (payload) => {
    let value: unknown = payload
    for (const step of steps) {
      if (typeof value !== 'object' || value === null) return undefined
      // An array has its items and nothing else (RFC 6901 section 4).
      if (Array.isArray(value) && step === 'length') return undefined
      value = own(value as Payload, step)
    }
    return value
  }
}

/** Shared by all who have none: principals are kept by the thousand. */
const NONE: readonly never[] = Object.freeze([])
const UNKNOWN_STRENGTH: Strength = Object.freeze({ methods: NONE, context: null, at: null })

/** Strings of an array, or words of a text; anything else, a mixed array included, is none. Each only once. */
function listOf(value: unknown): readonly string[] {
  const items = typeof value === 'string' ? value.split(' ') : value
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) return NONE
  const list = items.filter((item, index) => item !== '' && items.indexOf(item) === index)
  return list.length === 0 ? NONE : list
}

const textIn = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** A permission in a token is a literal one: `{name}` stands for a path parameter only in a policy. */
const isPermission = (text: string): boolean =>
  text.length <= 256 && !/[{}]/.test(text) && PERMISSION.test(text)

/** @param latest milliseconds since the epoch: a sign-in that is yet to come would be recent for ever */
function strengthOf(payload: Payload, latest: number): Strength {
  const [methods, context] = [listOf(own(payload, 'amr')), textIn(own(payload, 'acr'))]
  const time = own(payload, 'auth_time')
  const at = Number.isFinite(time) && Number(time) * 1000 <= latest ? Number(time) : null
  return methods === NONE && context === null && at === null ? UNKNOWN_STRENGTH : { methods, context, at }
}

/** Makes the principal of a verified token; null when it does not say whom it stands for. */
export type PrincipalMaker = (payload: Payload, now: number) => Principal | null

/**
 * @param issuer the `iss` value, namespace of the id
 * @param method the credential as routes name it, such as `jwt:company`
 * @param known role names of the policy; others in a token are dropped
 */
export function principalMaker(
  { issuer, method, clockSkew }: { issuer: string; method: string; clockSkew: number },
  names: ClaimNames,
  known: ReadonlySet<string>,
): PrincipalMaker {
  const [id, email, tenant] = [claimOf(names.id), claimOf(names.email), claimOf(names.tenant)]
  const [roles, permissions] = [claimOf(names.roles), claimOf(names.permissions)]
  const scopes: Claim =
    names.scopes === null ? (payload) => own(payload, 'scope') ?? own(payload, 'scp') : claimOf(names.scopes)
  return (payload, now) => {
    const who = textIn(id(payload))
    if (who === null) return null
    return {
      id: who,
      issuer,
      type: 'jwt',
      method,
      tenant: textIn(tenant(payload)),
      email: textIn(email(payload)),
      roles: listOf(roles(payload)).filter((role) => known.has(role)),
      permissions: listOf(permissions(payload)).filter(isPermission),
      scopes: listOf(scopes(payload)),
      strength: strengthOf(payload, now + clockSkew),
      limits: NONE,
      credential: factsOf(payload),
    }
  }
}

/** What revocation goes by: `jti`, `sid` and `iat`. */
function factsOf(payload: Payload): CredentialFacts {
  const issued = own(payload, 'iat')
  return {
    id: textIn(own(payload, 'jti')),
    session: textIn(own(payload, 'sid')),
    issued: typeof issued === 'number' && Number.isFinite(issued) ? issued : null,
  }
}
