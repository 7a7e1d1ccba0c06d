import type { Path } from '../../schema/problem.ts'
import { Secret, weakness } from '../../schema/secret.ts'
import { ALGORITHMS, type Algorithm, isSymmetric } from './algorithms.ts'
import { algorithmsOf, faultOf, fits, isObject, isPrivate, type Jwk, keysIn } from './jwk.ts'
import { type Allowance, faultOfUrl } from './location.ts'
import { jwkOfBareSpki, looksLikePem, readPem } from './pem.ts'
import type { IssuerEntry, IssuersSection, KeysEntry } from './section.ts'
import { parseStrict } from './strict-json.ts'

type Report = (path: Path, message: string) => void

/** RFC 7518 section 3.2: at least as many bytes as the hash of HS256. */
const SECRET_BYTES = 32

/** Reports what the schema cannot see in the `issuers` section. No message holds a key or a secret. */
export function inspectIssuers(section: IssuersSection, report: Report): void {
  const seen = new Map<string, string>()
  for (const [name, entry] of Object.entries(section)) {
    const other = seen.get(entry.issuer)
    if (other !== undefined) {
      report(
        [name, 'issuer'],
        `is the issuer of \`${other}\` too: a token is told by its \`iss\`, so write it only once`,
      )
    }
    seen.set(entry.issuer, name)
    inspectKeys(entry, (path, message) => report([name, ...path], message))
  }
}

export const allowanceOf = (keys: KeysEntry): Allowance => ({
  http: keys.allow?.includes('http') === true,
  private: keys.allow?.includes('private') === true,
})

function inspectKeys(entry: IssuerEntry, report: Report): void {
  const { keys } = entry
  inspectKinds(entry, report)
  if (keys.jwks !== undefined) inspectUrl(keys.jwks, ['keys', 'jwks'], keys, report)
  if (typeof keys.discovery === 'string') inspectUrl(keys.discovery, ['keys', 'discovery'], keys, report)
  if (keys.discovery === true) inspectDiscovery(entry, report)
  if (keys.secret?.value != null) inspectSecret(keys.secret.value, report)
  if (keys.pem !== undefined) {
    const text = textOf(keys.pem)
    const reading = text === null ? null : readPem(text)
    if (reading?.ok === false) report(['keys', 'pem'], reading.problem)
    if (reading?.ok === true) inspectPublic([reading.jwk], ['keys', 'pem'], entry, report)
  }
  if (keys.jwk !== undefined) {
    const value = keys.jwk instanceof Secret ? parsed(keys.jwk) : keys.jwk
    const found = value === null ? undefined : keysIn(value)
    if (found === null)
      report(['keys', 'jwk'], 'is not a JWK or JWK Set: write an object with `kty`, or with `keys`')
    else if (found !== undefined) inspectPublic(found, ['keys', 'jwk'], entry, report)
  }
}

const textOf = (given: string | Secret): string | null => (given instanceof Secret ? given.value : given)

/** Null where the reference could not be resolved, which is reported elsewhere. */
const parsed = (secret: Secret): unknown => (secret.value === null ? null : parseStrict(secret.value))

/** A public key as an HMAC secret lets everybody sign (CVE-2023-48223), so the two kinds never share an issuer. */
function inspectKinds({ algorithms, keys }: IssuerEntry, report: Report): void {
  const symmetric = algorithms.filter(isSymmetric)
  if (symmetric.length > 0 && symmetric.length < algorithms.length) {
    const mixed = symmetric.join(', ')
    report(
      ['algorithms'],
      `mixes ${mixed} with algorithms of public keys: write one kind, the other in a second issuer`,
    )
    return
  }
  const wanted = keys.secret !== undefined
  for (const [index, algorithm] of algorithms.entries()) {
    if (isSymmetric(algorithm) === wanted) continue
    const message = wanted
      ? 'has no use for a secret: write HS256, HS384 or HS512, or a public key (jwks, discovery, pem, jwk)'
      : 'needs `keys: { secret }`: with a public key as its secret everybody could sign; write RS256, ES256 or the like'
    report(['algorithms', index], `${algorithm} ${message}`)
  }
}

function inspectUrl(url: string, path: Path, keys: KeysEntry, report: Report): void {
  const fault = faultOfUrl(url, allowanceOf(keys))
  if (fault !== null) report(path, fault)
}

/** OpenID Connect Discovery 1.0 section 3: an issuer is a URL without query and fragment. */
function inspectDiscovery({ issuer, keys }: IssuerEntry, report: Report): void {
  const fault = faultOfUrl(issuer, allowanceOf(keys))
  if (fault !== null) report(['issuer'], `${fault} (\`keys: { discovery: true }\` fetches from it)`)
  else if (issuer.includes('?'))
    report(['issuer'], 'has a query: nothing can be discovered from it, write `keys: { jwks }`')
}

/** What everybody may know is no secret, however long it is. */
function inspectSecret(value: string, report: Report): void {
  const weak = weakness(value, SECRET_BYTES)
  const json = value.trimStart().startsWith('{') ? parseStrict(value) : undefined
  if (looksLikePem(value)) {
    report(
      ['keys', 'secret'],
      'is a PEM key: write it as `pem` with RS256, ES256 or the like, or use random bytes',
    )
  } else if (isObject(json) && (keysIn(json) !== null || Object.hasOwn(json, 'kty'))) {
    report(['keys', 'secret'], 'is a JWK: write a public one as `jwk`, or use the text of random bytes')
  } else if (jwkOfBareSpki(value) !== null) {
    report(['keys', 'secret'], 'is a public key in base64: write it as `pem`, or use random bytes')
  } else if (weak !== null) {
    report(
      ['keys', 'secret'],
      `${weak}: write at least ${SECRET_BYTES} random bytes, as \`openssl rand -base64 48\` gives`,
    )
  }
}

/** In a set, keys for other purposes are passed over; a private one never is. */
function inspectPublic(found: readonly Jwk[], path: Path, { algorithms }: IssuerEntry, report: Report): void {
  const usable = found.filter((jwk) => faultOf(jwk) === null)
  const told = usable.length === 0 ? found : found.filter(isPrivate)
  if (found.length === 0) report(path, 'holds no key: write at least one')
  for (const fault of new Set(told.map(faultOf))) if (fault !== null) report(path, fault)
  if (usable.length === 0) return
  for (const [index, algorithm] of algorithms.entries()) {
    if (isSymmetric(algorithm) || usable.some((jwk) => fits(jwk, algorithm))) continue
    report(['algorithms', index], `${algorithm} does not fit the key: write ${suggested(usable)}`)
  }
}

function suggested(found: readonly Jwk[]): string {
  const fitting: readonly Algorithm[] = ALGORITHMS.filter((name) =>
    found.some((jwk) => algorithmsOf(jwk).includes(name)),
  )
  return fitting.length === 0 ? 'a key of another kind' : fitting.join(' or ')
}
