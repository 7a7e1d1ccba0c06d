import type { Route, RouteCredential } from './engine.ts'
import type { Authentication, CredentialRequest, Ports } from './model.ts'
import { type Soon, whenKnown } from './soon.ts'

/** What decides when credentials differ: a bad one is bad whatever the others are. */
const WEIGHT: Readonly<Record<Authentication['is'], number>> = {
  absent: 0,
  accepted: 1,
  unavailable: 2,
  rejected: 3,
}

const ABSENT: Authentication = { is: 'absent' }
const REPEATED: Authentication = { is: 'rejected', reason: 'credential_repeated' }

/**
 * Judges every credential that the route lists. One bad one denies, so that a weaker one is no way around it; two good
 * ones contradict each other; the fallback (anonymous) is asked only where nothing was presented.
 */
export function authenticate(
  route: Route,
  request: CredentialRequest,
  trace: Ports['trace'],
): Soon<Authentication> {
  const [only] = route.credentials
  // With one there is nothing to weigh, and a token that is being verified has one promise less to wait for.
  if (only !== undefined && route.credentials.length === 1 && trace === undefined) {
    return only.authenticator.authenticate(request, only.variants)
  }
  return whenKnown(judgeAll(route.credentials, false, request, trace), (found) =>
    found.is === 'absent' ? judgeAll(route.credentials, true, request, trace) : found,
  )
}

function judgeAll(
  credentials: readonly RouteCredential[],
  fallback: boolean,
  request: CredentialRequest,
  trace: Ports['trace'],
): Soon<Authentication> {
  let best: Soon<Authentication> = ABSENT
  for (const { authenticator, variants } of credentials) {
    if (authenticator.fallback !== fallback) continue
    const before: Soon<Authentication> = best
    best = whenKnown(authenticator.authenticate(request, variants), (found): Soon<Authentication> => {
      trace?.(
        'credential',
        `${authenticator.type}: ${found.is}${'reason' in found ? ` (${found.reason})` : ''}`,
      )
      return whenKnown(before, (known) => heavier(known, found))
    })
  }
  return best
}

function heavier(known: Authentication, found: Authentication): Authentication {
  if (known.is === 'accepted' && found.is === 'accepted') return REPEATED
  return WEIGHT[found.is] > WEIGHT[known.is] ? found : known
}
