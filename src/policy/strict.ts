import type { LocatedProblem } from './load.ts'
import { textOf } from './places.ts'
import type { Policy } from './schema.ts'
import { readSource } from './source.ts'
import { BAN_ITEMS } from './strict/bans.ts'
import { HAND_ITEMS } from './strict/by-hand.ts'
import { GATEWAY_ITEMS } from './strict/gateway.ts'
import { HOP_ITEMS } from './strict/hops.ts'
import { ISSUER_ITEMS } from './strict/issuers.ts'
import type { Item } from './strict/item.ts'
import { KEY_ITEMS } from './strict/keys.ts'
import { LIMIT_ITEMS } from './strict/limits.ts'
import { LISTENER_ITEMS } from './strict/listeners.ts'
import { PROXY_ITEMS } from './strict/proxies.ts'
import { RECORD_ITEMS } from './strict/record.ts'
import { ROLE_ITEMS } from './strict/roles.ts'
import { ROUTE_ITEMS } from './strict/routes.ts'
import { SECRET_ITEMS } from './strict/secrets.ts'
import { STORE_ITEMS } from './strict/store.ts'

/**
 * The hardening checklist: what makes a sound policy weak, and what no file can show. The page
 * docs/security/hardening.md is made from this table, and `postern check --strict` goes through it.
 */

/** A part of the checklist. */
export interface Section {
  readonly title: string
  readonly items: readonly Item[]
}

export const SECTIONS: readonly Section[] = [
  { title: 'Proxies and listeners', items: [...PROXY_ITEMS, ...HOP_ITEMS, ...LISTENER_ITEMS] },
  { title: 'Issuers', items: ISSUER_ITEMS },
  { title: 'Keys and roles', items: [...KEY_ITEMS, ...ROLE_ITEMS] },
  { title: 'Routes', items: ROUTE_ITEMS },
  { title: 'Limits and bans', items: [...LIMIT_ITEMS, ...BAN_ITEMS] },
  { title: 'Store, secrets and records', items: [...STORE_ITEMS, ...SECRET_ITEMS, ...RECORD_ITEMS] },
  { title: 'Gateway', items: GATEWAY_ITEMS },
  { title: 'Yours to do', items: HAND_ITEMS },
]

export const ITEMS: readonly Item[] = SECTIONS.flatMap(({ items }) => items)

/** Where the page is that says more of an item, in the repository. */
export const PAGE = 'docs/security/hardening.md'

/** An item that does not hold, and where. */
export interface Finding extends LocatedProblem {
  readonly item: string
}

/**
 * Goes through the checklist.
 * @param policy what was loaded from `text` without a problem
 * @returns every finding, in the order of the file
 */
export function findingsIn(policy: Policy, text: string, file: string): Finding[] {
  const { positionOf } = readSource(text)
  const findings: Finding[] = []
  for (const { id, look } of ITEMS)
    look?.(policy, (path, message) => {
      findings.push({ file, ...positionOf(path), path: textOf(path), message, item: id })
    })
  return findings.sort((a, b) => a.line - b.line || a.column - b.column)
}
