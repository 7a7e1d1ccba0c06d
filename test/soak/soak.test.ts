import { beforeAll, expect, it } from 'vitest'
import { findServer } from '../../scripts/servers.ts'
import { describeRedis } from '../support/redis.ts'
import { type SoakReport, soak, worded } from './soak.ts'
import { KINDS } from './traffic.ts'

const MINUTES = 2
const seed = Number(process.env['POSTERN_SEED'] ?? 20261121)
const traefik = await findServer('traefik')
if ('missing' in traefik && process.env['CI'] === 'true') throw new Error(traefik.missing)
if ('missing' in traefik) console.warn(`skipped, the soak: ${traefik.missing}`)

await describeRedis(`two minutes of everything at once, seed ${seed}`, () => {
  let report: SoakReport
  beforeAll(async () => {
    if ('missing' in traefik) return
    report = await soak({ minutes: MINUTES, seed, workers: 1, period: 25_000, root: process.cwd() })
  }, 300_000)

  it.skipIf('missing' in traefik)(
    'no verdict, arrival, record, limit or log line was wrong, and nothing grew',
    () => {
      expect(report.violations.map(worded)).toEqual([])
      expect(report.found).toBe(0)
    },
  )

  it.skipIf('missing' in traefik)(
    'every class of requests came, and so did everything that the operator does',
    () => {
      for (const kind of KINDS) expect(report.answers[kind], kind).toBeDefined()
      const deeds = [
        'store restarted',
        'store killed and emptied',
        'changed reload',
        'refused reload',
        'revoked',
        'banned',
      ]
      for (const deed of [
        ...deeds,
        'key: create',
        'client_banned',
        'store_emptied',
        'issuer changed its keys',
      ])
        expect(report.deeds[deed], deed).toBeGreaterThan(0)
      expect(report.arrived).toBeGreaterThan(1000)
    },
  )
})
