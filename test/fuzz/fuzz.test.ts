/**
 * The short pass over every target: what once failed first, then the corpus and as many made inputs as there is time
 * for. Fixed seed and number, so that it is the same for everybody; `npm run fuzz` goes on from there.
 */
import { describe, expect, it } from 'vitest'
import { campaign, replay } from './campaign.ts'
import { Cost } from './cost.ts'
import { corpusOf, foundOf, inputIn } from './findings.ts'
import { TARGETS } from './targets/index.ts'

const SEED = Number(process.env['POSTERN_SEED'] ?? 20261121)

/** Inputs that take about two seconds on a quiet machine. */
const RUNS: Readonly<Record<string, number>> = {
  policy: 250,
  admin: 1200,
  token: 1500,
  wire: 1200,
  fields: 1500,
}
const OTHERS = 2500

const BOUND = 240_000

describe.each(TARGETS.map((target) => ({ name: target.name, target })))(
  'the fuzz of $name',
  ({ name, target }) => {
    it(
      'finds nothing any more in what it found before',
      async () => {
        const cost = new Cost(target)
        for (const found of foundOf(name)) {
          const input = inputIn(found)
          const { failures } = await replay(target, input)
          const slow = found.failure.kind === 'time' ? await cost.judge(input) : null
          expect(slow === null ? failures : [...failures, slow], JSON.stringify(input)).toEqual([])
        }
      },
      BOUND,
    )

    it(
      `finds nothing in its corpus and ${RUNS[name] ?? OTHERS} inputs made from it (seed ${SEED})`,
      async () => {
        const corpus = corpusOf(name)
        const { findings, allowed } = await campaign(target, {
          seed: SEED,
          runs: corpus.length + target.seeds.length + (RUNS[name] ?? OTHERS),
          coverage: false,
          corpus,
        })
        expect(findings).toEqual([])
        // Where nothing passes, nothing can pass wrongly.
        expect(allowed).toBeGreaterThan(0)
      },
      BOUND,
    )
  },
)
