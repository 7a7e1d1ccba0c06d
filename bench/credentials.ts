/** The issuer that every subject believes, and the checks that carry its tokens. */
import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes, sign } from 'node:crypto'

export type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

export const ISSUER = 'https://issuer.bench.example'
export const AUDIENCE = 'bench'
/** The key's name, in tokens and in the key set. */
const KEY_ID = 'bench'

const PAIRS: Readonly<Record<Algorithm, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
}

/** An issuer with one key. */
export class Issuer {
  readonly algorithm: Algorithm
  /** SPKI, PEM. */
  readonly pem: string
  readonly #privateKey: KeyObject
  readonly #publicKey: KeyObject
  #minted = 0

  constructor(algorithm: Algorithm) {
    const { publicKey, privateKey } = PAIRS[algorithm]()
    this.algorithm = algorithm
    this.pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    this.#privateKey = privateKey
    this.#publicKey = publicKey
  }

  /** The key set, as its address would give it (RFC 7517). */
  keySet(): { readonly keys: readonly JsonWebKey[] } {
    const key = this.#publicKey.export({ format: 'jwk' })
    return { keys: [{ ...key, kid: KEY_ID, alg: this.algorithm, use: 'sig' }] }
  }

  /** A token that is good for an hour, and like no other. */
  token(): string {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'ann',
      jti: `bench-${this.#minted++}`,
      iat: now,
      exp: now + 3600,
      email: 'ann@acme.example',
      tenant: 'acme',
      roles: ['user'],
    }
    const signed = `${base64url({ alg: this.algorithm, typ: 'JWT', kid: KEY_ID })}.${base64url(claims)}`
    const digest = this.algorithm === 'EdDSA' ? null : 'sha256'
    const key = { key: this.#privateKey, dsaEncoding: 'ieee-p1363' as const }
    return `${signed}.${sign(digest, Buffer.from(signed), key).toString('base64url')}`
  }
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What a proxy proves itself with. */
export const PROXY_SECRET = randomBytes(32).toString('hex')

/** What a client of today sends along. */
const CLIENT = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'Accept: application/json, text/plain, */*',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9',
]

/**
 * The bytes of a check as Traefik sends it.
 * @param path where it asks
 */
export const checkBytes = (token: string, path = '/check/traefik'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1:8081',
    ...CLIENT,
    `Authorization: Bearer ${token}`,
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Host: app.example.com',
    'X-Forwarded-Method: GET',
    'X-Forwarded-Port: 443',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Uri: /app/reports/2026?page=2',
    `X-Postern-Secret: ${PROXY_SECRET}`,
    'X-Real-Ip: 203.0.113.9',
    '\r\n',
  ].join('\r\n')

/** The bytes of the request that a client sends to the proxy, from which that check comes. */
export const requestBytes = (token: string): string =>
  [
    'GET /app/reports/2026?page=2 HTTP/1.1',
    'Host: app.example.com',
    ...CLIENT,
    `Authorization: Bearer ${token}`,
    '\r\n',
  ].join('\r\n')

/** The headers of an allow, which bare servers return as they are. */
export const ALLOW_HEADERS: Readonly<Record<string, string>> = {
  'X-Postern-Status': '200',
  'Content-Length': '0',
  'Cache-Control': 'no-store',
  'X-Auth-User': 'ann',
  'X-Auth-Email': 'ann@acme.example',
  'X-Auth-Roles': 'read_only,user',
  'X-Auth-Permissions': 'reports:read,reports:write',
  'X-Auth-Tenant': 'acme',
  'X-Auth-Method': 'jwt:bench',
  'RateLimit-Policy': '"per-client";q=1000000;w=1',
  RateLimit: '"per-client";r=999999;t=1',
}

/** What subjects are told by their environment. */
export const environmentOf = (issuer: Issuer): Readonly<Record<string, string>> => ({
  BENCH_SECRET: PROXY_SECRET,
  BENCH_PUBLIC_KEY: issuer.pem,
  BENCH_ALGORITHM: issuer.algorithm,
  BENCH_HEADERS: JSON.stringify(ALLOW_HEADERS),
})
