/** What no table of paths can hold: all that can be put together of the pieces of such attacks. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serviceOf } from '../support/service.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { POLICY, proxiesWith, VARIABLES } from './stage.ts'

const PIECES = [
  ...[
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%252e',
    '%2f',
    '%252f',
    '%5c',
    ';',
    ';a',
    '%3b',
    '%3f',
    '%23',
    'public',
    'PUBLIC',
  ],
  ...['admin', 'Admin', '%61dmin', 'x', '%20', '%C2%AD', '%00', '\\', '%c0%ae', '%u002e', '%ef%bc%8f', '~'],
]

it(titled(attack('P01'), 'no path put together of such pieces climbs out of the public tree'), async () => {
  const one = serviceOf(JSON.stringify({ ...POLICY, proxies: proxiesWith({ peers: ['127.0.0.1'] }) }), {
    variables: VARIABLES,
  })
  let passed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), async (pieces) => {
      const { trueStatus } = await one.ask({ target: `/public/${pieces.join('')}` })
      if (trueStatus !== 200) return
      passed++
      // The crudest reading that there is: decode until nothing changes, then look for a climb.
      let text = pieces.join('')
      for (let times = 0; times < 4; times++)
        text = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
      for (const reading of [text, text.split(/[?#]/)[0]])
        expect(reading).not.toMatch(/(?:^|[/\\])\.\.?(?:[/\\;]|$)/)
    }),
    { numRuns: 2000 },
  )
  expect(passed).toBeGreaterThan(50)
})
