import type { Figure } from '../figure.ts'
import { LIMITS, openEngine, policyOf, requestOf, tokenOf } from './engine.ts'
import { growthOf, roundsOf, shuffled } from './measure.ts'

const SECRET = 'a4f0c2e89b1d4c7fae53d06c8e1b92f7'
const ISSUER = 'https://issuer.bench.example'
/** Hosts that share the routes. */
const HOSTS = 100
/** Principals that take turns. */
const SUBJECTS = 64

/**
 * A warm decision among more and more routes. The requests are as many and as different whatever the number of routes,
 * and visit them in no order: what is compared is the policy alone, the memory that it takes up included.
 */
export function routeFigures(quick: boolean): Promise<Figure[]> {
  const sizes = quick ? [10, 300] : [10, 100, 1_000, 10_000]
  const count = quick ? 600 : 10_000
  const tokens = Array.from({ length: SUBJECTS }, (_, subject) =>
    tokenOf(SECRET, { iss: ISSUER, sub: `s${subject}` }),
  )
  return growthOf(
    'routes',
    (size) => `${size} routes: warm decision`,
    roundsOf(quick),
    sizes,
    async (size) => {
      const deciding = await openEngine(policyText(size), { BENCH_TOKEN: SECRET })
      const requests = shuffled(count).map((visit) => {
        const route = visit % size
        const asked = { host: hostOf(route), path: `/service-${route}/items/${visit}` }
        return requestOf({
          ...asked,
          client: `10.1.2.${visit % SUBJECTS}`,
          token: tokens[visit % SUBJECTS] ?? '',
        })
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
