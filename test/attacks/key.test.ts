/** Attacks on API keys that are no single request. */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { mintKey } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { serviceOf } from '../support/service.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { KEYS, key, PEPPER } from './forge.ts'
import { POLICY, proxiesWith, VARIABLES } from './stage.ts'

const named = (id: string, says: string) => titled(attack(id), says)
const policy = JSON.stringify({ ...POLICY, proxies: proxiesWith({ peers: ['127.0.0.1'] }) })
const random = () => randomBytes(1)[0] ?? 0

it(named('K05', 'every failure of a key looks the same from outside'), async () => {
  const service = serviceOf(policy, { variables: VARIABLES })
  const bad = [
    ...[
      KEYS.past,
      KEYS.future,
      KEYS.unknown,
      KEYS.live,
      'x',
      `${KEYS.bot}x`,
      KEYS.bot.slice(0, -1),
      `ak_${'a'.repeat(32)}`,
    ],
    ...[
      mintKey('ak', '', 'another pepper', hmacSha256, random),
      mintKey('zz', '', PEPPER, hmacSha256, random),
      'k'.repeat(300),
    ],
  ]
  const answers = new Set<string>()
  for (const text of bad) {
    const { status, headers, body } = await service.ask({ target: '/docs/x', headers: [key(text)] })
    expect(status).toBe(401)
    answers.add(
      JSON.stringify([[...headers].filter(([name]) => name !== 'date'), body.replace(/urn:uuid:[^"]*/, '')]),
    )
  }
  expect([...answers]).toHaveLength(1)
})

it(named('K05', 'a key that cannot be looked up is 503, and never an allow'), async () => {
  const lost = {
    imported: true,
    find: () => ({ is: 'unavailable' as const, cause: new Error('no answer') }),
    used: () => {},
  }
  const service = serviceOf(policy, { variables: VARIABLES, outside: { keys: lost as never } })
  const status = async (text: string) =>
    (await service.ask({ target: '/docs/x', headers: [key(text)] })).trueStatus
  expect(await status(KEYS.unknown)).toBe(503)
  expect(await status(`ak_${'a'.repeat(32)}`)).toBe(503)
  // Of these the policy itself knows enough.
  expect(await status(KEYS.bot)).toBe(200)
  expect(await status(KEYS.past)).toBe(401)
  expect(await status('x')).toBe(401)
})
