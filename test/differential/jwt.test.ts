/**
 * JWT acceptance, judged side by side by Postern, by fast-jwt, which shares no code with jose, and by a reference that
 * was written from the RFCs. For every algorithm, honest tokens and forgeries by class.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALGORITHMS } from '../../src/credentials/jwt/algorithms.ts'
import { algorithmForgeries } from './jwt/forgeries/algorithms.ts'
import { claimForgeries } from './jwt/forgeries/claims.ts'
import { encodingForgeries } from './jwt/forgeries/encodings.ts'
import { headerForgeries } from './jwt/forgeries/headers.ts'
import { signatureForgeries } from './jwt/forgeries/signatures.ts'
import { type Forgery, good, headerOf } from './jwt/forgery.ts'
import { judgesOf, type Verdicts } from './jwt/judges.ts'
import { ringJudges } from './jwt/ring.ts'
import { Smith } from './jwt/smith.ts'
import { PAGE, type Tally, withClasses } from './jwt/table.ts'

const FORGERIES: readonly Forgery[] = [
  ...[algorithmForgeries, signatureForgeries, encodingForgeries, headerForgeries, claimForgeries].flat(),
]
const RUNS = 2

const smiths = ALGORITHMS.map((algorithm) => new Smith(algorithm))
const judges = new Map(smiths.map((smith) => [smith, judgesOf(smith)]))

const tallies = new Map<Forgery, Tally>()

/** What is wrong with the verdicts on one token; null when nothing is. */
function wrong({ fate, stricter }: Forgery, { postern, second, fault }: Verdicts): string | null {
  if (postern !== null && fault !== null) return `Postern takes what the RFCs refuse (${fault})`
  if (postern !== null && second === null) return 'Postern takes what fast-jwt refuses'
  if (postern !== null && postern !== second) return 'the two name different principals'
  if (fate === 'refused' && postern !== null) return 'Postern takes it'
  if (fate === 'accepted' && postern === null) return 'Postern refuses it'
  if (fate === 'judged' && (postern === null) !== (fault !== null))
    return `the reference says ${fault ?? 'good'}`
  if (postern === null && stricter === undefined && (second !== null || fault === null))
    return 'Postern refuses what others take, and nobody said why'
  return null
}

describe('JWT acceptance beside a second implementation and the RFCs', { timeout: 120_000 }, () => {
  it.each(FORGERIES.map((forgery) => [forgery.name, forgery] as const))('%s', async (_, forgery) => {
    const tally: Tally = { tokens: 0, postern: 0, second: 0, reference: 0 }
    for (const smith of smiths) {
      const judge = judges.get(smith)
      for (const [variant, forge] of Object.entries(forgery.variants)) {
        const property = fc.asyncProperty(good, async (from) => {
          const token = forge(smith, from)
          if (token === null) return
          const verdicts = (await judge?.(token)) as Verdicts
          tally.tokens++
          if (verdicts.postern !== null) tally.postern++
          if (verdicts.second !== null) tally.second++
          if (verdicts.fault === null) tally.reference++
          const fault = wrong(forgery, verdicts)
          if (fault !== null) throw new Error(`${smith.algorithm}, ${variant}: ${fault}\n${token}`)
        })
        await fc.assert(property, { numRuns: forgery.runs ?? RUNS })
      }
    }
    expect(tally.tokens).toBeGreaterThan(0)
    const others = tally.second + tally.reference - 2 * tally.postern
    if (forgery.stricter !== undefined)
      expect(others, 'a difference that is none any more').toBeGreaterThan(0)
    tallies.set(forgery, tally)
  })

  it('one key set for all algorithms: a token passes under its own algorithm, name and key alone', async () => {
    const [from] = fc.sample(good, 1)
    if (from === undefined) throw new Error('no honest token')
    const judge = ringJudges(smiths.filter(({ publicKey }) => publicKey !== null))
    for (const signer of smiths) {
      for (const { algorithm } of smiths) {
        for (const { algorithm: kid } of smiths) {
          const token = signer.token({ ...headerOf(signer, from), alg: algorithm, kid }, from.claims)
          const { postern, second } = await judge(token)
          const right = signer.publicKey !== null && signer.algorithm === algorithm && algorithm === kid
          const told = `signed by ${signer.algorithm}, alg ${algorithm}, kid ${kid}`
          expect([postern !== null, second !== null], told).toEqual([right, right])
        }
      }
    }
  })

  it('docs/security/differential.md says what was found', async () => {
    const seed = process.env['POSTERN_SEED']
    // Another seed, or a part of the classes, is another run than the one that the page tells of.
    if (seed !== undefined || tallies.size < FORGERIES.length) return
    const page = join(import.meta.dirname, '..', '..', PAGE)
    // `npx vitest run test/differential/jwt.test.ts -u` writes it.
    await expect(withClasses(readFileSync(page, 'utf8'), tallies)).toMatchFileSnapshot(page)
  })
})
