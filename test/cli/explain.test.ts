import { afterAll, describe, expect, it } from 'vitest'
import { deskOf } from './support.ts'

const desk = deskOf('memory')
desk.file(
  'place.yaml',
  `proxies: { traefik: { peers: [127.0.0.1/32] } }
store: memory
routes:
  home: { match: { path: /home }, countries: { allow: [DE] }, asns: { deny: [64496] }, credentials: [anonymous] }
`,
)
afterAll(() => desk.end())

const explain = (...args: string[]) =>
  desk.run(['explain', 'GET', 'https://app.example.com/home', '--policy', 'place.yaml', ...args])

describe('postern explain', () => {
  it('takes a client to be where it is said to be', async () => {
    const here = await explain('--country', 'DE', '--asn', 'AS64497')
    expect(here.code).toBe(0)
    expect(here.out).toMatch(/^allow \(200\) on route home$/m)
    for (const elsewhere of [['--country', 'FR'], ['--country', 'DE', '--asn', '64496'], []]) {
      const denied = await explain(...elsewhere)
      expect(denied.out).toMatch(/^networks +place_denied$/m)
      expect(denied.out).toMatch(/^deny \(403\): place_denied$/m)
    }
  })

  it.each([
    [['--country', 'Germany'], /--country "Germany" is not a country/],
    [['--asn', '0'], /--asn "0" is not the number of a network/],
  ])('refuses %j', async (args, problem) => {
    const refused = await explain(...args)
    expect(refused.code).toBe(2)
    expect(refused.err).toMatch(problem)
  })
})
