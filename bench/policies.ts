import { readFileSync } from 'node:fs'
import type { Algorithm } from './credentials.ts'

const TEXT = readFileSync(new URL('./policy.yaml', import.meta.url), 'utf8')

/** What a variant has instead of, or beside, what bench/policy.yaml says. */
export interface Variant {
  readonly algorithm?: Algorithm
  /** Further listeners, as lines of `listen`. */
  readonly listen?: string
  /** Whole sections, as YAML. */
  readonly sections?: string
}

/**
 * The text of the policy that the benchmark decides with.
 * @throws when the file no longer holds what a variant replaces
 */
export function policyText({ algorithm, listen, sections = '' }: Variant = {}): string {
  const withKeys = replaced(TEXT, 'algorithms: [RS256]', `algorithms: [${algorithm ?? 'RS256'}]`)
  const health = 'health: 127.0.0.1:0'
  return replaced(withKeys, health, listen === undefined ? health : `${health}, ${listen}`) + sections
}

function replaced(text: string, part: string, by: string): string {
  if (!text.includes(part)) throw new Error(`bench/policy.yaml no longer holds ${part}`)
  return text.replace(part, () => by)
}
