import { parseAddress } from '../../core/address.ts'
import { isPublic } from '../../core/reserved.ts'

/** What an issuer's policy permits beyond https to public addresses. */
export interface Allowance {
  readonly http: boolean
  readonly private: boolean
}

/**
 * What is wrong with a URL that keys or discovery documents are fetched from, in words that fit behind its name; null
 * when it may be fetched. The same rules hold for URLs of the policy and for those in a discovery document. Names are
 * judged again, by the address that is connected to.
 */
export function faultOfUrl(text: string, allowed: Allowance): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return 'is not a URL to fetch from: write https://host/path'
  }
  if (url.username !== '' || url.password !== '') {
    return 'holds credentials: key sets are public, write it without user and password'
  }
  if (text.includes('#')) return 'has a fragment, which is never sent: write it without #'
  if (url.protocol === 'http:' && !allowed.http) {
    return 'is not https: whoever answers it decides who may enter; write https, or `allow: [http]` in a closed network'
  }
  if (!allowed.private && isPrivateHost(url.hostname)) {
    return 'is a private address: write a public one, or `allow: [private]` where the issuer is in your own network'
  }
  return null
}

function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const address = parseAddress(host)
  return address === null ? host === 'localhost' || host.endsWith('.localhost') : !isPublic(address)
}
