import { authenticate } from './authenticate.ts'
import { furtherLimits } from './charge.ts'
import type { Engine, Route } from './engine.ts'
import { type LimitUse, needsTenant } from './limit.ts'
import type { Authentication, Challenge, CredentialRequest, Ports, Principal } from './model.ts'
import type { Reason } from './reasons.ts'
import { unmet } from './roles.ts'
import { type Soon, whenKnown } from './soon.ts'

/** A denial in the making: the reason, and what caller and record need beside it. */
export interface Refusal {
  readonly reason: Reason
  readonly principal?: Principal
  readonly challenge?: Challenge
  readonly cause?: unknown
}

/** Who may pass, as far as limits allow. */
export interface Admission {
  readonly principal: Principal | null
  readonly identity: Readonly<Record<string, string>>
  /** Limits due beside those of the client. */
  readonly further: readonly LimitUse[]
}

export type Authorised = Admission | Refusal

/** Credentials, revocation and requirements: everything about a request but what it may spend. */
export function authorise(
  route: Route,
  parameters: Readonly<Record<string, string>>,
  request: CredentialRequest,
  engine: Engine,
  { knowledge, trace }: Ports,
): Soon<Authorised> {
  return whenKnown(authenticate(route, request, trace), (found): Authorised => {
    if (found.is !== 'accepted') return refusalOf(found)
    const { principal } = found
    const revoked = knowledge.revoked(principal)
    if (revoked !== false) {
      trace?.('revocation', revoked ? 'the credential was revoked' : 'the store has never answered')
      return { reason: revoked ? 'credential_revoked' : 'revocations_unavailable', principal }
    }
    const { grant, identity } = engine.standings.of(principal)
    const missing = unmet(route.require, principal, grant, parameters, request.now)
    trace?.('requirements', missing ?? 'all met')
    if (missing !== null) return { reason: missing, principal, challenge: challengeOf(route) }

    const further = furtherLimits(route, principal)
    if (principal.tenant === null && further.some(({ limit }) => needsTenant(limit))) {
      return { reason: 'tenant_missing', principal }
    }
    if (identity === null) return { reason: 'identity_too_large', principal }
    return { principal, identity, further }
  })
}

function refusalOf(found: Exclude<Authentication, { is: 'accepted' }>): Refusal {
  if (found.is === 'absent') return { reason: 'credential_missing' }
  return { reason: found.reason, cause: found.is === 'unavailable' ? found.cause : undefined }
}

function challengeOf({ require: { authentication, scopes } }: Route): Challenge {
  return {
    scopes: scopes.length > 0 ? scopes : null,
    contexts: authentication !== null && authentication.contexts.length > 0 ? authentication.contexts : null,
    maxAge: authentication?.within == null ? null : Math.floor(authentication.within / 1000),
  }
}
