import { type KeyFields, keyFields } from '../credentials/key-record.ts'
import { type Path, suggestion } from '../schema/problem.ts'
import type { Facts } from './facts.ts'
import { type Trouble, trouble } from './reply.ts'

/**
 * What is wrong with a key's fields that their schema cannot see: names that the policy does not know, times that have
 * passed, entries that stand there twice.
 * @param fields those that are given now; what a key has had before is not held against a change of something else
 * @param whole the key as it would be
 */
export function troublesOf(
  fields: Partial<KeyFields>,
  whole: Pick<KeyFields, 'notBefore' | 'expires'>,
  facts: Pick<Facts, 'roles' | 'limits'>,
  now: number,
  prefix: Path = [],
): Trouble[] {
  const found: Trouble[] = []
  const say = (path: Path, message: string) => found.push(trouble([...prefix, ...path], message))
  for (const [index, role] of (fields.roles ?? []).entries()) {
    if (!facts.roles.has(role))
      say(['roles', index], `\`${role}\` is not a role: ${suggestion(role, facts.roles)}`)
  }
  for (const [index, limit] of (fields.limits ?? []).entries()) {
    if (!facts.limits.has(limit))
      say(['limits', index], `\`${limit}\` is not a limit: ${suggestion(limit, facts.limits)}`)
  }
  for (const list of LISTS) {
    const seen = new Set<string>()
    for (const [index, entry] of (fields[list] ?? []).entries()) {
      if (seen.has(entry)) say([list, index], `\`${entry}\` stands there twice: leave one out`)
      seen.add(entry)
    }
  }
  if (typeof fields.expires === 'string' && Date.parse(fields.expires) <= now)
    say(['expires'], 'is in the past: write a point in time that is still to come')
  const { notBefore, expires } = whole
  if (notBefore !== null && expires !== null && Date.parse(notBefore) >= Date.parse(expires))
    say(
      [fields.notBefore === undefined ? 'expires' : 'notBefore'],
      'leaves no time: `notBefore` must be earlier than `expires`',
    )
  return found
}

const LISTS = ['roles', 'permissions', 'scopes', 'networks', 'limits'] as const

/**
 * The same of data that has not the right form, as far as it can be told: one mistake does not hide another.
 * @param prefix where the fields stand in the request
 */
export function troublesIn(
  data: unknown,
  facts: Pick<Facts, 'roles' | 'limits'>,
  now: number,
  prefix: Path = [],
): Trouble[] {
  if (typeof data !== 'object' || data === null) return []
  const sound: Record<string, unknown> = {}
  for (const [field, schema] of Object.entries(keyFields.shape)) {
    const value = Object.hasOwn(data, field) ? (data as Record<string, unknown>)[field] : undefined
    const parsed = value === undefined ? null : schema.safeParse(value)
    if (parsed?.success === true) sound[field] = parsed.data
  }
  const fields: Partial<KeyFields> = sound
  const { notBefore = null, expires = null } = fields
  return troublesOf(fields, { notBefore, expires }, facts, now, prefix)
}
