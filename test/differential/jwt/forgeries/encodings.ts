import { deflateRawSync } from 'node:zlib'
import { type Forge, type Forgery, type Good, headerOf, honest, rawClaim, variants } from '../forgery.ts'
import { type Part, type Smith, segmentOf } from '../smith.ts'

type Segments = readonly [header: string, payload: string, signature: string]

/** A good token, put together again in another way. */
const respelled =
  (change: (segments: Segments, smith: Smith, good: Good) => string | null): Forge =>
  (smith, good) =>
    change(honest(smith, good).split('.') as unknown as Segments, smith, good)

/** A good token of which one segment is another. */
const one =
  (index: 0 | 1 | 2, change: (segment: string, good: Good) => string): Forge =>
  (smith, good) =>
    respelled((segments) => segments.map((it, at) => (at === index ? change(it, good) : it)).join('.'))(
      smith,
      good,
    )

const each = (name: string, change: (segment: string, good: Good) => string): Record<string, Forge> => ({
  [`header: ${name}`]: one(0, change),
  [`payload: ${name}`]: one(1, change),
  [`signature: ${name}`]: one(2, change),
})

/** A character in the midst of a segment. */
const amid = (character: string) => (segment: string, good: Good) => {
  const at = good.any % segment.length
  return segment.slice(0, at) + character + segment.slice(at)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same bytes with other bits where the last character has too many; null where it has none. */
function twinOf(segment: string): string | null {
  const spare = { 0: 0, 1: 0, 2: 4, 3: 2 }[segment.length % 4] ?? 0
  if (spare === 0) return null
  return segment.slice(0, -1) + ALPHABET[ALPHABET.indexOf(segment.slice(-1)) | 1]
}

/** A part that is padded with `pad` until its segment has `left` characters over. */
function until(part: object, left: number, pad = ''): string {
  const segment = segmentOf({ ...part, pad })
  return segment.length % 4 === left ? segment : until(part, left, `${pad}x`)
}

/** A part whose base64 holds a `+` and a `/`. */
function rich(part: object, pad = ''): Buffer {
  const bytes = Buffer.from(JSON.stringify({ ...part, pad: `${pad}ÿ?~ÿ?~ÿ?~` }))
  const text = bytes.toString('base64')
  return text.includes('+') && text.includes('/') ? bytes : rich(part, `${pad}x`)
}

/** A truly signed token of which a segment is written in another way before it is signed. */
const sealed =
  (change: (segment: string) => string, left: number): Forge =>
  (smith, good) =>
    smith.seal(segmentOf(headerOf(smith, good)), change(until(good.claims, left)))

const claimsAs =
  (write: (text: string, good: Good) => Part): Forge =>
  (smith, good) =>
    smith.token(headerOf(smith, good), write(JSON.stringify(good.claims), good))

const headerAs =
  (write: (text: string) => Part): Forge =>
  (smith, good) =>
    smith.token(write(JSON.stringify(headerOf(smith, good))), good.claims)

const swap16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()

/** What is no JSON object, or not in UTF-8, from the text of one that is. */
const NO_OBJECT: Readonly<Record<string, (text: string) => Part>> = {
  'a byte order mark': (text) => `\ufeff${text}`,
  'UTF-16, little-endian': (text) => Buffer.from(text, 'utf16le'),
  'UTF-16, big-endian': swap16,
  'UTF-16 with a mark': (text) => Buffer.concat([Buffer.from([0xfe, 0xff]), swap16(text)]),
  'UTF-32': (text) => Buffer.concat([...text].map((c) => Buffer.from([c.charCodeAt(0) & 255, 0, 0, 0]))),
  'NUL behind': (text) => `${text}\0`,
  'NUL before': (text) => `\0${text}`,
  'NUL in a text': (text) => text.replace('":"', '":"\0'),
  'a line break in a text': (text) => text.replace('":"', '":"\n'),
  'in an array': (text) => `[${text}]`,
  'in a text': (text) => JSON.stringify(text),
  twice: (text) => `${text}${text}`,
  'with something behind': (text) => `${text}x`,
  'with a comma behind': (text) => `${text.slice(0, -1)},}`,
  'with a comment': (text) => `/**/${text}`,
  'in single quotes': (text) => text.replaceAll('"', "'"),
  'without its end': (text) => text.slice(0, -1),
  null: () => 'null',
  'a number': () => '1',
  true: () => 'true',
  'an empty text': () => '""',
  'a space': () => ' ',
  deflated: (text) => deflateRawSync(text),
  "behind `)]}'`": (text) => `)]}'\n${text}`,
  'NaN among it': (text) => `${text.slice(0, -1)},"x":NaN}`,
  'a name without quotes': (text) => `${text.slice(0, -1)},x:1}`,
  hexadecimal: (text) => `${text.slice(0, -1)},"x":0x1}`,
}

const INVALID_UTF8 = [
  [0xff],
  [0xc0, 0xaf],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xc3],
]

const withMember = (text: string, member: string): string => `${text.slice(0, -1)},${member}}`

export const encodingForgeries: readonly Forgery[] = [
  {
    name: 'padding, behind a signature over the plain segments',
    source: 'RFC 7515 section 2 (no padding)',
    fate: 'refused',
    variants: {
      ...each('=', (it) => `${it}=`),
      ...each('==', (it) => `${it}==`),
      ...each('%3D', (it) => `${it}%3D`),
    },
  },
  {
    name: 'padding, truly signed',
    source: 'RFC 7515 section 2',
    fate: 'refused',
    variants: {
      '=': sealed((it) => `${it}=`, 3),
      '==': sealed((it) => `${it}==`, 2),
      '===': sealed((it) => `${it}===`, 0),
    },
  },
  {
    name: 'the alphabet of plain base64',
    source: 'RFC 7515 section 2, RFC 4648 section 5',
    fate: 'refused',
    variants: {
      'truly signed': (smith, good) =>
        smith.seal(
          segmentOf(headerOf(smith, good)),
          rich(good.claims).toString('base64').replaceAll('=', ''),
        ),
      'behind a signature over base64url': (smith, good) => {
        const bytes = rich(good.claims)
        return smith
          .token(headerOf(smith, good), bytes)
          .replace(segmentOf(bytes), bytes.toString('base64').replaceAll('=', ''))
      },
    },
  },
  {
    name: 'characters that are not of the alphabet, in the midst',
    source: 'RFC 4648 section 3.3, RFC 7515 section 2',
    fate: 'refused',
    variants: Object.assign(
      {},
      ...[
        ' ',
        '\t',
        '\n',
        '\r\n',
        '\0',
        '\u00a0',
        '\u200b',
        '=',
        '+',
        '/',
        '%',
        '%20',
        '"',
        '\\',
        '~',
        '!',
        'é',
        '\uff21',
      ].map((character) => each(JSON.stringify(character), amid(character))),
    ),
  },
  {
    name: 'white space around a segment',
    source: 'RFC 7515 section 2',
    fate: 'refused',
    variants: Object.assign(
      {},
      ...['\n', '\r\n', '\0', '\u00a0', '\ufeff', '\u2028', '\v', '\f'].flatMap((space) => [
        each(`${JSON.stringify(space)} behind`, (it) => it + space),
        each(`${JSON.stringify(space)} before`, (it) => space + it),
      ]),
    ),
  },
  {
    name: 'the last character with other spare bits, behind a signature over the plain segments',
    source: 'RFC 4648 section 3.5',
    fate: 'refused',
    stricter: 'A token has one spelling, so that no denylist or cache meets it in two.',
    variants: {
      header: (smith, good) => {
        const header = until(headerOf(smith, good), 2)
        return `${twinOf(header)}.${smith.seal(header, segmentOf(good.claims)).split('.').slice(1).join('.')}`
      },
      payload: (smith, good) => {
        const payload = until(good.claims, 3)
        const [header, , signature] = smith.seal(segmentOf(headerOf(smith, good)), payload).split('.')
        return `${header}.${twinOf(payload)}.${signature}`
      },
      signature: respelled(([header, payload, signature]) => {
        const twin = twinOf(signature)
        return twin === null ? null : `${header}.${payload}.${twin}`
      }),
    },
  },
  {
    name: 'the last character with other spare bits, truly signed',
    source: 'RFC 4648 section 3.5',
    fate: 'refused',
    stricter: 'A token has one spelling, so that no denylist or cache meets it in two.',
    variants: {
      'four bits': sealed((it) => twinOf(it) ?? it, 2),
      'two bits': sealed((it) => twinOf(it) ?? it, 3),
      'a lone character behind': sealed((it) => `${it}A`, 0),
    },
  },
  {
    name: 'more or fewer parts, another form',
    source: 'RFC 7515 sections 3.1 and 7.2, RFC 7516 section 3.1',
    fate: 'refused',
    variants: {
      'two parts': respelled(([header, payload]) => `${header}.${payload}`),
      'one part': respelled(([header]) => header),
      'nothing but dots': () => '..',
      'a dot behind': respelled((it) => `${it.join('.')}.`),
      'a dot before': respelled((it) => `.${it.join('.')}`),
      'four parts': respelled((it) => `${it.join('.')}.${it[2]}`),
      'four parts, one of them empty': respelled(([h, p, s]) => `${h}.${p}..${s}`),
      'five parts, as a JWE': respelled(([h, p, s]) => `${h}.${p}.${s}.AAAA.AAAA`),
      'a JWE': (smith, good) =>
        `${segmentOf({ alg: 'dir', enc: 'A256GCM' })}..AAAA.${segmentOf(good.claims)}.AAAA${smith.algorithm.slice(0, 0)}`,
      'no header': respelled(([, p, s]) => `.${p}.${s}`),
      'no payload, truly signed': (smith, good) => smith.seal(segmentOf(headerOf(smith, good)), ''),
      'the segments in another order': respelled(([h, p, s]) => `${p}.${h}.${s}`),
      'two tokens': respelled((it) => `${it.join('.')}.${it.join('.')}`),
      'the JSON form': respelled(([h, payload, signature]) =>
        JSON.stringify({ protected: h, payload, signature }),
      ),
      'a detached payload': respelled(([h, , s]) => `${h}..${s}`),
      'fullwidth dots': respelled((it) => it.join('\uff0e')),
      'encoded dots': respelled((it) => it.join('%2E')),
      'in quotes': respelled((it) => `"${it.join('.')}"`),
      'in upper case': respelled((it) => it.join('.').toUpperCase()),
      'encoded once more': respelled((it) => segmentOf(it.join('.'))),
      'scheme twice': respelled((it) => `Bearer ${it.join('.')}`),
      'behind a comma': respelled((it) => `${it.join('.')},${it.join('.')}`),
    },
  },
  {
    name: 'claims that are no JSON object in UTF-8, truly signed',
    source: 'RFC 7519 section 7.2, RFC 8725 section 3.7',
    fate: 'refused',
    variants: Object.fromEntries(Object.entries(NO_OBJECT).map(([name, write]) => [name, claimsAs(write)])),
  },
  {
    name: 'a header that is no JSON object in UTF-8, truly signed',
    source: 'RFC 7515 section 5.2',
    fate: 'refused',
    variants: Object.fromEntries(Object.entries(NO_OBJECT).map(([name, write]) => [name, headerAs(write)])),
  },
  {
    name: 'bytes within a text that are not UTF-8, truly signed',
    source: 'RFC 7519 section 7.2, RFC 3629 section 3',
    fate: 'refused',
    stricter: 'RFC 7519 wants UTF-8; the other implementation puts U+FFFD in its place.',
    variants: variants(INVALID_UTF8, (bytes, smith, good) => {
      const [before = '', after = ''] = JSON.stringify({ ...good.claims, sub: 'al|ice' }).split('|')
      return smith.token(
        headerOf(smith, good),
        Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]),
      )
    }),
  },
  {
    name: 'the same JSON, spelled otherwise, truly signed',
    source: 'RFC 8259',
    fate: 'accepted',
    variants: {
      'white space around it': claimsAs((text) => ` \n\t\r${text}\n`),
      indented: claimsAs((text) => JSON.stringify(JSON.parse(text), null, 2)),
      'escaped names of members': claimsAs((text) => text.replace('"iss"', '"\\u0069s\\u0073"')),
      'escaped slashes': claimsAs((text) => text.replaceAll('/', '\\/')),
      'a lone surrogate, escaped': claimsAs((text) => withMember(text, '"x":"\\ud800"')),
      'a NUL, escaped': claimsAs((text) => withMember(text, '"x":"\\u0000"')),
      'members of every kind': claimsAs((text) => withMember(text, '"x":[{},[],null,true,-0,1e3,""]')),
      'a member without a name': claimsAs((text) => withMember(text, '"":1')),
      'members of the prototype': claimsAs((text) =>
        withMember(text, '"__proto__":{"sub":"root"},"constructor":1'),
      ),
      'the header indented': headerAs((text) => JSON.stringify(JSON.parse(text), null, 2)),
      'the header with escapes': headerAs((text) => text.replace('"alg"', '"\\u0061lg"')),
    },
  },
  {
    name: 'members that stand twice, truly signed',
    source: 'RFC 7515 section 4, RFC 7519 section 4, RFC 8725 section 2.4',
    fate: 'refused',
    stricter: 'Two readers may pick two; the RFCs allow to take the last one, and the others do.',
    variants: {
      'sub, the same': claimsAs((text, { claims }) =>
        withMember(text, `"sub":${JSON.stringify(claims['sub'])}`),
      ),
      'sub, another': claimsAs((text) => withMember(text, '"sub":"root"')),
      'sub, masked': claimsAs((text) => withMember(text, '"s\\u0075b":"root"')),
      'exp, another': claimsAs((text) => withMember(text, '"exp":9999999999')),
      'a role': claimsAs((text) => `{"roles":["admin"],${text.slice(1, -1)},"roles":[]}`),
      within: claimsAs((text) => withMember(text, '"x":{"a":1,"a":2}')),
      'within an array': claimsAs((text) => withMember(text, '"x":[{"a":1,"b":2,"a":2}]')),
      'the algorithm': headerAs((text) => `{"alg":"none",${text.slice(1)}`),
      'the algorithm, masked': headerAs((text) => `{"\\u0061lg":"none",${text.slice(1)}`),
    },
  },
  {
    name: 'JSON that nests deeper than 32, truly signed',
    source: 'RFC 8259 section 9 (a parser may limit the depth)',
    fate: 'refused',
    stricter: 'No honest token nests that deep, and others have run out of stack.',
    variants: variants([33, 100, 1000], (depth, smith, good) =>
      smith.token(headerOf(smith, good), rawClaim(good, 'x', `${'['.repeat(depth)}${']'.repeat(depth)}`)),
    ),
  },
  {
    name: 'more than 8 KiB, truly signed',
    source: 'what a token costs before its signature is judged',
    fate: 'refused',
    stricter: 'No more than 8,192 characters are looked at.',
    variants: variants([6200, 20_000], (length, smith, good) =>
      smith.token(headerOf(smith, good), { ...good.claims, fill: 'x'.repeat(length) }),
    ),
  },
]
