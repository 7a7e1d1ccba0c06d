import fc from 'fast-check'
import { AUDIENCE, ISSUER, START } from '../../credentials/jwt/support.ts'
import type { Smith } from './smith.ts'

/** What an honest token says; forgeries begin with one. */
export interface Good {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Any number, for whatever a forgery has to choose: a position, a bit, a time. */
  readonly any: number
}

/** @returns the token; null where the algorithm knows no such thing */
export type Forge = (smith: Smith, good: Good) => string | null

/** One class of tokens, after the classes of Project Wycheproof's JWS and signature vectors. */
export interface Forgery {
  readonly name: string
  /** The RFC or advisory that the class comes from. */
  readonly source: string
  /** What becomes of all of them; `judged`: what the reference says of each. */
  readonly fate: 'accepted' | 'refused' | 'judged'
  /** Why Postern refuses what another implementation takes; where nothing stands, none may take it. */
  readonly stricter?: string
  readonly variants: Readonly<Record<string, Forge>>
  /** Honest tokens that each variant begins with, for each algorithm. */
  readonly runs?: number
}

/** A table of variants from a list. */
export const variants = <Value>(
  values: readonly Value[],
  forge: (value: Value, smith: Smith, good: Good) => string | null,
): Record<string, Forge> =>
  Object.fromEntries(
    values.map((value) => [
      typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'undefined'),
      (smith: Smith, good: Good) => forge(value, smith, good),
    ]),
  )

const seconds = START / 1000
const extra = fc.dictionary(fc.stringMatching(/^x_[a-z]{1,6}$/), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 3,
})

/** Honest tokens: all that issuers of good will put into theirs. */
export const good: fc.Arbitrary<Good> = fc.record({
  any: fc.nat(2 ** 30),
  header: fc.record(
    {
      typ: fc.constantFrom('JWT', 'at+jwt', 'application/at+jwt', 'jwt'),
      kid: fc.string({ maxLength: 40 }),
      cty: fc.constantFrom('json', 'JWT'),
      x5t: fc.constant('AAAAAAAAAAAAAAAAAAAAAAAAAAA'),
    },
    { requiredKeys: [] },
  ),
  claims: fc
    .tuple(
      extra,
      fc.record(
        {
          iss: fc.constant(ISSUER),
          aud: fc.constantFrom<string | string[]>(AUDIENCE, [AUDIENCE], ['other', AUDIENCE]),
          sub: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
          exp: fc.integer({ min: 1, max: 86_400 }).map((after) => seconds + after),
          iat: fc.integer({ min: 0, max: 86_400 }).map((before) => seconds - before / 8),
          nbf: fc.nat(86_400).map((before) => seconds - before),
          jti: fc.uuid(),
          scope: fc.constantFrom('', 'openid profile'),
          roles: fc.array(fc.constantFrom('admin', 'user', 'ünknown'), { maxLength: 3 }),
        },
        { requiredKeys: ['iss', 'aud', 'sub', 'exp'] },
      ),
    )
    .map(([more, claims]) => ({ ...more, ...claims })),
})

/** The header that belongs to the smith's algorithm. */
export const headerOf = ({ algorithm }: Smith, { header }: Good): Record<string, unknown> => ({
  alg: algorithm,
  ...header,
})

/** A truly signed token with other members in the header or among the claims. */
export const withHeader = (smith: Smith, good: Good, over: object): string =>
  smith.token({ ...headerOf(smith, good), ...over }, good.claims)

export const withClaims = (smith: Smith, good: Good, over: object): string =>
  smith.token(headerOf(smith, good), { ...good.claims, ...over })

/** The claims as JSON text in which the value of `name` is this text. */
export function rawClaim({ claims }: Good, name: string, text: string): string {
  const { [name]: _, ...others } = claims
  return `${JSON.stringify(others).slice(0, -1)},${JSON.stringify(name)}:${text}}`
}

export const honest = (smith: Smith, good: Good): string => smith.token(headerOf(smith, good), good.claims)
