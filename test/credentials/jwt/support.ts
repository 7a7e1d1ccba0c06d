import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  exportJWK,
  type GenerateKeyPairOptions,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose'
import type { Authentication, CredentialRequest } from '../../../src/core/model.ts'
import type {
  Building,
  BuiltAuthenticator,
  CredentialType,
  Outside,
} from '../../../src/credentials/contract.ts'
import { jwt } from '../../../src/credentials/jwt.ts'
import { hmacSha256, sha256, sha256Hex } from '../../../src/ports/node-crypto.ts'
import { fetchText } from '../../../src/ports/node-fetch.ts'
import { secretsIn } from '../../../src/schema/secret.ts'
import { noKeys, requestOf } from '../../support/ports.ts'

/** 2026-11-21T00:00:00Z */
export const START = 1_795_219_200_000
export const SECRET = 'k7Jv0oQ2Yw9ZpXc4RtL8mN1bH6gF3dS5'

/** An outside whose clock only tests move, with all reports kept. Fetches are real. */
export interface TestOutside extends Outside {
  clock: number
  readonly reports: { event: string; details: Readonly<Record<string, unknown>> }[]
  readonly fetched: string[]
}

export function outside(over: Partial<Outside> = {}): TestOutside {
  const fetched: string[] = []
  const reports: TestOutside['reports'] = []
  const made: TestOutside = {
    clock: START,
    reports,
    fetched,
    now: () => made.clock,
    random: () => 0,
    keys: noKeys,
    background: () => {},
    sha256,
    sha256Hex,
    hmacSha256,
    fetchText: (url, rules) => {
      fetched.push(url)
      return (over.fetchText ?? fetchText)(url, rules)
    },
    report: (event, details) => {
      reports.push({ event, details })
    },
  }
  return made
}

export type Problems = readonly string[]

const section = (): NonNullable<CredentialType['section']> => {
  if (jwt.section === null) throw new Error('jwt has no section')
  return jwt.section
}

/** Reads a section as a policy would: schema, then secrets, then inspection. */
export function read(
  given: unknown,
  secrets: Readonly<Record<string, string>> = {},
): { section: unknown; problems: Problems } {
  const reading = section().schema.safeParse(given)
  if (!reading.success) {
    return {
      section: null,
      problems: reading.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`),
    }
  }
  for (const { secret } of secretsIn(reading.data)) {
    const value = secrets['env' in secret.source ? secret.source.env : secret.source.file]
    if (value !== undefined) secret.resolve(value)
  }
  const problems: string[] = []
  const names = new Set<string>()
  jwt.inspect(reading.data, {
    roles: names,
    limits: names,
    problem: (path, message) => problems.push(`${path.join('.')} ${message}`),
  })
  return { section: reading.data, problems }
}

export interface Built {
  readonly authenticator: BuiltAuthenticator
  readonly outside: TestOutside
  /** Presents `Bearer token`, on a route that accepts all issuers (or these). */
  present(token: string, variants?: readonly string[]): Promise<Authentication>
  /** The reason of a rejection, or the outcome. */
  verdict(token: string, variants?: readonly string[]): Promise<string>
}

export const requestWith = (lines: readonly string[], now: number, patience = 400): CredentialRequest =>
  requestOf({
    headers: {
      lines: (name) => (name === 'authorization' ? lines : []),
      names: () => lines.map(() => 'Authorization'),
    },
    now,
    deadline: now + patience,
  })

/** Builds the authenticator of a section that has no problems. */
export function build(
  given: Readonly<Record<string, unknown>>,
  {
    secrets = {},
    roles = ['admin', 'user'],
    at = outside(),
    patience = 400,
    keep = (_, make) => make(),
  }: {
    secrets?: Readonly<Record<string, string>>
    roles?: readonly string[]
    at?: TestOutside
    patience?: number
    keep?: Building['keep']
  } = {},
): Built {
  const { section: output, problems } = read(given, secrets)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const authenticator = jwt.create(output, {
    outside: at,
    roles: new Set(roles),
    limits: new Set(),
    keep,
    limitUse: () => {
      throw new Error('no limits here')
    },
  })
  const present = async (
    token: string,
    variants: readonly string[] = Object.keys(given),
  ): Promise<Authentication> =>
    authenticator.authenticate(requestWith([`Bearer ${token}`], at.clock, patience), new Set(variants))
  const verdict = async (token: string, variants?: readonly string[]): Promise<string> => {
    const found = await present(token, variants)
    return found.is === 'rejected' || found.is === 'unavailable' ? found.reason : found.is
  }
  return { authenticator, outside: at, present, verdict }
}

/** A key pair with its public JWK. */
export interface Pair {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

export async function pair(
  alg: string,
  kid = `${alg}-1`,
  options: GenerateKeyPairOptions = {},
): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options })
  return { alg, kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export const ISSUER = 'https://login.example.com'
export const AUDIENCE = 'omni'

/** Claims of a token that is good at START. */
export const claims = (over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'alice',
  iat: START / 1000 - 10,
  exp: START / 1000 + 600,
  ...over,
})

export type Header = Readonly<Record<string, unknown>>

/** A token signed by jose. */
export const sign = (
  { alg, kid, privateKey }: Pick<Pair, 'alg' | 'privateKey'> & { kid?: string | undefined },
  payload = claims(),
  header: Header = {},
): Promise<string> =>
  new SignJWT(payload)
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
    .sign(privateKey)

export const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token over any bytes whatever, truly signed with HS256. */
export const forge = (header: unknown, payload: unknown, secret = SECRET): string => {
  const input = `${b64(header)}.${b64(payload)}`
  return `${input}.${Buffer.from(hmacSha256(secret, input), 'hex').toString('base64url')}`
}

/** The section of one HS256 issuer, whose secret is SECRET. */
export const symmetric = (over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  company: {
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { secret: '${SECRET}' },
    algorithms: ['HS256'],
    ...over,
  },
})

/** The section of one issuer whose keys are fetched from `jwks`. */
export const remote = (
  jwks: string,
  over: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> => ({
  company: {
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { jwks, allow: ['http', 'private'] },
    algorithms: ['RS256'],
    ...over,
  },
})

/** A real HTTP server as issuer. What it answers can be changed at any time; every request is counted. */
export interface IssuerServer {
  readonly url: string
  readonly paths: string[]
  answer(given: unknown): void
  /** Replaces the answer by a handler of one's own. */
  handle(handler: (request: IncomingMessage, response: ServerResponse) => void): void
  close(): Promise<void>
}

export async function issuerServer(given: unknown = { keys: [] }): Promise<IssuerServer> {
  const paths: string[] = []
  const plain =
    (value: unknown) =>
    (_: IncomingMessage, response: ServerResponse): void => {
      response.end(typeof value === 'string' ? value : JSON.stringify(value))
    }
  let handler: (request: IncomingMessage, response: ServerResponse) => void = plain(given)
  const server: Server = createServer((request, response) => {
    paths.push(request.url ?? '')
    handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    answer: (value) => {
      handler = plain(value)
    },
    handle: (next) => {
      handler = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
