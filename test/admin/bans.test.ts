import { describe, expect, it } from 'vitest'
import { banView } from '../../src/admin/bans.ts'
import { ban } from '../../src/state/ban.ts'
import { type Admin, adminOf } from './support.ts'

const add = (admin: Admin, body: object) => admin.ask('POST', '/v1/bans', { body })
const networks = async (admin: Admin) =>
  (await admin.ask('GET', '/v1/bans')).body.items.map(({ network }: { network: string }) => network)

describe('a ban', () => {
  it('holds for an address or a network, for a while or until it is lifted', async () => {
    const admin = adminOf()
    const hour = await add(admin, { network: '192.0.2.7', duration: '1h', reason: 'guessing' })
    expect(hour.status).toBe(201)
    expect(banView.parse(hour.body)).toMatchObject({
      network: '192.0.2.7/32',
      until: '2026-11-21T13:00:00.000Z',
      level: 0,
      by: 'ops',
    })
    await add(admin, { network: '2001:DB8:0::/32', duration: null })
    expect(await networks(admin)).toEqual(['192.0.2.7/32', '2001:db8::/32'])
    const [entry] = await admin.store.get('ban', ['192.0.2.7/32'])
    expect(ban.parse(JSON.parse(entry?.body ?? ''))).toMatchObject({ network: '192.0.2.7/32', level: 0 })
    admin.pass(3_600_000)
    expect(await networks(admin)).toEqual(['2001:db8::/32'])
    expect((await admin.ask('DELETE', '/v1/bans?network=2001:db8::/32')).status).toBe(204)
    expect(await networks(admin)).toEqual([])
  })

  it('takes the place of an earlier one, however the address is written', async () => {
    const admin = adminOf()
    await add(admin, { network: '192.0.2.7', duration: null })
    const again = await add(admin, { network: '::ffff:192.0.2.7', duration: '5m' })
    expect([again.status, again.body.until]).toEqual([200, '2026-11-21T12:05:00.000Z'])
    expect(await networks(admin)).toEqual(['192.0.2.7/32'])
    expect((await admin.ask('DELETE', '/v1/bans?network=192.0.2.7')).status).toBe(204)
  })

  it('is refused when it is none: no network, all of them, or without a word on how long', async () => {
    const admin = adminOf()
    const refused: [object, string][] = [
      [{ network: '10.0.0.1/8', duration: '1h' }, 'network'],
      [{ network: 'example.com', duration: '1h' }, 'network'],
      [{ network: '0.0.0.0/0', duration: '1h' }, 'network'],
      [{ network: '::/0', duration: null }, 'network'],
      [{ network: '10.0.0.1', duration: 'forever' }, 'duration'],
      [{ network: '10.0.0.1', duration: '0s' }, 'duration'],
      [{ network: '10.0.0.1' }, 'duration'],
    ]
    for (const [body, path] of refused) {
      const answer = await add(admin, body)
      expect([body, answer.status, answer.body.problems[0]?.path]).toEqual([body, 400, path])
    }
    expect(await networks(admin)).toEqual([])
  })

  it('is lifted only by its own name', async () => {
    const admin = adminOf()
    await add(admin, { network: '10.0.0.0/24', duration: null })
    const { status, body } = await admin.ask('DELETE', '/v1/bans?network=10.0.0.1')
    expect([status, body.detail]).toEqual([404, expect.stringContaining('10.0.0.1/32')])
    expect((await admin.ask('DELETE', '/v1/bans')).status).toBe(400)
  })
})
