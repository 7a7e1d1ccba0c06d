/** Who asks: principals with tokens that are renewed, keys of the policy, keys of the store. */
import { randomUUID } from 'node:crypto'
import type { Dice } from '../e2e/targets.ts'
import type { Issuers } from './issuers.ts'
import type { Credential, KeyFacts, TokenFacts } from './oracle.ts'
import { headerOf, type Signer, signed } from './tokens.ts'

type Issuer = TokenFacts['issuer']

/** A credential with the text that presents it. */
export interface Held<Facts> {
  readonly text: string
  readonly facts: Facts
}

/** Seconds for which a token is good, and after which a principal takes a new one. */
const LIFETIME = 240
const RENEWED = 60

const PEOPLE = 40
/** Ids that an identity header cannot carry as they are. */
const ODD_IDS = ['ünal,%41', 'josé maria', '李 四', 'x\u0000y\r\nX-Auth-Roles: admin'.replace('\u0000', '')]

/** One principal of one issuer. */
export class Person {
  readonly issuer: Issuer
  readonly id: string
  readonly tenant: string
  readonly role: 'reader' | 'user' | 'admin'
  readonly #index: number
  #token: Held<TokenFacts> | null = null
  /** Tokens issued up to here (seconds) were withdrawn: the next one has to be younger. */
  withdrawn = 0

  constructor(issuer: Issuer, index: number) {
    this.issuer = issuer
    this.#index = index
    this.id = index < ODD_IDS.length ? `${issuer} ${ODD_IDS[index]}` : `${issuer}-${index}`
    this.tenant = ['acme', 'globex', 'initech'][index % 3] ?? 'acme'
    this.role = (['user', 'reader', 'admin'] as const)[index % 3] ?? 'user'
  }

  /** The token that it holds; a new one now and then. */
  token(issuers: Issuers): Held<TokenFacts> {
    const now = Math.floor(Date.now() / 1000)
    if (this.#token === null || now - this.#token.facts.iat > RENEWED) this.#token = this.#issue(issuers, now)
    return this.#token
  }

  renew(): void {
    this.#token = null
  }

  #issue(issuers: Issuers, now: number): Held<TokenFacts> {
    const published = this.issuer === 'rs' || this.issuer === 'es' ? issuers.current(this.issuer) : null
    const signer = published?.signer ?? (this.issuer === 'ed' ? issuers.pem : issuers.shared)
    const iat = Math.max(now, this.withdrawn + 1)
    const facts: TokenFacts = {
      issuer: this.issuer,
      iss: issOf(this.issuer, issuers),
      id: this.id,
      roles: [this.role],
      permissions: this.#index % 2 === 0 ? ['extra:one'] : [],
      scopes: this.#index % 5 === 0 ? [] : ['search'],
      tenant: this.tenant,
      email: this.#index % 4 === 0 ? null : `p${this.#index}@example.com`,
      iat,
      exp: iat + LIFETIME,
      jti: randomUUID(),
      sid: randomUUID(),
      methods: this.#index % 3 === 0 ? ['pwd'] : ['pwd', 'otp'],
      signedIn: this.#index % 7 === 0 ? iat - 3600 : iat,
      key: published,
    }
    return { text: textOf(signer, facts), facts }
  }
}

export const issOf = (issuer: Issuer, { url }: Issuers): string =>
  issuer === 'rs' || issuer === 'es' ? `${url}/${issuer}` : `https://${issuer}.example`

/** The claims of a token. @param part what differs from what the facts say */
export function payloadOf(facts: TokenFacts, part: object = {}): string {
  const roles = [...facts.roles, 'a role that no policy defines']
  return JSON.stringify({
    iss: facts.iss,
    aud: facts.issuer === 'rs' ? ['else', 'app'] : 'app',
    sub: facts.id,
    iat: facts.iat,
    exp: facts.exp,
    jti: facts.jti,
    sid: facts.sid,
    org: facts.tenant ?? undefined,
    email: facts.email ?? undefined,
    ...(facts.issuer === 'es' ? { realm: { roles } } : { roles }),
    permissions: facts.permissions,
    scope: facts.scopes.join(' '),
    amr: facts.methods,
    auth_time: facts.signedIn ?? undefined,
    ...part,
  })
}

export const typOf = (issuer: Issuer): string => (issuer === 'es' ? 'at+jwt' : 'JWT')

export const textOf = (signer: Signer, facts: TokenFacts, part: object = {}): string =>
  signed(signer, headerOf(signer, { typ: typOf(facts.issuer) }), payloadOf(facts, part))

/** Keys of the store, as the operator makes and ends them. */
export class KeyRing {
  /** Those that clients present; ended ones stay for a while, since they must be refused. */
  readonly keys: Held<KeyFacts>[] = []

  add(key: Held<KeyFacts>): void {
    this.keys.push(key)
    if (this.keys.length > 24) this.keys.shift()
  }
}

/** Everybody. */
export class People {
  readonly issuers: Issuers
  readonly ring = new KeyRing()
  readonly #people: Readonly<Record<Issuer, readonly Person[]>>
  readonly policyKeys: Readonly<Record<'bot' | 'near' | 'old', string>>

  constructor(issuers: Issuers, policyKeys: Readonly<Record<'bot' | 'near' | 'old', string>>) {
    this.issuers = issuers
    this.policyKeys = policyKeys
    const all = (issuer: Issuer) => Array.from({ length: PEOPLE }, (_, index) => new Person(issuer, index))
    this.#people = { rs: all('rs'), es: all('es'), ed: all('ed'), hs: all('hs') }
  }

  some(dice: Dice, issuer: Issuer, role?: Person['role']): Person {
    const all = this.#people[issuer]
    return dice.pick(role === undefined ? all : all.filter((one) => one.role === role))
  }

  tokenOf(person: Person): { readonly line: readonly [string, string]; readonly credential: Credential } {
    const { text, facts } = person.token(this.issuers)
    return { line: ['Authorization', `Bearer ${text}`], credential: { is: 'token', facts } }
  }

  /** A token that some key has signed, whose issuer nobody can ask. */
  foreign(claims: object): string {
    const { signer } = this.issuers.current('es')
    return signed(signer, headerOf(signer, { kid: 'unheard-of' }), JSON.stringify(claims))
  }

  /** A key of the policy. */
  policyKey(name: 'bot' | 'near' | 'old'): { line: readonly [string, string]; credential: Credential } {
    const line = ['X-API-Key', this.policyKeys[name]] as const
    if (name === 'old') return { line, credential: { is: 'bad', where: 'key', asks: false } }
    const facts: KeyFacts = {
      owner: name,
      roles: ['user'],
      tenant: name === 'bot' ? 'acme' : null,
      email: name === 'bot' ? 'bot@example.com' : null,
      stored: null,
      from: name === 'near' ? '10.1.' : null,
      limits: [],
    }
    return { line, credential: { is: 'key', facts } }
  }

  /** A key of the store; null while there is none. */
  storedKey(dice: Dice): { line: readonly [string, string]; credential: Credential } | null {
    const { keys } = this.ring
    if (keys.length === 0) return null
    const { text, facts } = dice.pick(keys)
    return { line: ['X-API-Key', text], credential: { is: 'key', facts } }
  }
}
