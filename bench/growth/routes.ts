import type { Figure, Target } from '../figure.ts'
import { LIMITS, openEngine, policyOf, requestOf, tokenOf } from './engine.ts'
import { GROWTH_TARGET, growthOf, popular, roundsOf, shuffled } from './measure.ts'

const SECRET = 'a4f0c2e89b1d4c7fae53d06c8e1b92f7'
const ISSUER = 'https://issuer.bench.example'
/** Hosts that share the routes. */
const HOSTS = 100
/** Principals that take turns. */
const SUBJECTS = 64

/**
 * A warm decision among more and more routes. The requests are as many and as different whatever the number of routes:
 * what is compared is the policy alone, the memory that it takes up included. Traffic goes to many routes a little and
 * to few a lot, as it does; told beside it is what becomes of traffic that goes to all of them alike, so that hardly
 * any route is still in the processor's cache when it is asked for again.
 */
export async function routeFigures(quick: boolean): Promise<Figure[]> {
  const sizes = quick ? [10, 300] : [10, 100, 1_000, 10_000]
  const count = quick ? 600 : 10_000
  const usual = await growth('routes', 'warm decision', GROWTH_TARGET, quick, sizes, (size) =>
    popular(count, size),
  )
  const largest = [10, sizes.at(-1) as number]
  const even = (size: number) => shuffled(count).map((visit) => visit % size)
  const worst = await growth(
    'routes, all visited alike',
    'warm decision, all visited alike',
    null,
    quick,
    largest,
    even,
  )
  return [...usual, ...worst]
}

function growth(
  of: string,
  what: string,
  target: Target | null,
  quick: boolean,
  sizes: readonly number[],
  visitsOf: (size: number) => readonly number[],
): Promise<Figure[]> {
  const tokens = Array.from({ length: SUBJECTS }, (_, subject) =>
    tokenOf(SECRET, { iss: ISSUER, sub: `s${subject}` }),
  )
  return growthOf(
    of,
    (size) => `${size} routes: ${what}`,
    target,
    roundsOf(quick),
    sizes,
    async (size) => {
      const deciding = await openEngine(policyText(size), { BENCH_TOKEN: SECRET })
      const requests = visitsOf(size).map((route, visit) => {
        const asked = { host: hostOf(route), path: `/service-${route}/items/${visit}` }
        const token = tokens[visit % SUBJECTS] as string
        return requestOf({ ...asked, client: `10.1.2.${visit % SUBJECTS}`, token })
      })
      return { deciding, requests: () => requests, expected: 'allow', stop: () => deciding.stop() }
    },
  )
}

const hostOf = (route: number): string => `app-${route % HOSTS}.example.com`

/** A policy of many services on some hosts, each a route with a parameter. */
export function policyText(size: number): string {
  const routes = Array.from({ length: size }, (_, route) => [
    `service-${route}`,
    {
      match: { host: hostOf(route), path: `/service-${route}/items/:item/**` },
      credentials: ['jwt:bench'],
      limits: LIMITS,
    },
  ])
  return policyOf({
    issuers: {
      bench: {
        issuer: ISSUER,
        audience: ['bench'],
        keys: { secret: '${BENCH_TOKEN}' },
        algorithms: ['HS256'],
      },
    },
    routes: Object.fromEntries(routes),
  })
}
