import { describe, expect, it } from 'vitest'
import { strong } from '../support/policy.ts'
import { adminOf, DAY } from './support.ts'

const OLD = ['v1', strong('older')] as const
const NEW = ['v2', strong('pepper')] as const
const facts = (...peppers: (readonly [string, string])[]) => ({
  apiKeys: { prefix: 'ak', peppers, policyKeys: new Map<string, string>() },
})

describe('a pepper', () => {
  it('is forgotten only once no key needs it, and never while it signs', async () => {
    const admin = adminOf(facts(OLD))
    await admin.ask('POST', '/v1/keys', { body: { owner: 'bot', id: 'one' } })
    await admin.ask('POST', '/v1/keys', { body: { owner: 'bot', id: 'two' } })
    expect((await admin.ask('DELETE', '/v1/peppers/v1')).status).toBe(409)

    admin.set(facts(OLD, NEW))
    await admin.ask('POST', '/v1/keys/one/rotate', { body: { overlap: '1d' } })
    await admin.ask('POST', '/v1/keys/two/revoke')
    expect((await admin.ask('GET', '/v1/peppers')).body.items).toEqual([
      { version: 'v1', inPolicy: true, signs: false, inStore: true },
      { version: 'v2', inPolicy: true, signs: true, inStore: true },
    ])
    const early = await admin.ask('DELETE', '/v1/peppers/v1')
    expect([early.status, early.body.detail]).toEqual([
      409,
      '1 key needs this pepper, as one: rotate them, or wait for their end.',
    ])
    admin.pass(DAY)
    expect((await admin.ask('DELETE', '/v1/peppers/v1')).status).toBe(204)
    expect((await admin.ask('DELETE', '/v1/peppers/v1')).status).toBe(404)
    admin.set(facts(NEW))
    expect((await admin.ask('GET', '/v1/peppers')).body.items).toEqual([
      { version: 'v2', inPolicy: true, signs: true, inStore: true },
    ])
  })
})
