import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EXPLAINED } from '../scripts/mutation/explained.ts'

const read = (file: string) =>
  readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').replace(/\s+/g, ' ')

describe('what is said of mutants that survive', () => {
  it.each(EXPLAINED.map(({ why, mutants }) => [why, mutants] as const))(
    'is about source that is still there: %s',
    (_, mutants) => {
      for (const [file, , ...originals] of mutants)
        for (const original of originals) expect(read(file)).toContain(original)
    },
  )

  it('is said once of each', () => {
    const all = EXPLAINED.flatMap(({ mutants }) =>
      mutants.flatMap(([file, mutator, ...originals]) => originals.map((one) => `${file} ${mutator} ${one}`)),
    )
    expect(all.filter((one, index) => all.indexOf(one) !== index)).toEqual([])
  })
})
