/** Credentials that must never be taken: a pool made once, since a fresh signature for each request would be the load. */
import { randomBytes } from 'node:crypto'
import type { Issuers } from './issuers.ts'
import type { TokenFacts } from './oracle.ts'
import { issOf, Person, payloadOf, textOf } from './people.ts'
import {
  base64url,
  forgedKey,
  headerOf,
  importedKey,
  newSigner,
  publicPem,
  type Signer,
  signed,
} from './tokens.ts'

/** A bad credential, by the class that a report names. */
export interface Bad {
  readonly name: string
  readonly text: string
  /** Whether it counts as a guess: an expired token was good once. */
  readonly guess: boolean
  /** Whether only the store can tell that nobody has it. */
  readonly asks: boolean
}

/** Tokens that only `route`'s issuer could have made, and did not. */
export function badTokens(issuers: Issuers, count: number): Bad[] {
  const all: Bad[] = []
  const person = new Person('rs', 5)
  for (let round = 0; all.length < count; round++) {
    const good = person.token(issuers)
    person.renew()
    const ours = issuers.current('rs').signer
    const foreign = newSignerOf(ours, round)
    const { facts } = good
    const now = facts.iat
    const claims = (part: object): string => textOf(ours, facts, part)
    const header = (part: object): string => signed(ours, headerOf(ours, part), payloadOf(facts))
    const unsigned = (alg: string): string =>
      `${base64url(JSON.stringify({ alg, typ: 'JWT' }))}.${base64url(payloadOf(facts))}.`
    const [head = '', body = '', mark = ''] = good.text.split('.')
    const made: Readonly<Record<string, string>> = {
      'alg none': unsigned('none'),
      'alg nOnE': unsigned('nOnE'),
      'HS256 under the public key': hmacUnder(publicPem(ours), facts),
      'signed by a stranger under our kid': textOf({ ...foreign, kid: ours.kid }, facts),
      'kid that nobody published': textOf(foreign, facts),
      'own jwk in the header': signed(
        foreign,
        headerOf(foreign, {
          kid: ours.kid,
          jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
          jku: 'http://127.0.0.1:1/',
        }),
        payloadOf(facts),
      ),
      'crit with an unknown name': header({ crit: ['b64'], b64: false }),
      'typ of a logout token': header({ typ: 'logout+jwt' }),
      'signature cut': `${head}.${body}.${mark.slice(0, -4)}`,
      'signature turned': `${head}.${body}.${mark[0] === 'A' ? 'B' : 'A'}${mark.slice(1)}`,
      'payload changed': `${head}.${base64url(payloadOf(facts, { roles: ['admin'] }))}.${mark}`,
      'padding in the signature': `${good.text}=`,
      'no exp': claims({ exp: undefined }),
      'exp without end': signed(ours, headerOf(ours), payloadOf(facts).replace(/"exp":\d+/, '"exp":1e400')),
      'exp in milliseconds': claims({ exp: now * 1000 }),
      'not yet': claims({ nbf: now + 3600 }),
      'issued in the future': claims({ iat: now + 3600, exp: now + 3700 }),
      'other audience': claims({ aud: 'ap' }),
      'no audience': claims({ aud: undefined }),
      'unknown issuer': claims({ iss: 'https://stranger.example' }),
      'issuer with a slash': claims({ iss: `${issOf('rs', issuers)}/` }),
      'two subjects': signed(ours, headerOf(ours), payloadOf(facts).replace('{', '{"sub":"root",')),
      'no subject': claims({ sub: '' }),
      'larger than any': claims({ junk: 'x'.repeat(9000) }),
      'deeper than any': claims({ junk: JSON.parse(`${'['.repeat(900)}${']'.repeat(900)}`) }),
      'not a token': randomBytes(24).toString('base64url'),
      'two dots only': '..',
      'nothing at all': '',
    }
    for (const [name, text] of Object.entries(made)) all.push({ name, text, guess: true, asks: false })
    all.push({ name: 'expired', text: claims({ iat: now - 900, exp: now - 300 }), guess: false, asks: false })
    all.push({
      name: 'older than its issuer lets it be',
      text: claims({ iat: now - 7200 }),
      guess: false,
      asks: false,
    })
  }
  return all
}

/** Making an RSA key takes long: the strangers share a few. */
const strangers: Signer[] = []
function newSignerOf({ algorithm }: Signer, round: number): Signer {
  if (strangers.length < 4) strangers.push(newSigner(algorithm))
  const stranger = strangers[round % strangers.length] ?? newSigner(algorithm)
  return { ...stranger, kid: randomBytes(6).toString('hex') }
}

function hmacUnder(pem: string, facts: TokenFacts): string {
  const signer: Signer = { algorithm: 'HS256', kid: 'any', key: pem }
  return signed(signer, JSON.stringify({ alg: 'HS256', typ: 'JWT' }), payloadOf(facts))
}

/** Keys that nobody has. @param good one of the policy, for the near misses */
export function badKeys(good: string, count: number): Bad[] {
  const all: Bad[] = []
  const known = { guess: true, asks: false }
  while (all.length < count) {
    all.push(
      { name: 'key with a forged tag', text: forgedKey(), ...known },
      { name: 'key with a bad checksum', text: `${forgedKey().slice(0, -1)}-`, ...known },
      { name: 'imported form, unknown', text: importedKey().key, guess: true, asks: true },
      { name: 'key cut short', text: good.slice(0, -1), ...known },
      { name: 'key with more', text: `${good}0`, ...known },
      { name: 'key in capitals', text: good.toUpperCase(), ...known },
      { name: 'key of another prefix', text: `xk${good.slice(2)}`, ...known },
      { name: 'key larger than any', text: `ak_${'a'.repeat(2000)}`, ...known },
      { name: 'empty key', text: '', ...known },
    )
  }
  return all
}
