/** The whole catalogue: what docs/security/attacks.md is written from, and what the suites try. */
import type { Attack, AttackClass } from './attack.ts'
import { ADDRESSES } from './rows/address.ts'
import { CONTRACT_RULES } from './rows/contract.ts'
import { HEADERS } from './rows/header.ts'
import { API_KEYS } from './rows/key.ts'
import { LIMITS } from './rows/limit.ts'
import { OPERATIONS } from './rows/operation.ts'
import { PATHS } from './rows/path.ts'
import { TOKENS } from './rows/token.ts'

export const CLASSES: readonly AttackClass[] = [
  PATHS,
  HEADERS,
  ADDRESSES,
  TOKENS,
  API_KEYS,
  LIMITS,
  OPERATIONS,
  CONTRACT_RULES,
]

export const ATTACKS: readonly Attack[] = CLASSES.flatMap(({ attacks }) => attacks)

/** A row by its name. */
export function attack(id: string): Attack {
  const found = ATTACKS.find((one) => one.id === id)
  if (found === undefined) throw new Error(`no attack ${id}`)
  return found
}

/** Advisories that users of such services know, and that have nothing to hold on to here. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  'GHSA-c5c4-8r6x-56w3': 'nothing is decided by an email address',
  'GHSA-f24x-5g9q-753f': 'there are no sessions and no sign-in',
  'traefik-forward-auth PR 77': 'there is no sign-in and no redirect',
  'CVE-2026-1580': 'an annotation of ingress-nginx, retired; no recipe has it',
  'CVE-2026-24512': 'an annotation of ingress-nginx, retired; no recipe has it',
  'CVE-2025-24514': 'an annotation of ingress-nginx, retired; no recipe has it',
}
