import type { FetchRules, Outside } from '../contract.ts'
import { isObject } from './jwk.ts'
import { faultOfUrl } from './location.ts'
import { parseStrict } from './strict-json.ts'

const HOUR = 3_600_000

/** Where the issuer publishes its metadata: OpenID Connect Discovery 1.0 section 4, then RFC 8414 section 3.1. */
export function metadataUrls(issuer: string): readonly string[] {
  const url = new URL(issuer)
  const path = url.pathname.replace(/\/$/, '')
  return [
    `${url.origin}${path}/.well-known/openid-configuration`,
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

/** Finds the URL of an issuer's key set and keeps it for an hour; an older one serves while discovery fails. */
export class Discovery {
  readonly #issuer: string
  readonly #urls: readonly string[]
  readonly #rules: FetchRules
  readonly #outside: Outside
  #found: { readonly url: string; at: number } | null = null

  /** @param urls where to ask, in order */
  constructor(issuer: string, urls: readonly string[], rules: FetchRules, outside: Outside) {
    this.#issuer = issuer
    this.#urls = urls
    this.#rules = rules
    this.#outside = outside
  }

  /** @throws when no document can be had and none was before */
  async locate(): Promise<string> {
    const known = this.#found
    if (known !== null && Math.abs(this.#outside.now() - known.at) < HOUR) return known.url
    try {
      const url = await this.#ask()
      this.#found = { url, at: this.#outside.now() }
      return url
    } catch (error) {
      if (known === null) throw error
      return known.url
    }
  }

  /** The key set was not where it should be: the next look asks again. */
  doubt(): void {
    if (this.#found !== null) this.#found.at = Number.NEGATIVE_INFINITY
  }

  async #ask(): Promise<string> {
    let failure: unknown
    for (const url of this.#urls) {
      try {
        return this.#keySetIn(await this.#outside.fetchText(url, this.#rules))
      } catch (error) {
        failure ??= error
      }
    }
    throw failure
  }

  #keySetIn(text: string): string {
    const document = parseStrict(text)
    if (!isObject(document)) throw new Error('the discovery document is not a JSON object')
    // Whoever could serve another issuer's document would choose the keys (RFC 8414 section 3.3).
    if (document['issuer'] !== this.#issuer)
      throw new Error('the discovery document belongs to another issuer')
    const url = document['jwks_uri']
    if (typeof url !== 'string') throw new Error('the discovery document names no key set')
    const fault = faultOfUrl(url, this.#rules)
    if (fault !== null) throw new Error(`the jwks_uri of the discovery document ${fault}`)
    return url
  }
}
