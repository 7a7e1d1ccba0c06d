import { AUDIENCE, ISSUER, START } from '../../../credentials/jwt/support.ts'
import { type Forgery, type Good, headerOf, rawClaim, variants, withClaims } from '../forgery.ts'
import type { Smith } from '../smith.ts'

const now = START / 1000
/** What both implementations are given as the difference of clocks. */
export const SKEW = 30

const raw = (name: string, texts: readonly string[]) =>
  variants(texts, (text, smith, good) => smith.token(headerOf(smith, good), rawClaim(good, name, text)))

const claim = (name: string, values: readonly unknown[]) =>
  variants(values, (value, smith, good) => withClaims(smith, good, { [name]: value }))

/** The claims without some, and with others. */
const timed = (smith: Smith, good: Good, times: object): string => {
  const { exp: _, nbf: __, iat: ___, ...claims } = good.claims
  return smith.token(headerOf(smith, good), { ...claims, ...times })
}

/** The edge itself, or a time within four seconds of it, in eighths, which binary fractions hold exactly. */
const around = (edge: number, { any }: Good): number => (any % 4 === 0 ? edge : edge + ((any % 65) - 32) / 8)

export const claimForgeries: readonly Forgery[] = [
  {
    name: '`exp` that is missing, past or no number',
    source: 'RFC 7519 section 4.1.4, CVE-2026-44459',
    fate: 'refused',
    variants: {
      missing: (smith, good) => withClaims(smith, good, { exp: undefined }),
      ...raw('exp', [
        ...['null', 'true', 'false', '""', '"never"', '[]', '{}', '0', '-0', '-1', '1e3', '1e-400', '-1e400'],
        ...[`"${now + 600}"`, `[${now + 600}]`, `{"value":${now + 600}}`, `${now - 3600}`, '-1e300'],
      ]),
      ...raw('exp', [
        'NaN',
        'Infinity',
        '0x7fffffff',
        `+${now + 600}`,
        `0${now + 600}`,
        '1.',
        '.5',
        '1e',
        '',
      ]),
    },
  },
  {
    name: '`exp` that no clock will reach',
    source: 'RFC 7519 section 2 (seconds), CVE-2026-44459',
    fate: 'refused',
    stricter: 'Beyond ten years it is a time in milliseconds, or Infinity: a token that never ends.',
    variants: raw('exp', ['1e400', '1e306', '1e300', `${START + 600_000}`, '99999999999', '9'.repeat(400)]),
  },
  {
    name: '`exp` spelled otherwise',
    source: 'RFC 8259 section 6',
    fate: 'accepted',
    variants: raw('exp', [
      ...[`${now + 600}.0`, `${now + 600}.125`, `${(now + 600) / 10}e1`, `${now + 600}e0`, `${now + 600}E+0`],
      ...[`${(now + 600) * 10}e-1`, `${now + 600}.${'0'.repeat(100)}1`],
    ]),
  },
  {
    name: '`nbf` that is yet to come, or no number',
    source: 'RFC 7519 section 4.1.5',
    fate: 'refused',
    variants: raw('nbf', [
      ...[
        'null',
        'true',
        '"0"',
        '""',
        '[]',
        '{}',
        '1e400',
        '1e300',
        `${START}`,
        `${now + 3600}`,
        `"${now - 5}"`,
      ],
      ...[`[${now - 5}]`],
    ]),
  },
  {
    name: '`nbf` long ago',
    source: 'RFC 7519 section 4.1.5',
    fate: 'accepted',
    variants: raw('nbf', ['0', '-0', '-1', '1e3', '1e-400', '-1e300', `${now - 5}.5`]),
  },
  {
    name: '`iat` that is yet to come, or no number',
    source: 'RFC 7519 section 4.1.6',
    fate: 'refused',
    stricter: 'Age and revocation go by it; the others do not look at it, or not at when it is.',
    variants: raw('iat', [
      ...['null', 'true', '"0"', '""', '[]', '{}', '1e400', '-1e400', '1e300', `${START}`, `${now + 3600}`],
      ...[`"${now - 5}"`, `[${now - 5}]`],
    ]),
  },
  {
    name: '`exp` and `nbf` around their edges, to the eighth of a second',
    source: 'RFC 7519 sections 4.1.4 and 4.1.5',
    fate: 'judged',
    runs: 25,
    stricter: 'At the very instant of `exp` a token is no good any more; the other implementation takes it.',
    variants: {
      exp: (smith, good) => timed(smith, good, { exp: around(now - SKEW, good) }),
      nbf: (smith, good) => timed(smith, good, { exp: now + 600, nbf: around(now + SKEW, good) }),
      both: (smith, good) =>
        timed(smith, good, { exp: around(now - SKEW, good), nbf: around(now + SKEW, good) }),
    },
  },
  {
    name: '`iss` of somebody else, or nearly right',
    source: 'RFC 7519 section 4.1.1 (compared whole)',
    fate: 'refused',
    variants: claim('iss', [
      ...[undefined, null, 0, true, '', [ISSUER], { 0: ISSUER }, `${ISSUER}/`, ` ${ISSUER}`, `${ISSUER}\0`],
      ...[
        ISSUER.toUpperCase(),
        ISSUER.slice(0, -1),
        `${ISSUER}.evil.example`,
        'https://login.example.com:443',
      ],
      ...[
        'https://login.example.com@evil.example',
        'https://login\uff0eexample.com',
        'http://login.example.com',
      ],
    ]),
  },
  {
    name: '`aud` of somebody else, or nearly right',
    source: 'RFC 7519 section 4.1.3, CVE-2025-62610',
    fate: 'refused',
    variants: claim('aud', [
      ...[
        undefined,
        null,
        0,
        true,
        '',
        [],
        {},
        'other',
        ['other'],
        AUDIENCE.slice(1),
        AUDIENCE.toUpperCase(),
      ],
      ...[
        `${AUDIENCE} `,
        `${AUDIENCE},other`,
        [[AUDIENCE]],
        { includes: AUDIENCE },
        { 0: AUDIENCE, length: 1 },
      ],
      ...[[AUDIENCE, 1], [AUDIENCE, null], `${AUDIENCE}\0`, [`${AUDIENCE} other`]],
    ]),
  },
  {
    name: '`aud` with ours among it',
    source: 'RFC 7519 section 4.1.3',
    fate: 'accepted',
    variants: claim('aud', [AUDIENCE, [AUDIENCE], ['other', AUDIENCE], [AUDIENCE, AUDIENCE], ['', AUDIENCE]]),
  },
  {
    name: '`sub` that names nobody',
    source: 'RFC 7519 section 4.1.2 (a string)',
    fate: 'refused',
    stricter: 'A principal has a name; the other implementation takes every value, the RFC an empty text.',
    variants: claim('sub', [undefined, null, 0, 1, true, '', [], ['alice'], {}, { toString: 'alice' }]),
  },
  {
    name: '`sub` of any text',
    source: 'RFC 7519 section 4.1.2',
    fate: 'accepted',
    variants: claim('sub', [
      ' ',
      'a\0b',
      '\n',
      '__proto__',
      'ÀÉ',
      '🔑',
      'a|b',
      "'; DROP TABLE users; --",
      '%00',
      '\u202e',
    ]),
  },
  {
    name: 'claims that only a prototype has',
    source: 'CWE-1321 (prototype pollution)',
    fate: 'refused',
    variants: {
      'all of them': (smith, good) =>
        smith.token(headerOf(smith, good), `{"__proto__":${JSON.stringify(good.claims)}}`),
      'the constructor’s': (smith, good) =>
        smith.token(headerOf(smith, good), `{"constructor":{"prototype":${JSON.stringify(good.claims)}}}`),
      'the header’s': (smith, good) =>
        smith.token(`{"__proto__":${JSON.stringify(headerOf(smith, good))}}`, good.claims),
    },
  },
]
