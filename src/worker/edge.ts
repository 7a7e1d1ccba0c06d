import type { IncomingRequestCfProperties } from '@cloudflare/workers-types'
import type { Place } from '../core/model.ts'
import { asnOf, countryOf } from '../core/place.ts'

/** What the edge says of a request, beside the request; undefined where it says nothing, as in a local run. */
export const edgeOf = (request: Request): Partial<IncomingRequestCfProperties> | undefined =>
  (request as { readonly cf?: Partial<IncomingRequestCfProperties> }).cf

/** Where the edge says that the client is. */
export function placeOf(request: Request): Place {
  const { country, asn } = edgeOf(request) ?? {}
  return { country: countryOf(country ?? null), asn: asnOf(asn === undefined ? null : String(asn)) }
}

/**
 * SHA-256 of the client certificate that the edge has verified, in lower-case hex; null: there is none. One that was
 * revoked is verified with success all the same.
 */
export function certificateOf(request: Request): string | null {
  const { tlsClientAuth } = edgeOf(request) ?? {}
  if (tlsClientAuth?.certPresented !== '1' || tlsClientAuth.certVerified !== 'SUCCESS') return null
  if (tlsClientAuth.certRevoked === '1') return null
  return tlsClientAuth.certFingerprintSHA256.replaceAll(':', '').toLowerCase()
}
