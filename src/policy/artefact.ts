import { type Network, parseNetwork, textOfNetwork } from '../core/address.ts'
import type { Path } from '../schema/problem.ts'
import { Secret, type SecretSource } from '../schema/secret.ts'
import type { Policy } from './schema.ts'

/**
 * A policy that was checked, in a form that a Worker's bundle can carry: JSON, secrets by reference, and nothing left to
 * check but the secrets. Whatever is no JSON by itself stands there as an object with one key, `$secret` or `$network`.
 */

/** Grows whenever an older Worker would misread what a newer command writes, or the other way round. */
export const ARTEFACT_FORMAT = 1

export interface Artefact {
  readonly format: number
  /** Of the command that wrote it, for people. */
  readonly postern: string
  readonly policy: unknown
}

/** @param version of this program */
export const artefactOf = (policy: Policy, version: string): Artefact => ({
  format: ARTEFACT_FORMAT,
  postern: version,
  policy: encode(policy),
})

/** A policy as it was checked, with every secret in it and where it stands. */
export interface Unresolved {
  readonly policy: Policy
  readonly secrets: readonly PlacedSecret[]
}

export interface PlacedSecret {
  readonly path: Path
  readonly secret: Secret
}

/** The policy of an artefact, and the version that wrote it; or why this program cannot use it. */
export function policyOf(
  artefact: unknown,
):
  | ({ readonly ok: true; readonly version: string } & Unresolved)
  | { readonly ok: false; readonly problem: string } {
  const { format, postern, policy } = (isObject(artefact) ? artefact : {}) as Partial<Artefact>
  if (format !== ARTEFACT_FORMAT) {
    const found = typeof format === 'number' ? `format ${format}, written by postern ${postern}` : 'no format'
    return {
      ok: false,
      problem: `the compiled policy has ${found}, and this Worker reads format ${ARTEFACT_FORMAT}: run postern compile again, with the version that is deployed`,
    }
  }
  if (!isObject(policy))
    return { ok: false, problem: 'the compiled policy is empty: run postern compile again' }
  const secrets: PlacedSecret[] = []
  return { ok: true, version: String(postern), policy: decode(policy, [], secrets) as Policy, secrets }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** By what is in it: entries of a policy may be called `address` and `prefix` as well. */
const isNetwork = (value: Record<string, unknown>): boolean =>
  typeof value['prefix'] === 'number' && isObject(value['address']) && 'words' in value['address']

function encode(value: unknown): unknown {
  if (value instanceof Secret) return { $secret: value.source }
  if (Array.isArray(value)) return value.map(encode)
  if (!isObject(value)) return value
  if (isNetwork(value)) return { $network: textOfNetwork(value as unknown as Network) }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.startsWith('$') ? `$${key}` : key, encode(item)]),
  )
}

/** @param path of the value, changed while it is walked through */
function decode(value: unknown, path: (string | number)[], secrets: PlacedSecret[]): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      path.push(index)
      const decoded = decode(item, path, secrets)
      path.pop()
      return decoded
    })
  }
  const { $secret, $network } = value as { readonly $secret?: SecretSource; readonly $network?: string }
  if ($secret !== undefined) {
    const secret = new Secret($secret)
    secrets.push({ path: [...path], secret })
    return secret
  }
  if ($network !== undefined) {
    const reading = parseNetwork($network)
    if (!reading.ok) throw new Error('the compiled policy holds a network that is none')
    return reading.network
  }
  const result: Record<string, unknown> = {}
  for (const key in value) {
    const name = key.startsWith('$') ? key.slice(1) : key
    path.push(name)
    result[name] = decode((value as Record<string, unknown>)[key], path, secrets)
    path.pop()
  }
  return result
}
