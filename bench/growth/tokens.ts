import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { type Figure, figureOf } from '../figure.ts'
import { base64url, openEngine, policyOf, requestOf } from './engine.ts'
import { GROUP, microseconds, roundsOf } from './measure.ts'

const ISSUER = 'https://issuer.bench.example'
const LARGEST = 8192

/** A token's text with a signature that nobody made; `room` characters are left for the payload. */
type Maker = (serial: number, signature: string) => string

const claims = (serial: number) => {
  const now = Math.floor(Date.now() / 1000)
  return { iss: ISSUER, aud: 'bench', sub: `s${serial}`, iat: now, exp: now + 3600, jti: `${serial}` }
}

const HEADER = base64url({ alg: 'RS256', typ: 'JWT', kid: 'k0' })
const segment = (text: string): string => Buffer.from(text).toString('base64url')

/** Grows `part` within the payload until the token is as large as is accepted. */
function grown(
  header: string,
  signature: string,
  serial: number,
  member: (filling: string) => string,
  part: string,
): string {
  const base = JSON.stringify(claims(serial)).slice(0, -1)
  const room = Math.floor((LARGEST - header.length - signature.length - 2) * 0.75) - base.length - 40
  const count = Math.max(1, Math.floor(room / Buffer.byteLength(part)))
  return `${header}.${segment(`${base},${member(part.repeat(count))}}`)}.${signature}`
}

const rest = (text: string): string => text.replace(/,$/, '')

/** Room for a member with a name of three characters. */
const PLACE = '"":0,   '

/** Tokens that make as much work as their form allows, all of them under a key that the issuer has. */
const HOSTILE: Readonly<Record<string, Maker>> = {
  'largest, one long claim': (serial, signature) =>
    grown(HEADER, signature, serial, (x) => `"x":"${x}"`, 'a'),
  'largest, escapes in a claim': (serial, signature) =>
    grown(HEADER, signature, serial, (x) => `"x":"${x}"`, '\\u0041'),
  'largest, backslashes': (serial, signature) =>
    grown(HEADER, signature, serial, (x) => `"x":"${x}"`, '\\\\'),
  'largest, thousands of members': (serial, signature) => {
    let name = 0
    return grown(
      HEADER,
      signature,
      serial,
      (x) => rest(x.replaceAll(PLACE, () => `"${(name++).toString(36)}":0,`)),
      PLACE,
    )
  },
  'largest, a member that repeats': (serial, signature) => grown(HEADER, signature, serial, rest, '"a":0,'),
  'largest, a list of audiences': (serial, signature) =>
    grown(HEADER, signature, serial, (x) => `"groups":[${rest(x)}]`, '"a",'),
  'largest, objects 30 deep': (serial, signature) =>
    grown(HEADER, signature, serial, (x) => `"x":[${rest(x)}]`, `${'{"a":'.repeat(29)}0${'}'.repeat(29)},`),
  'deepest nesting': (serial, signature) => grown(HEADER, signature, serial, (x) => `"x":${x}`, '['),
  'largest, not ASCII': (serial, signature) => grown(HEADER, signature, serial, (x) => `"x":"${x}"`, 'é'),
  'largest header': (serial, signature) => {
    const now = base64url(claims(serial))
    const room = Math.floor((LARGEST - now.length - signature.length - 2) * 0.75) - 60
    const header = JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: 'k0', x: 'a'.repeat(room) })
    return `${segment(header)}.${now}.${signature}`
  },
  'without kid, eight keys to try': (serial, signature) =>
    grown(base64url({ alg: 'RS256', typ: 'JWT' }), signature, serial, (x) => `"x":"${x}"`, 'a'),
  'no token at all': (serial) => `${serial}.${'a'.repeat(LARGEST - 12)}`,
  'only dots': (serial) => `${serial}${'.'.repeat(LARGEST - 12)}`,
}

/** Hostile tokens against an ordinary bad one: the signature is wrong, the key known, nothing else remarkable. */
export async function tokenFigures(quick: boolean): Promise<Figure[]> {
  const pairs = Array.from({ length: 8 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
  const keys = pairs.map(({ publicKey }, index) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid: `k${index}`,
    alg: 'RS256',
    use: 'sig',
  }))
  const policy = policyOf({
    issuers: {
      bench: { issuer: ISSUER, audience: ['bench'], keys: { jwk: { keys } }, algorithms: ['RS256'] },
    },
    routes: { app: { match: { path: '/app/**' }, credentials: ['jwt:bench'] } },
  })
  const deciding = await openEngine(policy, {})
  try {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    // Somebody else's signature: one that is no number of this size would be refused sooner.
    const signature = sign('sha256', randomBytes(32), stranger).toString('base64url')
    let serial = 0
    const asking = (make: Maker) => ({
      deciding,
      requests: () =>
        Array.from({ length: quick ? 20 : 300 }, () =>
          requestOf({ path: '/app/x', token: make(serial++, signature) }),
        ),
      expected: 'deny' as const,
    })
    const ordinary: Maker = (number, wrong) => `${HEADER}.${base64url(claims(number))}.${wrong}`
    const makers = Object.entries(HOSTILE)
    const [usual = [], ...found] = await microseconds(
      roundsOf(quick),
      [ordinary, ...makers.map(([, make]) => make)].map(asking),
    )
    return makers.map(([name], index) =>
      figureOf(
        {
          group: GROUP,
          what: `hostile token: ${name}`,
          against: 'an ordinary bad token',
          target: { atMost: 10 },
          unit: 'µs',
        },
        found[index] ?? [],
        usual,
      ),
    )
  } finally {
    await deciding.stop()
  }
}
