import { entryOf } from '../../src/state/entry.ts'
import type { State } from '../../src/state/state.ts'
import type { Figure } from '../figure.ts'
import { openEngine, policyOf, requestOf } from './engine.ts'
import { GROWTH_TARGET, growthOf, roundsOf, shuffled } from './measure.ts'

/** Where a list of networks stands. */
interface Place {
  readonly of: string
  readonly what: string
  readonly sections: (networks: readonly string[]) => Readonly<Record<string, unknown>>
  /** What the proxy says of who asked, where `inside` lies in one of the networks. */
  readonly forwardedFor: (inside: string) => string
  readonly before?: (state: State, networks: readonly string[]) => Promise<void>
  readonly expected: 'allow' | 'deny'
}

const MATCH = { match: { path: '/app/**' }, credentials: ['anonymous'], limits: ['per-client'] }
const PLAIN = () => ({ routes: { app: MATCH } })

const PLACES: readonly Place[] = [
  {
    of: 'allowed networks',
    what: 'allowed networks on a route',
    sections: (allow) => ({ routes: { app: { ...MATCH, networks: { allow } } } }),
    forwardedFor: (inside) => inside,
    expected: 'allow',
  },
  {
    of: 'trusted hops',
    what: 'trusted hops',
    sections: (trustedHops) => ({ ...PLAIN(), trustedHops }),
    forwardedFor: (inside) => `203.0.113.9, ${inside}`,
    expected: 'allow',
  },
  {
    of: 'bans',
    what: 'banned networks, a client that is not banned',
    sections: PLAIN,
    // One address beside a banned network.
    forwardedFor: (inside) => inside.replace(/^\d+/, '9'),
    before: ban,
    expected: 'allow',
  },
  {
    of: 'bans, banned clients',
    what: 'banned networks, a client that is banned',
    sections: PLAIN,
    forwardedFor: (inside) => inside,
    before: ban,
    expected: 'deny',
  },
]

/** A decision among more and more networks, each of them visited by clients of its own. */
export async function networkFigures(quick: boolean): Promise<Figure[]> {
  const sizes = quick ? [10, 300] : [10, 1_000, 10_000, 100_000]
  const count = quick ? 600 : 10_000
  const figures: Figure[] = []
  for (const { of, what, sections, forwardedFor, before, expected } of PLACES) {
    const growth = growthOf(
      of,
      (size) => `${size} ${what}`,
      GROWTH_TARGET,
      roundsOf(quick),
      sizes,
      async (size) => {
        const networks = Array.from({ length: size }, (_, index) => `${networkOf(index)}/26`)
        const deciding = await openEngine(policyOf(sections(networks)), {}, (state) =>
          before === undefined ? Promise.resolve() : before(state, networks),
        )
        const requests = shuffled(count).map((visit) => {
          const inside = networkOf(visit % size).replace(/\d+$/, (low) =>
            String(Number(low) + 1 + (visit % 62)),
          )
          return requestOf({ path: '/app/reports', client: forwardedFor(inside) })
        })
        return { deciding, requests: () => requests, expected, stop: () => deciding.stop() }
      },
    )
    figures.push(...(await growth))
  }
  return figures
}

/** Every second network of 64 addresses, so that no two make one. */
const networkOf = (index: number): string =>
  `${20 + (index >> 17)}.${(index >> 9) & 255}.${(index >> 1) & 255}.${(index & 1) * 128}`

async function ban(state: State, networks: readonly string[]): Promise<void> {
  const now = Date.now()
  const facts = { v: 1, until: now + 3_600_000, level: 0, reason: null, by: 'bench', created: now }
  for (let at = 0; at < networks.length; at += 100) {
    const changes = networks.slice(at, at + 100).map((network) => ({
      put: entryOf('ban', network, { ...facts, network }),
      expected: 'absent' as const,
    }))
    await state.store.apply(changes, null)
  }
}
