/** Keys, revocations and bans that a store holds when a runtime begins. */
import { parseNetwork } from '../../../src/core/address.ts'
import type { EntryDraft } from '../../../src/stores/contract.ts'
import { entryOf, keyEntry, revocationEntry } from '../../support/entries.ts'
import { DIGESTS, ISSUERS, REVOKED_AT } from '../credentials.ts'

const banOf = (network: string): EntryDraft => {
  const reading = parseNetwork(network)
  if (!reading.ok) throw new Error(`${network} is no network`)
  const body = { v: 1, network, until: null, level: 0, reason: null, by: 'test', created: 0 }
  return entryOf('ban', network, body)
}

/** What the store holds when a runtime begins, where there is one. */
export const ENTRIES: readonly EntryDraft[] = [
  keyEntry('key_stored', DIGESTS.stored, { tenant: 'acme', roles: ['reader'] }, 'stored-bot'),
  keyEntry('key_revoked', DIGESTS.revoked, { roles: ['reader'], status: 'revoked' }, 'old-bot'),
  keyEntry('key_withdrawn', DIGESTS.withdrawn, { roles: ['reader'] }, 'withdrawn-bot'),
  keyEntry('key_misfit', DIGESTS.misfit, { roles: ['reader'], limits: ['gone'] }, 'misfit-bot'),
  revocationEntry({ what: 'token', issuer: ISSUERS.company, value: 'revoked-1', before: null }),
  revocationEntry({ what: 'subject', issuer: ISSUERS.company, value: 'ron', before: REVOKED_AT }),
  revocationEntry({ what: 'session', issuer: ISSUERS.company, value: 'revoked-session', before: REVOKED_AT }),
  revocationEntry({ what: 'subject', issuer: 'api-key', value: 'withdrawn-bot', before: REVOKED_AT }),
  banOf('198.18.66.0/24'),
]
