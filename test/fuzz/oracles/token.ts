/**
 * Whether a token may be taken, worked out from RFC 7515, 7519 and 8725 on node:crypto alone. It imports nothing of
 * Postern on purpose.
 */
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto'

/** An issuer as the policy under test describes it. */
export interface Issuer {
  readonly issuer: string
  readonly audience: string
  readonly algorithm: 'HS256' | 'ES256'
  /** The shared secret, or the public key in PEM. */
  readonly key: string
}

type Claims = Readonly<Record<string, unknown>>

/** Seconds by which clocks may differ. */
const SKEW = 30
const TYPES = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']
const UNKNOWN_EXTENSIONS = ['crit', 'b64', 'enc', 'zip']

/** The claims of a good token, or why it is none. @param now seconds since the epoch */
export function judgeToken(text: string, issuers: readonly Issuer[], now: number): Claims | string {
  if (text.length > 8192) return 'longer than 8 KiB'
  const parts = text.split('.')
  const [header64 = '', payload64 = '', signature64 = ''] = parts
  if (parts.length !== 3) return 'not three parts'
  const [header, claims] = [objectIn(header64), objectIn(payload64)]
  if (typeof header === 'string') return `header ${header}`
  if (typeof claims === 'string') return `payload ${claims}`
  const issuer = issuers.find((one) => one.issuer === claims['iss'])
  if (issuer === undefined) return 'an issuer that the policy does not have'
  if (header['alg'] !== issuer.algorithm) return `algorithm ${JSON.stringify(header['alg'])}`
  const extension = UNKNOWN_EXTENSIONS.find((name) => Object.hasOwn(header, name))
  if (extension !== undefined) return `header member ${extension}`
  const type = header['typ']
  if (Object.hasOwn(header, 'typ') && !(typeof type === 'string' && TYPES.includes(type.toLowerCase())))
    return `type ${JSON.stringify(type)}`
  const signature = bytesIn(signature64)
  if (signature === null) return 'a signature that is not canonical base64url'
  if (!signs(issuer, `${header64}.${payload64}`, signature)) return 'a signature that does not verify'
  return faultOf(claims, issuer, now) ?? claims
}

function faultOf(claims: Claims, issuer: Issuer, now: number): string | null {
  const { exp, nbf, iat, aud } = claims
  if (!isTime(exp) || now >= exp + SKEW) return `exp ${JSON.stringify(exp)}`
  if (exp > now + 3650 * 86_400) return 'an exp that is ten years away'
  if (Object.hasOwn(claims, 'nbf') && !(isTime(nbf) && nbf <= now + SKEW)) return `nbf ${JSON.stringify(nbf)}`
  if (Object.hasOwn(claims, 'iat') && !(isTime(iat) && iat <= now + SKEW)) return `iat ${JSON.stringify(iat)}`
  const audience = Array.isArray(aud) ? aud : [aud]
  if (!audience.every((one) => typeof one === 'string') || !audience.includes(issuer.audience))
    return `audience ${JSON.stringify(aud)}`
  return typeof claims['sub'] === 'string' && claims['sub'] !== '' ? null : 'nobody as its subject'
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value * 1000)

function signs({ algorithm, key }: Issuer, text: string, signature: Buffer): boolean {
  if (algorithm === 'HS256') {
    const wanted = createHmac('sha256', key).update(text).digest()
    return signature.length === wanted.length && timingSafeEqual(signature, wanted)
  }
  const options = { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' } as const
  return signature.length === 64 && verify('sha256', Buffer.from(text), options, signature)
}

/** The words of a claim that is a list or one text. */
export function wordsOf(value: unknown): readonly string[] {
  const words = typeof value === 'string' ? value.split(' ') : value
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) return []
  return words.filter((word) => word !== '')
}

/** Bytes whose only spelling this is (RFC 4648 sections 3.5 and 5). */
function bytesIn(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return text !== '' && bytes.toString('base64url') === text ? bytes : null
}

function objectIn(part: string): Claims | string {
  const bytes = bytesIn(part)
  if (bytes === null) return 'is not canonical base64url'
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no object'
    return repeats(text) ? 'names a member twice' : (value as Claims)
  } catch {
    return 'is not JSON'
  }
}

/** Whether valid JSON has an object that names a member twice. */
function repeats(json: string): boolean {
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g) ?? []
  const open: (Set<string> | null)[] = []
  for (const [at, token] of tokens.entries()) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (tokens[at + 1] === ':') {
      const name = JSON.parse(token) as string
      const names = open.at(-1)
      if (names?.has(name) === true) return true
      names?.add(name)
    }
  }
  return false
}
