import type { Route } from './engine.ts'
import type { Authentication, CredentialRequest, Ports } from './model.ts'

/** What decides when credentials differ: a bad one is bad whatever the others are. */
const WEIGHT: Readonly<Record<Authentication['is'], number>> = {
  absent: 0,
  accepted: 1,
  unavailable: 2,
  rejected: 3,
}

/**
 * Judges every credential that the route lists. One bad one denies, so that a weaker one is no way around it; two good
 * ones contradict each other; the fallback (anonymous) is asked only where nothing was presented.
 */
export async function authenticate(
  route: Route,
  request: CredentialRequest,
  trace: Ports['trace'],
): Promise<Authentication> {
  let best: Authentication = { is: 'absent' }
  for (const fallback of [false, true]) {
    if (fallback && best.is !== 'absent') break
    for (const { authenticator, variants } of route.credentials) {
      if (authenticator.fallback !== fallback) continue
      const answer = authenticator.authenticate(request, variants)
      const found = answer instanceof Promise ? await answer : answer
      trace?.(
        'credential',
        `${authenticator.type}: ${found.is}${'reason' in found ? ` (${found.reason})` : ''}`,
      )
      if (found.is === 'accepted' && best.is === 'accepted')
        best = { is: 'rejected', reason: 'credential_repeated' }
      else if (WEIGHT[found.is] > WEIGHT[best.is]) best = found
    }
  }
  return best
}
