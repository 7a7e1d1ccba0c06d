import { type ApiKeysSection, apiKey } from '../credentials/api-key.ts'
import type { IssuersSection } from '../credentials/jwt/section.ts'
import { jwt } from '../credentials/jwt.ts'
import type { PlacedSecret } from '../policy/artefact.ts'
import type { Policy } from '../policy/schema.ts'
import { sectionOf } from '../policy/sections.ts'
import { apiKeyFacts, type Facts } from './facts.ts'

/** Sections whose secrets the admin API works with. */
const SECRETS: ReadonlySet<unknown> = new Set(['apiKeys', 'store'])

/** Whether the admin API needs a secret of a policy: those of proxies, issuers and origins it never gets to see. */
export const isForAdmin = ({ path: [section] }: PlacedSecret): boolean => SECRETS.has(section)

/** What the admin API has to know of a policy that has passed every check. */
export function factsOf(policy: Policy): Facts {
  const { admin, roles, limits } = policy
  // The registry forgets the sections' types; these two belong to their own.
  const issuers = (sectionOf(policy, jwt) ?? {}) as IssuersSection
  return {
    roles: new Set(Object.keys(roles)),
    limits: new Set(Object.keys(limits)),
    issuers: Object.entries(issuers).map(([name, { issuer }]) => ({ name, issuer })),
    spared: policy.bans?.never ?? [],
    apiKeys: apiKeyFacts(sectionOf(policy, apiKey) as ApiKeysSection | undefined),
    tokens: Object.entries(admin?.tokens ?? {}).map(([name, { digest, role }]) => ({ name, digest, role })),
    limit: ceilingOf(admin?.limit ?? NO_LIMIT),
  }
}

/** Without the section there is no token either, so that nothing hangs on it. */
const NO_LIMIT = { count: 1, window: 1 }

const ceilingOf = ({ count, window }: { readonly count: number; readonly window: number }) => ({
  interval: Math.ceil(window / count),
  burst: count,
})
