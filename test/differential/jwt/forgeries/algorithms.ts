import { createHmac, type KeyObject } from 'node:crypto'
import { ALGORITHMS, type Algorithm } from '../../../../src/credentials/jwt/algorithms.ts'
import { type Forgery, type Good, headerOf, honest, variants, withHeader } from '../forgery.ts'
import { materialOf, Smith, schemeOf, segmentOf, signatureOf } from '../smith.ts'

/** Keys are dear: one stranger for each algorithm, made when it is first met. */
const strangers = new Map<Algorithm, Smith>()
export function strangerOf(algorithm: Algorithm): Smith {
  const stranger = strangers.get(algorithm) ?? new Smith(algorithm)
  strangers.set(algorithm, stranger)
  return stranger
}

/** A token whose header says `alg` and whose signature is `signature`. */
const claiming = (alg: unknown, smith: Smith, good: Good, signature: (input: string) => Buffer): string => {
  const input = `${segmentOf({ ...headerOf(smith, good), alg })}.${segmentOf(good.claims)}`
  return `${input}.${signature(input).toString('base64url')}`
}

const NONE = [
  'none',
  'None',
  'NONE',
  'nOnE',
  'none ',
  ' none',
  'none\0',
  'n\u043ene',
  '\uff4eone',
  '',
  'null',
]

/** What an attacker may take for the secret: every text that says the public key. */
const KEY_TEXTS: Readonly<Record<string, (key: KeyObject) => string | Buffer>> = {
  PEM: pem,
  'PEM, trimmed': (key) => pem(key).trim(),
  'PEM with CRLF': (key) => pem(key).replaceAll('\n', '\r\n'),
  'PEM behind white space': (key) => `\n \t${pem(key)}`,
  'PEM without line breaks': (key) => pem(key).replaceAll('\n', ''),
  'PEM without armour': (key) => pem(key).replace(/-----[^-]+-----|\s/g, ''),
  DER: (key) => key.export({ type: 'spki', format: 'der' }),
  'PKCS #1 PEM': (key) =>
    key.asymmetricKeyType === 'rsa' ? key.export({ type: 'pkcs1', format: 'pem' }) : pem(key),
  JWK: (key) => JSON.stringify(jwk(key)),
  'JWK, sorted': (key) => JSON.stringify(Object.fromEntries(Object.entries(jwk(key)).sort())),
  'JWK, indented': (key) => JSON.stringify(jwk(key), null, 2),
  'JWK Set': (key) => JSON.stringify({ keys: [jwk(key)] }),
  'n or x': (key) => jwk(key).n ?? jwk(key).x ?? '',
  'n or x, decoded': (key) => Buffer.from(jwk(key).n ?? jwk(key).x ?? '', 'base64url'),
  nothing: () => '',
}

function pem(key: KeyObject): string {
  return String(key.export({ type: 'spki', format: 'pem' }))
}
const jwk = (key: KeyObject) => key.export({ format: 'jwk' })

export const algorithmForgeries: readonly Forgery[] = [
  {
    name: 'honest tokens',
    source: 'RFC 7515, 7518, 7519',
    fate: 'accepted',
    runs: 12,
    variants: { 'as they come': honest },
  },
  {
    name: '`none`, spelled in every way, without a signature',
    source: 'CVE-2015-9235, CVE-2022-23540',
    fate: 'refused',
    variants: variants(NONE, (alg, smith, good) => claiming(alg, smith, good, () => Buffer.alloc(0))),
  },
  {
    name: '`none`, spelled in every way, truly signed',
    source: 'RFC 8725 section 3.1',
    fate: 'refused',
    variants: variants(NONE, (alg, smith, good) =>
      claiming(alg, smith, good, (input) => smith.signature(input)),
    ),
  },
  {
    name: 'the public key as HMAC secret, in every text that says it',
    source: 'CVE-2015-9235, CVE-2023-48223, CVE-2026-34950',
    fate: 'refused',
    variants: Object.fromEntries(
      ['HS256', 'HS384', 'HS512'].flatMap((alg) =>
        Object.entries(KEY_TEXTS).map(([name, textOf]) => [
          `${alg} with ${name}`,
          (smith: Smith, good: Good) => {
            const { publicKey } = smith
            if (publicKey === null) return null
            const tag = (input: string) =>
              createHmac(`sha${alg.slice(2)}`, textOf(publicKey))
                .update(input)
                .digest()
            return claiming(alg, smith, good, tag)
          },
        ]),
      ),
    ),
  },
  {
    name: 'every other algorithm, truly signed with a key of its own',
    source: 'RFC 8725 section 3.1',
    fate: 'refused',
    variants: variants(ALGORITHMS, (alg, smith, good) =>
      alg === smith.algorithm
        ? null
        : claiming(alg, smith, good, (input) => strangerOf(alg).signature(input)),
    ),
  },
  {
    name: "every other algorithm of the same kind, truly signed with the issuer's key",
    source: 'RFC 8725 section 3.1, CVE-2026-22817',
    fate: 'refused',
    variants: variants(ALGORITHMS, (alg, smith, good) => {
      if (alg === smith.algorithm || !sameKey(alg, smith.algorithm)) return null
      return claiming(alg, smith, good, (input) => signatureOf(schemeOf(alg), smith.material, input))
    }),
  },
  {
    name: "the right name over another algorithm's signature by the same key (PS for RS, another hash)",
    source: 'RFC 7518 sections 3.3 to 3.5',
    fate: 'refused',
    variants: variants(ALGORITHMS, (alg, smith, good) => {
      if (alg === smith.algorithm || !sameKey(alg, smith.algorithm)) return null
      return claiming(smith.algorithm, smith, good, (input) =>
        signatureOf(schemeOf(alg), smith.material, input),
      )
    }),
  },
  {
    name: 'the right name over the signature of a key on another curve, or of another kind',
    source: 'RFC 7518 section 3.1 (the key belongs to the algorithm)',
    fate: 'refused',
    variants: variants(ALGORITHMS, (alg, smith, good) =>
      sameKey(alg, smith.algorithm)
        ? null
        : claiming(smith.algorithm, smith, good, (input) => strangerOf(alg).signature(input)),
    ),
  },
  {
    name: 'the right curve with the wrong hash',
    source: 'RFC 7518 section 3.4',
    fate: 'refused',
    variants: variants(['sha256', 'sha384', 'sha512'] as const, (hash, smith, good) => {
      const { scheme, material, algorithm } = smith
      if (scheme.family !== 'ES' || scheme.hash === hash) return null
      return claiming(algorithm, smith, good, (input) => signatureOf({ ...scheme, hash }, material, input))
    }),
  },
  {
    name: 'a name that is nearly right',
    source: 'RFC 7515 section 4.1.1 (case-sensitive)',
    fate: 'refused',
    variants: Object.fromEntries(
      Object.entries({
        'lower case': (alg: string) => alg.toLowerCase(),
        'a space behind': (alg: string) => `${alg} `,
        'a space before': (alg: string) => ` ${alg}`,
        'a NUL behind': (alg: string) => `${alg}\0`,
        'an invisible character': (alg: string) => `${alg}\u200b`,
        'fullwidth letters': (alg: string) =>
          [...alg].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join(''),
        'in an array': (alg: string) => [alg],
        'in an object': (alg: string) => ({ 0: alg, toString: alg }),
        missing: () => undefined,
        null: () => null,
        true: () => true,
        'a number': () => 256,
        'a list of all': () => ALGORITHMS.join(','),
        'the name of the curve': () => 'Ed25519',
        'of another standard': () => 'ES256K',
        'of an encryption': () => 'RSA-OAEP-256',
        dir: () => 'dir',
        HS1: () => 'HS1',
        RS1: () => 'RS1',
      }).map(([name, spell]) => [
        name,
        (smith: Smith, good: Good) => withHeader(smith, good, { alg: spell(smith.algorithm) }),
      ]),
    ),
  },
  {
    name: 'keys that the token brings, signed with them',
    source: 'CVE-2018-0114, RFC 8725 section 3.10',
    fate: 'refused',
    variants: variants(['jwk', 'jku', 'x5u', 'x5c', 'x5t', 'kid'], (member, { algorithm }, good) => {
      const stranger = strangerOf(algorithm)
      return withHeader(stranger, good, { [member]: broughtBy(stranger, member) })
    }),
  },
  {
    name: "keys that the token brings beside the issuer's signature: they are not looked at",
    source: 'RFC 7515 sections 4.1.2 to 4.1.8',
    fate: 'accepted',
    variants: variants(['jwk', 'jku', 'x5u', 'x5c', 'x5t'], (member, smith, good) =>
      withHeader(smith, good, { [member]: broughtBy(strangerOf(smith.algorithm), member) }),
    ),
  },
  {
    name: 'a stranger of the same name: another key of the same kind',
    source: 'RFC 7515 section 5.2',
    fate: 'refused',
    variants: {
      'under the same header': ({ algorithm }, good) => honest(strangerOf(algorithm), good),
      'a key made for this token': (smith, good) =>
        smith.scheme.family === 'RS' || smith.scheme.family === 'PS'
          ? null
          : honest(new Smith(smith.algorithm, materialOf(smith.scheme)), good),
    },
  },
]

/** Whether one key fits both. */
function sameKey(one: Algorithm, other: Algorithm): boolean {
  const kindOf = (algorithm: Algorithm) => {
    const { family, curve } = schemeOf(algorithm)
    return curve ?? (family === 'PS' ? 'RS' : family)
  }
  return kindOf(one) === kindOf(other)
}

function broughtBy(stranger: Smith, member: string): unknown {
  const key = stranger.publicKey?.export({ format: 'jwk' }) ?? { kty: 'oct', k: 'AAAA' }
  if (member === 'jwk') return key
  if (member === 'x5c') return ['MIIB']
  return member === 'kid' || member === 'x5t' ? 'stranger' : 'https://keys.example.net/jwks.json'
}
