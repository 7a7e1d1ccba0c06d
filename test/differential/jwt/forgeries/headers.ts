import { deflateRawSync } from 'node:zlib'
import { type Forgery, type Good, headerOf, variants, withHeader } from '../forgery.ts'
import { type Smith, segmentOf } from '../smith.ts'

const withMembers = (members: Readonly<Record<string, unknown>>) => (smith: Smith, good: Good) =>
  withHeader(smith, good, members)

export const headerForgeries: readonly Forgery[] = [
  {
    name: '`crit` with extensions',
    source: 'RFC 7515 section 4.1.11, CVE-2026-35042',
    fate: 'refused',
    variants: {
      unknown: withMembers({ crit: ['x'], x: 1 }),
      'unknown and missing': withMembers({ crit: ['x'] }),
      empty: withMembers({ crit: [] }),
      'a registered name': withMembers({ crit: ['alg'] }),
      twice: withMembers({ crit: ['x', 'x'], x: 1 }),
      'a text': withMembers({ crit: 'x', x: 1 }),
      'a number': withMembers({ crit: 1 }),
      true: withMembers({ crit: true }),
      'an object': withMembers({ crit: { 0: 'x', length: 1 } }),
      'a list of numbers': withMembers({ crit: [1] }),
      'a claim': withMembers({ crit: ['exp'], exp: 1 }),
      'of a prototype': withMembers({ crit: ['toString'] }),
      'unencoded payloads': withMembers({ crit: ['b64'], b64: true }),
    },
  },
  {
    name: '`crit` of a value that is as good as none',
    source: 'RFC 7515 section 4.1.11 (a list that is not empty)',
    fate: 'refused',
    stricter:
      '`crit` is there, so it must be a list of names; the other implementation passes over what is falsy.',
    variants: variants([null, false, 0, ''], (crit, smith, good) => withHeader(smith, good, { crit })),
  },
  {
    name: '`b64` with a payload that is not encoded, truly signed',
    source: 'RFC 7797 section 3, RFC 7797 section 7 (not in a JWT)',
    fate: 'refused',
    variants: {
      critical: (smith, good) =>
        smith.seal(
          segmentOf({ ...headerOf(smith, good), b64: false, crit: ['b64'] }),
          JSON.stringify(good.claims),
        ),
      'not critical': (smith, good) =>
        smith.seal(segmentOf({ ...headerOf(smith, good), b64: false }), JSON.stringify(good.claims)),
      detached: (smith, good) => {
        const header = segmentOf({ ...headerOf(smith, good), b64: false, crit: ['b64'] })
        const signature = smith.signature(`${header}.${JSON.stringify(good.claims)}`)
        return `${header}..${signature.toString('base64url')}`
      },
    },
  },
  {
    name: 'members that change what a payload is: `b64`, `enc`, `zip`',
    source: 'RFC 7797 section 7, RFC 7516 section 4.1',
    fate: 'refused',
    stricter: 'What does not belong into a signed JWT is refused, where RFC 7515 would pass over it.',
    variants: {
      'b64 true': withMembers({ b64: true }),
      'b64 false': withMembers({ b64: false }),
      'b64 null': withMembers({ b64: null }),
      enc: withMembers({ enc: 'A256GCM' }),
      zip: withMembers({ zip: 'DEF' }),
      'zip of another name': withMembers({ zip: 'GZIP' }),
    },
  },
  {
    name: 'a payload that is compressed, or a token itself',
    source: 'RFC 7516 section 4.1.3, RFC 7519 section 5.2',
    fate: 'refused',
    variants: {
      'zip, compressed': (smith, good) =>
        smith.token({ ...headerOf(smith, good), zip: 'DEF' }, deflateRawSync(JSON.stringify(good.claims))),
      nested: (smith, good) =>
        smith.token(
          { ...headerOf(smith, good), cty: 'JWT' },
          smith.token(headerOf(smith, good), good.claims),
        ),
    },
  },
  {
    name: '`kid` of any text, where the key has no name',
    source: 'RFC 7515 section 4.1.4',
    fate: 'accepted',
    variants: variants(
      [
        '',
        ' ',
        '../../../dev/null',
        "' OR 1=1 --",
        '/etc/passwd\0.pem',
        'http://127.0.0.1/',
        '__proto__',
        '🔑',
        '`id`',
      ],
      (kid, smith, good) => withHeader(smith, good, { kid }),
    ),
  },
  {
    name: '`kid` that is no text, or longer than 256',
    source: 'RFC 7515 section 4.1.4 (a string)',
    fate: 'refused',
    stricter: 'RFC 7515 wants a text; the other implementation does not look.',
    variants: variants<unknown>(
      [null, 0, 1, true, [], ['a'], {}, { toString: 'a' }, 'x'.repeat(257)],
      (kid, smith, good) => withHeader(smith, good, { kid }),
    ),
  },
  {
    name: '`typ` of access tokens',
    source: 'RFC 7515 section 4.1.9, RFC 9068 section 2.1',
    fate: 'accepted',
    variants: variants(
      ['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/jwt', 'Application/at+JWT'],
      (typ, smith, good) => withHeader(smith, good, { typ }),
    ),
  },
  {
    name: '`typ` of other tokens',
    source: 'RFC 8725 section 3.11',
    fate: 'refused',
    stricter: 'A logout token or DPoP proof of the same issuer is no access token.',
    variants: variants(
      ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'id+jwt', '', 'JOSE', 'text/jwt', 'jwt ', null, 1, ['JWT']],
      (typ, smith, good) => withHeader(smith, good, { typ }),
    ),
  },
  {
    name: 'members that nobody knows',
    source: 'RFC 7515 section 4 (to be ignored)',
    fate: 'accepted',
    variants: {
      plain: withMembers({ x: 1, y: { z: [] } }),
      'names of claims': withMembers({ iss: 'https://other.example', exp: 1, sub: 'root' }),
      cty: withMembers({ cty: 'JWT' }),
      'a URL and a nonce': withMembers({ url: 'https://example.net', nonce: 'x' }),
    },
  },
]
