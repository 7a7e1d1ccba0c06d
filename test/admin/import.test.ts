import { describe, expect, it } from 'vitest'
import { type Admin, adminOf, DAY, FACTS } from './support.ts'

const hex = (number: number) => number.toString(16).padStart(64, '0')
const record = (number: number, more: object = {}) => ({
  owner: `o${number}`,
  digest: `sha256:${hex(number)}`,
  ...more,
})
const bring = (admin: Admin, keys: readonly object[]) =>
  admin.ask('POST', '/v1/keys/import', { body: { keys } })
const count = async (admin: Admin) =>
  (await admin.store.list('key', { after: null, limit: 1000, owner: null })).length

describe('an import', () => {
  it('takes a thousand records at once', async () => {
    const admin = adminOf()
    const keys = Array.from({ length: 1000 }, (_, i) => record(i))
    expect((await bring(admin, keys)).body).toEqual({ created: 1000, skipped: 0 })
    expect(await count(admin)).toBe(1000)
    expect(admin.lines).toHaveLength(1)
  })

  it('lists every problem with its path and then takes nothing', async () => {
    const admin = adminOf()
    const keys: object[] = Array.from({ length: 20 }, (_, i) => record(i))
    keys[3] = record(3, { networks: ['10.0.0.0/33'] })
    keys[5] = record(5, { expires: '2020-01-01T00:00:00Z' })
    keys[7] = { ...record(7), digest: 'md5:abc' }
    keys[9] = { ...record(9), ownr: 'x' }
    keys[17] = record(17, { roles: ['usr'], limits: ['none'] })
    const { status, body } = await bring(admin, keys)
    expect(status).toBe(400)
    expect(body.problems.map(({ path }: { path: string }) => path).sort()).toEqual([
      'keys[17].limits[0]',
      'keys[17].roles[0]',
      'keys[3].networks[0]',
      'keys[5].expires',
      'keys[7].digest',
      'keys[9].ownr',
    ])
    expect(await count(admin)).toBe(0)
  })

  it('knows what is there twice, in the request, in the store and in the policy file', async () => {
    const admin = adminOf()
    await bring(admin, [record(1, { id: 'there' })])
    const { body } = await bring(admin, [
      record(2),
      record(2, { owner: 'x' }),
      record(3, { id: 'same' }),
      record(4, { id: 'same' }),
      record(5, { id: 'there' }),
      record(1, { id: 'fresh' }),
      { owner: 'y', digest: `sha256:${'e'.repeat(64)}` },
      record(6, { id: 'build-bot' }),
      { owner: 'z', digest: `hmac-sha256:v3:${hex(9)}` },
    ])
    expect(
      body.problems
        .map(({ path, message }: { path: string; message: string }) => `${path} ${message}`)
        .sort(),
    ).toEqual([
      'keys[1].digest is also that of keys[0]: leave one out',
      'keys[3].id is also that of keys[2]: take another one',
      'keys[4].id is the id of another key, or this one was imported with other fields',
      'keys[5].digest is that of another key already: leave it out',
      'keys[6].digest is that of `build-bot` in the policy file: leave one out',
      'keys[7].id stands in the policy file already: take another one',
      'keys[8].digest was made with pepper `v3`, which the policy does not have: did you mean `v1`?',
    ])
    expect(await count(admin)).toBe(1)
  })

  it('is nothing the second time, whatever became of the keys meanwhile', async () => {
    const admin = adminOf()
    const keys = [record(1, { id: 'one', roles: ['user'] }), record(2), record(3)]
    await bring(admin, keys)
    await admin.ask('PATCH', '/v1/keys/one', { body: { roles: [] }, headers: { 'if-match': '"1"' } })
    await admin.ask('POST', '/v1/keys/one/revoke')
    const again = await bring(admin, [...keys, record(4)])
    expect(again.body).toEqual({ created: 1, skipped: 3 })
    expect((await admin.ask('GET', '/v1/keys/one')).body).toMatchObject({ status: 'revoked', roles: [] })
    const other = await bring(admin, [record(2, { tenant: 'acme' })])
    expect([other.status, other.body.problems[0].path]).toEqual([400, 'keys[0].digest'])
  })

  it('is no more than a thousand records: ten thousand are told how many they are', async () => {
    const admin = adminOf()
    const { status, body } = await bring(
      admin,
      Array.from({ length: 10_000 }, () => ({ nonsense: true })),
    )
    expect(status).toBe(400)
    expect(body.problems).toEqual([
      { path: 'keys', message: 'holds 10000 records: 1000 at most in one request, so send them in parts' },
    ])
    expect((await bring(admin, [])).status).toBe(400)
  })

  it('gives one of two that bring the same at once the whole of it', async () => {
    const admin = adminOf()
    const keys = Array.from({ length: 50 }, (_, i) => record(i))
    const both = await Promise.all([bring(admin, keys), bring(admin, [...keys].reverse())])
    expect(both.map(({ status }) => status).every((status) => [200, 409].includes(status))).toBe(true)
    expect(both.map(({ body }) => body.created ?? 0).sort()).toEqual([0, 50])
    expect(await count(admin)).toBe(50)
  })

  it('brings keys under any pepper of the policy, and the store says which', async () => {
    const admin = adminOf()
    await bring(admin, [{ owner: 'a', digest: `hmac-sha256:v1:${hex(1)}` }, record(2)])
    const marks = await admin.store.list('meta', { after: null, limit: 10, owner: null })
    expect(marks.map(({ id }) => id).sort()).toEqual(['imported-digests', 'pepper:v1'])
    expect((await admin.ask('GET', '/v1/keys?owner=a')).body.items[0].secrets).toEqual([
      { start: null, pepper: 'v1', until: null },
    ])
  })

  it('can be rotated like any other key', async () => {
    const admin = adminOf()
    await bring(admin, [record(1, { id: 'old' })])
    const { body } = await admin.ask('POST', '/v1/keys/old/rotate', { body: { overlap: '1d' } })
    expect(body.secrets.map(({ pepper }: { pepper: string | null }) => pepper)).toEqual([null, 'v2'])
    admin.pass(DAY)
    expect((await admin.ask('GET', '/v1/keys/old')).body.secrets).toHaveLength(1)
    expect(FACTS.apiKeys?.peppers.at(-1)?.[0]).toBe('v2')
  })
})
