import type { Figure } from '../figure.ts'
import { type Deciding, LIMITS, openEngine, policyOf, requestOf, tokenOf } from './engine.ts'
import { GROWTH_TARGET, growthOf, roundsOf, shuffled } from './measure.ts'

const SECRET = 'a4f0c2e89b1d4c7fae53d06c8e1b92f7'

/** A policy, and the claims of whoever asks it. */
interface Population {
  readonly of: string
  readonly policy: (size: number) => string
  readonly claims: (one: number) => Readonly<Record<string, unknown>>
}

const issuerOf = (one: number): string => `https://issuer-${one}.bench.example`
const issuers = (size: number) =>
  Object.fromEntries(
    Array.from({ length: size }, (_, one) => [
      `issuer-${one}`,
      {
        issuer: issuerOf(one),
        audience: ['bench'],
        keys: { secret: '${BENCH_TOKEN}' },
        algorithms: ['HS256'],
        claims: { roles: 'roles' },
      },
    ]),
  )

const POPULATIONS: readonly Population[] = [
  {
    of: 'issuers',
    policy: (size) =>
      policyOf({
        issuers: issuers(size),
        routes: {
          app: {
            match: { path: '/app/**' },
            credentials: Object.keys(issuers(size)).map((name) => `jwt:${name}`),
            limits: LIMITS,
          },
        },
      }),
    claims: (one) => ({ iss: issuerOf(one) }),
  },
  {
    // Ten families: each role inherits the head of its own, which inherits what everybody may.
    of: 'roles',
    policy: (size) =>
      policyOf({
        issuers: issuers(1),
        roles: {
          everybody: { permissions: ['app:use'] },
          ...Object.fromEntries(
            Array.from({ length: size }, (_, one) => [
              `role-${one}`,
              {
                inherits: [one < 10 ? 'everybody' : `role-${one % 10}`],
                permissions: [`area-${one}:read`, `area-${one}:write`],
              },
            ]),
          ),
        },
        routes: {
          app: {
            match: { path: '/app/**' },
            credentials: ['jwt:issuer-0'],
            require: { permissions: ['app:use'] },
            limits: LIMITS,
          },
        },
      }),
    claims: (one) => ({ iss: issuerOf(0), roles: [`role-${one}`] }),
  },
]

/**
 * Decisions among more and more issuers and roles: warm ones, of tokens that were verified before, and of tokens that
 * nobody has seen. There are as many tokens and clients whatever the size, each visited in turn.
 */
export async function principalFigures(quick: boolean): Promise<Figure[]> {
  const sizes = quick ? [10, 50] : [10, 100, 1_000]
  const count = quick ? 300 : 5_000
  const fresh = quick ? 50 : 1_500
  const figures: Figure[] = []
  for (const { of, policy, claims } of POPULATIONS) {
    let minted = 0
    const asking = (size: number, visit: number) => {
      const token = tokenOf(SECRET, { ...claims(visit % size), sub: `s${visit}`, jti: `${minted++}` })
      return requestOf({ path: '/app/reports', client: `10.1.2.${visit % 64}`, token })
    }
    const open = async (size: number): Promise<Deciding> => openEngine(policy(size), { BENCH_TOKEN: SECRET })
    const warm = growthOf(
      of,
      (size) => `${size} ${of}: warm decision`,
      GROWTH_TARGET,
      roundsOf(quick),
      sizes,
      async (size) => {
        const deciding = await open(size)
        const requests = shuffled(count).map((visit) => asking(size, visit))
        return { deciding, requests: () => requests, expected: 'allow', stop: () => deciding.stop() }
      },
    )
    figures.push(...(await warm))
    const what = (size: string) => `${size} ${of}: never-seen token`
    const cold = growthOf(
      `${of}, never-seen tokens`,
      what,
      GROWTH_TARGET,
      roundsOf(quick),
      sizes,
      async (size) => {
        const deciding = await open(size)
        const requests = () => shuffled(fresh).map((visit) => asking(size, visit))
        return { deciding, requests, expected: 'allow', stop: () => deciding.stop() }
      },
    )
    figures.push(...(await cold))
  }
  return figures
}
