import { clientOf } from './address.ts'
import type { Engine } from './engine.ts'
import { canonicalHost } from './host.ts'
import type { CanonicalRequest, ForwardedRequest } from './model.ts'
import { pathOf } from './path.ts'

const SCHEMES: Readonly<Record<string, string>> = { http: 'http', https: 'https', ws: 'http', wss: 'https' }

/** A request in canonical form, or as far as it could be brought there. */
export interface Canonical {
  readonly request: CanonicalRequest
  /** What is wrong with a field; null when nothing is. */
  readonly problem: string | null
}

/** Brings method, scheme, host and client into the form that everything later compares. The path keeps its bytes. */
export function canonicalise(request: ForwardedRequest, engine: Engine): Canonical {
  const { method } = request
  const scheme = Object.hasOwn(SCHEMES, request.scheme) ? SCHEMES[request.scheme] : undefined
  const host = canonicalHost(request.host)
  let problem: string | null = null
  if (!engine.methods.has(method)) problem = 'the method is not known'
  else if (scheme === undefined) problem = 'the scheme is neither http nor https'
  else if (host === null) problem = 'the host is not a host name'
  return {
    request: {
      method,
      scheme: scheme ?? request.scheme,
      host: host ?? request.host,
      path: pathOf(request.target),
      client: clientOf(request.forwardedFor, engine.trustedHops),
    },
    problem,
  }
}

/** The method that a CORS preflight asks for (Fetch standard, CORS-preflight fetch); null for any other request. */
export function preflightMethod({ method, headers }: ForwardedRequest): string | null {
  if (method !== 'OPTIONS') return null
  const [origin, ...origins] = headers.lines('origin')
  const [wanted, ...more] = headers.lines('access-control-request-method')
  if (origin === undefined || origin === '' || origins.length > 0 || more.length > 0) return null
  return wanted ?? null
}
