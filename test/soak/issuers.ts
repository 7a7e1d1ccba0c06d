/** The issuers of the soak: two serve their keys over HTTP and change them, one gives a PEM, one shares a secret. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { newSigner, publicJwk, type Signer } from './tokens.ts'

/** A signer and for how long its other half stands in the set; milliseconds since the epoch. */
export interface Published {
  readonly signer: Signer
  readonly since: number
  /** Null while it stands there. */
  withdrawn: number | null
}

/** The sets of `rs` (at a URL) and `es` (found by discovery), as they are served now. */
export class Issuers {
  readonly url: string
  readonly pem = newSigner('EdDSA')
  readonly shared = newSigner('HS256')
  readonly #server: Server
  readonly #sets: Readonly<Record<'rs' | 'es', Published[]>>
  /** How often a set was asked for. */
  asked = 0

  static async start(): Promise<Issuers> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Issuers(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#sets = { rs: [published('RS256')], es: [published('ES256')] }
    server.on('request', (request, response) => {
      const found = this.#document(request.url ?? '')
      response.writeHead(found === null ? 404 : 200, { 'Content-Type': 'application/json' })
      response.end(found === null ? '{}' : JSON.stringify(found))
    })
  }

  /** What signs for an issuer at this moment: the newest of its set. */
  current(issuer: 'rs' | 'es'): Published {
    const newest = this.#sets[issuer].findLast(({ withdrawn }) => withdrawn === null)
    if (newest === undefined) throw new Error(`the set of ${issuer} is empty`)
    return newest
  }

  /** Publishes a further key and withdraws all but the last two. */
  rotate(issuer: 'rs' | 'es'): void {
    const set = this.#sets[issuer]
    set.push(published(issuer === 'rs' ? 'RS256' : 'ES256'))
    for (const one of set.filter(({ withdrawn }) => withdrawn === null).slice(0, -2))
      one.withdrawn = Date.now()
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  #document(path: string): object | null {
    const set = (issuer: 'rs' | 'es') => {
      this.asked++
      const standing = this.#sets[issuer].filter(({ withdrawn }) => withdrawn === null)
      return { keys: standing.map(({ signer }) => publicJwk(signer)) }
    }
    if (path === '/rs/keys') return set('rs')
    if (path === '/es/keys') return set('es')
    if (path === '/es/.well-known/openid-configuration')
      return { issuer: `${this.url}/es`, jwks_uri: `${this.url}/es/keys` }
    return null
  }
}

const published = (algorithm: 'RS256' | 'ES256'): Published => ({
  signer: newSigner(algorithm),
  since: Date.now(),
  withdrawn: null,
})
