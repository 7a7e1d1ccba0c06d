import { parseAddress } from '../core/address.ts'
import { isPublic } from '../core/reserved.ts'
import type { FetchRules } from '../credentials/contract.ts'

/** Why a document was not fetched, to be told apart by code. The message names hosts and numbers, never a body. */
export class FetchRefused extends Error {
  readonly code: 'url' | 'address' | 'status' | 'encoding' | 'size' | 'timeout' | 'cut'

  constructor(code: FetchRefused['code'], message: string) {
    super(message)
    this.name = 'FetchRefused'
    this.code = code
  }
}

/** What every fetch says: no compression, for a document is judged by the bytes that come. */
export const FETCH_HEADERS = {
  accept: 'application/json',
  'accept-encoding': 'identity',
  'user-agent': 'postern',
}

/** The URL to connect to. No resolver is asked for an address written in the URL, so that one is judged here. */
export function permitted(url: string, rules: FetchRules): URL {
  const target = URL.canParse(url) ? new URL(url) : null
  if (target === null) throw new FetchRefused('url', 'the URL cannot be read')
  if (target.protocol !== 'https:' && !(rules.http && target.protocol === 'http:')) {
    throw new FetchRefused('url', `${target.host} is not addressed by https`)
  }
  if (target.username !== '' || target.password !== '') {
    throw new FetchRefused('url', `the URL for ${target.host} holds credentials`)
  }
  const literal = parseAddress(target.hostname.replace(/^\[|\]$/g, ''))
  if (literal !== null && !rules.private && !isPublic(literal)) throw notPublic(target.hostname)
  return target
}

export const notPublic = (host: string): FetchRefused =>
  new FetchRefused('address', `${host} has no public address, and private ones are not allowed here`)
