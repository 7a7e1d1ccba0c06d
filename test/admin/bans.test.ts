import { describe, expect, it } from 'vitest'
import { banView } from '../../src/admin/bans.ts'
import { type Network, parseNetwork } from '../../src/core/address.ts'
import type { Ban } from '../../src/state/ban.ts'
import { ban } from '../../src/state/ban.ts'
import { entryOf } from '../support/entries.ts'
import { type Admin, adminOf } from './support.ts'

const add = (admin: Admin, body: object) => admin.ask('POST', '/v1/bans', { body })
const networks = async (admin: Admin) =>
  (await admin.ask('GET', '/v1/bans')).body.items.map(({ network }: { network: string }) => network)

const networkIn = (text: string): Network => {
  const reading = parseNetwork(text)
  if (!reading.ok) throw new Error(text)
  return reading.network
}

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

  it('is refused for what the policy never bans, and taken for a wider network that holds some of it', async () => {
    const admin = adminOf({ spared: ['10.1.0.0/16', '2001:db8::/32'].map(networkIn) })
    for (const network of ['10.1.0.0/16', '10.1.2.0/24', '10.1.2.3', '2001:db8:1::/48']) {
      const answer = await add(admin, { network, duration: '1h' })
      expect([network, answer.status]).toEqual([network, 400])
      expect(answer.body.problems[0].message).toContain('which the policy never bans')
    }
    for (const network of ['10.0.0.0/8', '10.2.0.0/16', '2001:db9::/32'])
      expect((await add(admin, { network, duration: '1h' })).status).toBe(201)
  })

  it('of the penalty box is not listed when it has ended, although it is kept to tell the next one from a first', async () => {
    const admin = adminOf()
    const until = admin.now() + 600_000
    const ended: Ban = {
      v: 1,
      network: '192.0.2.7/32',
      until,
      level: 0,
      reason: 'wrong credentials',
      by: 'postern',
      created: admin.now(),
    }
    const put = entryOf('ban', ended.network, ended, { expires: until + 3_600_000 })
    await admin.store.apply([{ put, expected: 'any' }], null)
    expect(await networks(admin)).toEqual(['192.0.2.7/32'])
    admin.pass(600_000)
    expect(await networks(admin)).toEqual([])
    expect(await admin.store.get('ban', [ended.network])).not.toEqual([null])
  })

  it('is lifted only by its own name', async () => {
    const admin = adminOf()
    await add(admin, { network: '10.0.0.0/24', duration: null })
    const { status, body } = await admin.ask('DELETE', '/v1/bans?network=10.0.0.1')
    expect([status, body.detail]).toEqual([404, expect.stringContaining('10.0.0.1/32')])
    expect((await admin.ask('DELETE', '/v1/bans')).status).toBe(400)
  })
})
