import { Secret, secretOf } from '../../schema/secret.ts'
import type { Building, Outside } from '../contract.ts'
import type { Algorithm } from './algorithms.ts'
import { type Expectations, normalType } from './claims.ts'
import { Discovery, metadataUrls } from './discovery.ts'
import { allowanceOf } from './inspect.ts'
import { type Jwk, keysIn } from './jwk.ts'
import { KeySet, type KeySetDocument, MAX_BYTES } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { readPem } from './pem.ts'
import { type PrincipalMaker, principalMaker } from './principal.ts'
import type { IssuerEntry } from './section.ts'
import { StaticKeys } from './static-keys.ts'
import { parseStrict } from './strict-json.ts'
import { importKey, importSecret } from './verification-key.ts'

/** An issuer of the policy, ready to judge tokens by. */
export interface Issuer extends Expectations {
  /** As routes name it, behind `jwt:`. */
  readonly name: string
  readonly algorithms: ReadonlySet<string>
  readonly keys: KeySource
  readonly principalOf: PrincipalMaker
}

const FETCH_TIMEOUT = 5_000

/** @param entry one that has passed inspection */
export function buildIssuer(name: string, entry: IssuerEntry, building: Building): Issuer {
  const { roles } = building
  const { issuer, audience, clockSkew, claims } = entry
  const names = {
    id: claims.id,
    email: claims.email ?? null,
    roles: claims.roles ?? null,
    permissions: claims.permissions ?? null,
    scopes: claims.scopes ?? null,
    tenant: claims.tenant ?? null,
  }
  return {
    name,
    audience,
    clockSkew,
    maxAge: entry.maxAge ?? null,
    typ: entry.typ === undefined ? null : normalType(entry.typ),
    algorithms: new Set(entry.algorithms),
    keys: sourceOf(name, entry, building),
    principalOf: principalMaker({ issuer, method: `jwt:${name}`, clockSkew }, names, roles),
  }
}

function sourceOf(name: string, entry: IssuerEntry, { outside, keep }: Building): KeySource {
  const { issuer, keys, algorithms } = entry
  if (keys.secret !== undefined) {
    const { secret } = keys
    return new StaticKeys(outside.now, async () => [await importSecret(secretOf(secret), algorithms)])
  }
  if (keys.jwks === undefined && keys.discovery === undefined)
    return new StaticKeys(outside.now, () => importAll(publicKeysOf(keys), algorithms))
  // What is fetched is kept when a policy is replaced: a reload must not depend on whether issuers answer just then.
  return keep(
    `key set ${JSON.stringify([name, issuer, keys, algorithms])}`,
    () => new KeySet(name, documentOf(issuer, keys, outside), algorithms, outside),
  )
}

/** Where a set is fetched from. It outlives the policy that it was made for, and so must not hold on to any of it. */
function documentOf(issuer: string, keys: IssuerEntry['keys'], outside: Outside): KeySetDocument {
  const { jwks, discovery } = keys
  const rules = { maxBytes: MAX_BYTES, timeout: FETCH_TIMEOUT, ...allowanceOf(keys) }
  if (jwks !== undefined) return { fetch: () => outside.fetchText(jwks, rules), doubt: () => {} }
  const urls = typeof discovery === 'string' ? [discovery] : metadataUrls(issuer)
  const found = new Discovery(issuer, urls, rules, outside)
  const fetch = async (): Promise<string> => outside.fetchText(await found.locate(), rules)
  return { fetch, doubt: () => found.doubt() }
}

function publicKeysOf({ pem, jwk }: IssuerEntry['keys']): readonly Jwk[] {
  if (pem !== undefined) {
    const reading = readPem(pem instanceof Secret ? secretOf(pem) : pem)
    return reading.ok ? [reading.jwk] : []
  }
  return keysIn(jwk instanceof Secret ? parseStrict(secretOf(jwk)) : jwk) ?? []
}

const importAll = (keys: readonly Jwk[], algorithms: readonly Algorithm[]) =>
  Promise.all(keys.map((jwk) => importKey(jwk, algorithms)))
