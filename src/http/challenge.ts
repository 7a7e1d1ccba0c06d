import type { Decision } from '../core/model.ts'
import { REASONS } from '../core/reasons.ts'

const REALM = 'Bearer realm="postern"'

/**
 * WWW-Authenticate for a denial, or null when it needs none (RFC 6750 section 3). No error stands in it when nothing
 * was presented, and never a description: what exactly is wrong with a credential is the operator's business.
 */
export function challengeOf({ reason, challenge }: Decision): string | null {
  if (reason === null) return null
  if (reason === 'credential_missing') return REALM
  if (reason === 'credential_repeated') return `${REALM}, error="invalid_request"`
  if (reason === 'scope_missing') {
    return `${REALM}, error="insufficient_scope"${parameter('scope', challenge?.scopes?.join(' '))}`
  }
  if (reason === 'authentication_insufficient') {
    // RFC 9470 section 3.
    const contexts = parameter('acr_values', challenge?.contexts?.join(' '))
    const age = challenge?.maxAge ?? null
    return `${REALM}, error="insufficient_user_authentication"${contexts}${age === null ? '' : `, max_age="${age}"`}`
  }
  return REASONS[reason].status === 401 ? `${REALM}, error="invalid_token"` : null
}

/** One quoted-string parameter (RFC 9110 section 5.6.4), without what could end it or the line. */
function parameter(name: string, value: string | undefined): string {
  if (value === undefined || value === '') return ''
  return `, ${name}="${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`
}
