/** The core in this process: a forwarded request goes in, a decision comes out. */

import { decide } from '../../../src/core/decide.ts'
import type { Decision, Shield } from '../../../src/core/model.ts'
import { asnOf, countryOf } from '../../../src/core/place.ts'
import { REASONS } from '../../../src/core/reasons.ts'
import { rateLimitFields } from '../../../src/http/rate-limit-fields.ts'
import { openState } from '../../../src/node/state.ts'
import { compile } from '../../../src/policy/compile.ts'
import { nodeOutside } from '../../../src/ports/node-outside.ts'
import { JWT_SECRET, PROXY_SECRET } from '../../e2e/credentials.ts'
import { environmentOf, policyOf } from '../../support/policy.ts'
import { linesOf } from '../../support/service.ts'
import { ENVIRONMENT, POLICIES, SHIELD } from '../policies.ts'
import { CLOSED } from '../policy/credentials.ts'
import { ENTRIES } from '../policy/entries.ts'
import { linesOfRow, quotaIn } from '../request.ts'
import { earlierOf, IDENTITY, type Identity, type Row, type Seen } from '../scenario.ts'
import { WITHOUT_SOCKETS } from './forced.ts'
import type { Target } from './target.ts'

export const core: Target = {
  name: 'core',
  version: async () => `Node ${process.versions.node}`,
  missing: async () => null,
  differences: [
    {
      why: 'The core is handed requests of which trust was established before.',
      concerns: ({ request }) => request.proof !== undefined,
      instead: () => null,
    },
    WITHOUT_SOCKETS,
  ],

  async start(name) {
    const { part, store } = POLICIES[name]
    const text = JSON.stringify({
      ...part,
      proxies: { traefik: { secret: '${POSTERN_SECRET}' } },
      store: store === 'answers' ? 'memory' : { redis: { url: `redis://127.0.0.1:${CLOSED}` } },
    })
    const policy = policyOf(text, environmentOf({ ...ENVIRONMENT, JWT_SECRET, POSTERN_SECRET: PROXY_SECRET }))
    const outside = nodeOutside(() => {})
    const state = await openState(policy, outside, (path) => path)
    if (store === 'answers') {
      const changes = ENTRIES.map((one) => ({ put: one, expected: 'any' as const }))
      await state.store.apply(changes, null)
    }
    await state.start()
    const { engine, authenticators } = compile(policy, {
      ...outside,
      keys: state.knowledge.keys,
      processes: 1,
    })
    void Promise.all(authenticators.map((each) => each.prepare?.()))
    const ports = {
      counters: state.store,
      local: state.local,
      knowledge: state.knowledge,
      now: Date.now,
      ticks: () => performance.now(),
      shield: policy.shield === undefined ? null : shield(),
    }
    const ask = async (row: Row): Promise<Decision> => {
      const { method = 'GET', scheme = 'http', host = 'app.example.com', target, place } = row.request
      return decide(
        {
          proxy: 'core',
          method,
          scheme,
          host,
          target,
          forwardedFor: row.client,
          headers: linesOf(linesOfRow(row)),
          place: { country: countryOf(place?.country ?? null), asn: asnOf(place?.asn ?? null) },
        },
        engine,
        ports,
      )
    }
    return {
      async play(rows) {
        const seen = new Map<string, Seen>()
        for (const row of rows) {
          for (const earlier of earlierOf(row)) await ask(earlier)
          seen.set(row.id, seenIn(await ask(row)))
        }
        return seen
      },
      output: () => '',
      stop: () => state.stop(),
    }
  },
}

/** Counts clients as the binding of a Worker does, which is nothing of the core. */
function shield(): Shield {
  const counts = new Map<string, number>()
  return {
    admits({ text }) {
      const count = (counts.get(text) ?? 0) + 1
      counts.set(text, count)
      return count <= SHIELD.limit
    },
  }
}

function seenIn({ verdict, reason, identity, quotas }: Decision): Seen {
  const status = reason === null ? 200 : REASONS[reason].status
  const shown = verdict === 'allow' || status === 429 ? rateLimitFields(quotas) : null
  return {
    status,
    reason,
    judged: true,
    identity:
      identity === null
        ? null
        : (Object.fromEntries(IDENTITY.map((name) => [name, identity[name]])) as Identity),
    quota: quotaIn(shown?.state ?? null),
    charged: Object.fromEntries(quotas.map(({ limit, remaining }) => [limit.name, remaining])),
  }
}
