import { type Figure, figureOf } from '../figure.ts'
import { openEngine, policyOf, requestOf } from './engine.ts'
import { GROUP, microseconds, roundsOf } from './measure.ts'

/** What a search makes paths of: every kind of oddity, and what hides one in another. */
const ATOMS = [
  ...['a', 'A', '/', '.', '..', ' ', ';', '-', '25', ';a', '..a', 'a%20'],
  ...['%20', '%2f', '%2F', '%5c', '%3b', '%3f', '%23', '%2e', '%2e%2e', '%61', '%41', '%25'],
  ...['%2561', '%252f', '%25255c', '%253b', '%2525252561'],
  ...['%C3%A9', '%C2%AD', '%EF%BD%81', '%EF%B7%BA', '%EF%BC%8F', '%EF%BC%9B', '%CC%81', '%C4%B0', '%C7%84'],
  ...['%E1%BA%9E', '%e2%80%8b', '%F0%9F%92%A9'],
].map((atom) => atom.replace(' ', '%20'))

/** What honest clients send, and is read in more than one way. */
const ODD = [
  ...[
    '/files/a%2Fb',
    '/caf%C3%A9/menu',
    '/docs/a%20b',
    '/Users/Ann',
    '/x;v=1/y',
    '/rebate/100%25',
    '/wiki//a',
  ],
  ...['/pkg/%40scope%2Fname', '/files/x%3Fy', '/map;zoom=3/tile;x=1', '/archive/v1.'],
]

/** The longest path that is accepted. */
const LONGEST = 8192

const POLICY = policyOf({
  routes: {
    own: { match: { path: '/a/:x/:y/**' }, credentials: ['anonymous'] },
    cased: { match: { path: '/Files/**' }, credentials: ['anonymous'] },
    rest: { match: { path: '/**' }, credentials: ['anonymous'] },
  },
})

/** The whole decision about the worst path that a search finds, and about odd ones that honest clients send. */
export async function pathFigures(quick: boolean): Promise<Figure[]> {
  const deciding = await openEngine(POLICY, {})
  try {
    const cost = async (path: string, times: number): Promise<number> => {
      const request = requestOf({ path })
      const before = process.cpuUsage()
      for (let time = 0; time < times; time++) await deciding.decide(request)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / times
    }
    const worst = await search(quick ? 100 : 3_000, cost)
    const times = quick ? 50 : 2_000
    const asking = (paths: readonly string[]) => {
      const requests = Array.from({ length: times }, (_, index) =>
        requestOf({ path: paths[index % paths.length] as string }),
      )
      return { deciding, requests: () => requests, expected: null }
    }
    const odd = ODD.map((path) => asking([path]))
    const rounds = roundsOf(quick)
    const [hostile = [], plain = [], ...each] = await microseconds(rounds, [
      asking([worst]),
      asking(['/files/reports/2026']),
      ...odd,
    ])
    const bound = (most: number) => hostile.map(() => most)
    const beside = each.map((figures) => figures.map((figure, round) => figure - (plain[round] as number)))
    const dearest = hostile.map((_, round) => Math.max(...beside.map((figures) => figures[round] as number)))
    const typical = hostile.map(
      (_, round) => beside.reduce((sum, figures) => sum + (figures[round] as number), 0) / beside.length,
    )
    const texts = { group: GROUP, unit: 'µs', target: { atMost: 1 } }
    const name = `${worst.length.toLocaleString('en-GB')} characters`
    return [
      figureOf(
        { ...texts, what: `decision about the worst path found (${name})`, against: '50 µs' },
        hostile,
        bound(50),
      ),
      figureOf(
        { ...texts, what: 'what an odd path of honest clients adds, on average', against: '10 µs' },
        typical,
        bound(10),
      ),
      figureOf({ ...texts, what: 'what the dearest of those adds', against: '10 µs' }, dearest, bound(10)),
    ]
  } finally {
    await deciding.stop()
  }
}

/** How a path is made: one unit, over and over, between two ends. */
interface Recipe {
  readonly before: readonly string[]
  readonly unit: readonly string[]
  readonly length: number
  readonly after: readonly string[]
}

const LENGTHS = [256, 512, 1024, 2047, 2048, 3000, 4096, LONGEST]
const KEPT = 40

/** Climbs towards the dearest path: the best are changed at random, and strangers join them. Seeded. */
async function search(
  tries: number,
  cost: (path: string, times: number) => Promise<number>,
): Promise<string> {
  let seed = 6
  const below = (count: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * count)
  }
  const one = <T>(of: readonly T[]): T => of[below(of.length)] as T
  const some = (most: number): string[] => Array.from({ length: below(most + 1) }, () => one(ATOMS))
  const stranger = (): Recipe => ({
    before: some(2),
    unit: [one(ATOMS), ...some(3)],
    length: one(LENGTHS),
    after: some(2),
  })
  const changed = (recipe: Recipe): Recipe => {
    const { unit } = recipe
    const changes: readonly (() => Recipe)[] = [
      () => ({ ...recipe, unit: unit.with(below(unit.length), one(ATOMS)) }),
      () => ({ ...recipe, unit: [...unit, one(ATOMS)] }),
      () => (unit.length > 1 ? { ...recipe, unit: unit.toSpliced(below(unit.length), 1) } : recipe),
      () => ({
        ...recipe,
        length: Math.min(LONGEST, Math.max(64, Math.floor(recipe.length * (0.5 + below(100) / 100)))),
      }),
      () => ({ ...recipe, before: some(2), after: some(2) }),
    ]
    return one(changes)()
  }
  let best: { readonly path: string; readonly recipe: Recipe; readonly cost: number }[] = []
  for (let index = 0; index < tries; index++) {
    const recipe = best.length < KEPT || below(5) === 0 ? stranger() : changed(one(best).recipe)
    const path = textOf(recipe)
    best.push({ path, recipe, cost: await cost(path, 6) })
    best = best.sort((a, b) => b.cost - a.cost).slice(0, KEPT)
  }
  // A short look is easily mistaken, on a busy machine above all.
  const looked: { path: string; cost: number }[] = []
  for (const { path } of best) {
    const looks = [await cost(path, 100), await cost(path, 100), await cost(path, 100)]
    looked.push({ path, cost: Math.min(...looks) })
  }
  return looked.sort((a, b) => b.cost - a.cost)[0]?.path ?? '/'
}

function textOf({ before, unit, length, after }: Recipe): string {
  const [head, part, tail] = [before, unit, after].map((atoms) => atoms.join('')) as [string, string, string]
  const times = Math.max(0, Math.floor((length - 3 - head.length - tail.length) / part.length))
  return `/a/${head}${part.repeat(times)}${tail}`
}
