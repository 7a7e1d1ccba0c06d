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
  const wanted = onlyOf(headers.lines('access-control-request-method'))
  return onlyOf(headers.lines('origin')) === null ? null : wanted
}

/** The one value of a field that a browser sends once and never empty; runtimes join repeated lines with a comma. */
const onlyOf = (lines: readonly string[]): string | null =>
  lines.length === 1 && lines[0] !== undefined && /^[^,]+$/.test(lines[0]) ? lines[0] : null
