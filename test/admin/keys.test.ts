import { describe, expect, it } from 'vitest'
import { keyView } from '../../src/admin/key-view.ts'
import { formOf } from '../../src/credentials/api-key/form.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { strong } from '../support/policy.ts'
import { type Admin, adminOf, DAY, FACTS, OTHER, PEPPER, READER } from './support.ts'

const create = (admin: Admin, body: object = {}, headers: Record<string, string> = {}) =>
  admin.ask('POST', '/v1/keys', { body: { owner: 'bot', roles: ['user'], ...body }, headers })

const digestOf = (key: string) => `hmac-sha256:v2:${hmacSha256(PEPPER, key)}`

describe('making a key', () => {
  it('shows it once, in the form of the policy, and keeps only its digest under the last pepper', async () => {
    const admin = adminOf()
    const made = await create(admin, { tenant: 'acme', networks: ['10.0.0.0/8'] })
    expect(made.status).toBe(201)
    expect(formOf(made.body.key, 'ak_live')).toBe('own')
    expect(made.body).toMatchObject({
      owner: 'bot',
      status: 'active',
      environment: 'live',
      tenant: 'acme',
      version: 1,
    })
    expect(made.headers.get('etag')).toBe('"1"')
    const entry = await admin.store.find('key', [digestOf(made.body.key)])
    expect(entry).toMatchObject({ id: made.body.id, owner: 'bot', expires: null })
    expect(entry?.body).not.toContain(made.body.key)
    const shown = await admin.ask('GET', `/v1/keys/${made.body.id}`)
    expect(keyView.parse(shown.body).id).toBe(made.body.id)
  })

  it('tells everything that is wrong at once, whatever kind of mistake it is', async () => {
    const { status, body } = await create(adminOf(), {
      roles: ['usr', 'user', 'user'],
      limits: ['per-tenant'],
      networks: ['10.0.0.1/8'],
      expires: '2020-01-01T00:00:00Z',
      permission: ['x:y'],
    })
    expect(status).toBe(400)
    expect(body.problems).toEqual(
      expect.arrayContaining([
        { path: 'networks[0]', message: expect.stringContaining('is not a network') },
        { path: 'permission', message: 'is not a known field: did you mean `permissions`?' },
        { path: 'roles[0]', message: '`usr` is not a role: did you mean `user`?' },
        { path: 'roles[2]', message: '`user` stands there twice: leave one out' },
        { path: 'limits[0]', message: '`per-tenant` is not a limit: known: per-principal' },
        { path: 'expires', message: expect.stringContaining('is in the past') },
      ]),
    )
    expect(body.problems).toHaveLength(6)
  })

  it('takes no id that the policy file or another key has', async () => {
    const admin = adminOf()
    expect((await create(admin, { id: 'build-bot' })).body.problems[0].path).toBe('id')
    expect((await create(admin, { id: 'mine' })).status).toBe(201)
    const again = await create(admin, { id: 'mine' })
    expect([again.status, again.body.problems[0].path]).toEqual([409, 'id'])
  })

  it('refuses a time that ends before it begins', async () => {
    const { body } = await create(adminOf(), {
      notBefore: '2027-02-01T00:00:00Z',
      expires: '2027-01-01T00:00:00Z',
    })
    expect(body.problems).toEqual([
      { path: 'notBefore', message: 'leaves no time: `notBefore` must be earlier than `expires`' },
    ])
  })

  it('is refused where the policy has no peppers, with what is missing', async () => {
    const without = adminOf({ apiKeys: null })
    const bare = adminOf({ apiKeys: { prefix: 'ak', peppers: [], policyKeys: new Map() } })
    expect((await create(without)).body.detail).toContain('no `apiKeys`')
    expect((await create(bare)).body.detail).toContain('no pepper')
  })

  it('is refused when the pepper has another secret than the keys in the store were made with', async () => {
    const admin = adminOf()
    await create(admin)
    admin.set({
      apiKeys: { prefix: 'ak_live', peppers: [['v2', strong('stranger')]], policyKeys: new Map() },
    })
    const { status, body } = await create(admin)
    expect([status, body.detail]).toEqual([409, expect.stringContaining('Pepper v2 has another secret')])
  })
})

describe('an idempotency key', () => {
  const headers = { 'idempotency-key': 'a-request-of-mine' }

  it('brings the very same answer for a day, the key included, though the key is stored nowhere', async () => {
    const admin = adminOf()
    const first = await create(admin, { expires: '2026-11-21T13:00:00Z' }, headers)
    await admin.ask('POST', `/v1/keys/${first.body.id}/revoke`)
    admin.pass(DAY - 1000)
    const again = await create(admin, { expires: '2026-11-21T13:00:00Z' }, headers)
    expect([again.status, again.text]).toEqual([first.status, first.text])
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const stored = await admin.store.list('idempotency', { after: null, limit: 10, owner: null })
    expect(stored).toHaveLength(1)
    expect(JSON.stringify(stored)).not.toContain(first.body.key)
    expect(JSON.stringify(stored)).not.toContain(headers['idempotency-key'])
    admin.pass(2000)
    const { body } = await create(admin, {}, headers)
    expect(body.id).not.toBe(first.body.id)
  })

  it('belongs to one request: another body is 422', async () => {
    const admin = adminOf()
    await create(admin, {}, headers)
    expect((await create(admin, { tenant: 'acme' }, headers)).status).toBe(422)
  })

  it('belongs to the token that sent it', async () => {
    const admin = adminOf()
    const mine = await create(admin, {}, headers)
    const theirs = await admin.ask('POST', '/v1/keys', {
      token: OTHER,
      body: { owner: 'bot', roles: ['user'] },
      headers,
    })
    expect(theirs.status).toBe(201)
    expect(theirs.body.key).not.toBe(mine.body.key)
  })

  it('makes one key of many requests at once', async () => {
    const admin = adminOf()
    const all = await Promise.all(Array.from({ length: 20 }, () => create(admin, {}, headers)))
    expect(new Set(all.map(({ text }) => text)).size).toBe(1)
    expect((await admin.ask('GET', '/v1/keys')).body.items).toHaveLength(1)
  })

  it('makes one rotation of many requests at once', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        admin.ask('POST', `/v1/keys/${body.id}/rotate`, { body: { overlap: '1h' }, headers }),
      ),
    )
    expect(new Set(all.map(({ text }) => text)).size).toBe(1)
    expect((await admin.ask('GET', `/v1/keys/${body.id}`)).body).toMatchObject({ version: 2 })
  })

  it('cannot bring a key back whose pepper is gone, and says so', async () => {
    const admin = adminOf()
    await create(admin, {}, headers)
    admin.set({
      apiKeys: { prefix: 'ak_live', peppers: [['v3', strong('newest')]], policyKeys: new Map() },
    })
    const { status, body } = await create(admin, {}, headers)
    expect([status, body.detail]).toEqual([409, expect.stringContaining('pepper v2')])
  })
})

describe('changing a key', () => {
  it('lets one of two win that have read the same version', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const change = (description: string) =>
      admin.ask('PATCH', `/v1/keys/${body.id}`, { body: { description }, headers: { 'if-match': '"1"' } })
    const [one, two] = await Promise.all([change('one'), change('two')])
    expect([one.status, two.status].sort()).toEqual([200, 412])
    const { body: now } = await admin.ask('GET', `/v1/keys/${body.id}`)
    expect(now).toMatchObject({ version: 2, description: one.status === 200 ? 'one' : 'two' })
  })

  it('deletes the version that is meant, or nothing, whoever comes in between', async () => {
    let between: (() => Promise<unknown>) | null = null
    const store = new MemoryStore({ micros: () => 1, random32: () => 7 })
    const apply = store.apply.bind(store)
    store.apply = async (...given) => {
      const first = between
      between = null
      await first?.()
      return apply(...given)
    }
    const admin = adminOf({}, store)
    const { body } = await create(admin)
    const path = `/v1/keys/${body.id}`
    between = () => admin.ask('PATCH', path, { body: { description: 'x' }, headers: { 'if-match': '"1"' } })
    expect((await admin.ask('DELETE', path, { headers: { 'if-match': '"1"' } })).status).toBe(412)
    expect((await admin.ask('GET', path)).body).toMatchObject({ version: 2, description: 'x' })
  })

  it('asks for the version that is meant', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const change = (headers: Record<string, string>) =>
      admin.ask('PATCH', `/v1/keys/${body.id}`, { body: { roles: ['admin'] }, headers })
    expect((await change({})).status).toBe(428)
    expect((await change({ 'if-match': '"7"' })).status).toBe(412)
    expect((await change({ 'if-match': 'W/"1"' })).status).toBe(400)
    expect((await change({ 'if-match': '*' })).status).toBe(200)
  })

  it('touches only what is named, and takes a value away with null', async () => {
    const admin = adminOf()
    const { body } = await create(admin, { tenant: 'acme', description: 'for builds' })
    const { body: changed } = await admin.ask('PATCH', `/v1/keys/${body.id}`, {
      body: { tenant: null },
      headers: { 'if-match': '"1"' },
    })
    expect(changed).toMatchObject({ tenant: null, description: 'for builds', roles: ['user'], owner: 'bot' })
  })

  it('holds only what is changed against the policy of today', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    admin.set({ roles: new Set(['admin']) })
    const patch = (fields: object, version: number) =>
      admin.ask('PATCH', `/v1/keys/${body.id}`, { body: fields, headers: { 'if-match': `"${version}"` } })
    expect((await patch({ description: 'x' }, 1)).status).toBe(200)
    expect((await patch({ roles: ['user'] }, 2)).status).toBe(400)
  })

  it('says of a key in the policy file that it is changed there', async () => {
    const { status, body } = await adminOf().ask('POST', '/v1/keys/build-bot/revoke')
    expect([status, body.detail]).toEqual([409, expect.stringContaining('policy file')])
  })
})

describe('rotating a key', () => {
  const rotate = (admin: Admin, id: string, overlap?: string) =>
    admin.ask('POST', `/v1/keys/${id}/rotate`, overlap === undefined ? {} : { body: { overlap } })
  const verdict = async (admin: Admin, key: string) =>
    (await admin.ask('POST', '/v1/keys/verify', { body: { key } })).body.verdict

  it('keeps id and owner, and both secrets for the overlap', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const { body: next } = await rotate(admin, body.id, '1h')
    expect(next).toMatchObject({ id: body.id, owner: 'bot' })
    expect(next.key).not.toBe(body.key)
    expect([await verdict(admin, body.key), await verdict(admin, next.key)]).toEqual(['good', 'good'])
    admin.pass(3_600_000)
    expect([await verdict(admin, body.key), await verdict(admin, next.key)]).toEqual(['replaced', 'good'])
  })

  it('never lets a secret live longer than it would have', async () => {
    const admin = adminOf()
    const { body } = await create(admin, { expires: '2026-11-21T14:00:00Z' })
    const { body: next } = await rotate(admin, body.id, '7d')
    expect(next.expires).toBe('2026-11-21T14:00:00Z')
    expect(next.secrets[0].until).toBe('2026-11-21T14:00:00.000Z')
    await rotate(admin, body.id, '1h')
    const { body: third } = await rotate(admin, body.id, '3h')
    expect(third.secrets.map(({ until }: { until: string | null }) => until)).toEqual([
      '2026-11-21T13:00:00.000Z',
      '2026-11-21T13:00:00.000Z',
      '2026-11-21T14:00:00.000Z',
      null,
    ])
  })

  it('ends the old secret at once with an overlap of 0s', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const { body: next } = await rotate(admin, body.id, '0s')
    expect(next.secrets).toHaveLength(1)
    expect(await verdict(admin, body.key)).toBe('unknown')
  })

  it('overlaps by a day unless told otherwise, and holds eight secrets at most', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const { body: next } = await rotate(admin, body.id)
    expect(next.secrets[0].until).toBe('2026-11-22T12:00:00.000Z')
    for (let i = 0; i < 6; i++) expect((await rotate(admin, body.id)).status).toBe(200)
    expect((await rotate(admin, body.id)).status).toBe(409)
    expect((await rotate(admin, body.id, '0s')).status).toBe(200)
  })

  it('makes the new secret with the newest pepper', async () => {
    const admin = adminOf({
      apiKeys: { prefix: 'ak_live', peppers: [['v1', strong('older')]], policyKeys: new Map() },
    })
    const { body } = await create(admin)
    expect(body.secrets[0].pepper).toBe('v1')
    admin.set({ apiKeys: FACTS.apiKeys })
    const { body: next } = await rotate(admin, body.id)
    expect(next.secrets.map(({ pepper }: { pepper: string }) => pepper)).toEqual(['v1', 'v2'])
    expect(await verdict(admin, body.key)).toBe('good')
  })
})

describe('the end of a key', () => {
  it('is for good when it is revoked: nothing brings it back', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const path = `/v1/keys/${body.id}`
    expect((await admin.ask('POST', `${path}/revoke`)).body).toMatchObject({ status: 'revoked', version: 2 })
    expect((await admin.ask('POST', `${path}/revoke`)).body).toMatchObject({ version: 2 })
    const patch = { body: { expires: null }, headers: { 'if-match': '"2"' } }
    expect((await admin.ask('PATCH', path, patch)).status).toBe(409)
    expect((await admin.ask('POST', `${path}/rotate`)).status).toBe(409)
    expect((await admin.ask('POST', '/v1/keys/verify', { body: { key: body.key } })).body.verdict).toBe(
      'revoked',
    )
  })

  it('leaves nothing when it is deleted', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const path = `/v1/keys/${body.id}`
    expect((await admin.ask('DELETE', path, { headers: { 'if-match': '"2"' } })).status).toBe(412)
    expect((await admin.ask('DELETE', path)).status).toBe(204)
    expect((await admin.ask('DELETE', path)).status).toBe(404)
    expect(await admin.store.find('key', [digestOf(body.key)])).toBeNull()
  })
})

describe('looking at keys', () => {
  it('walks through all of them page by page, each once, all or those of one owner', async () => {
    const admin = adminOf()
    for (let i = 0; i < 7; i++) await create(admin, { owner: i % 2 === 0 ? 'even' : 'odd', id: `k${i}` })
    const walk = async (query: string) => {
      const ids: string[] = []
      let next: string | null = null
      do {
        const cursor: string = next === null ? '' : `&after=${next}`
        const { body }: { body: { items: { id: string }[]; next: string | null } } = await admin.ask(
          'GET',
          `/v1/keys?limit=2${query}${cursor}`,
        )
        expect(body.items.length).toBeLessThanOrEqual(2)
        ids.push(...body.items.map(({ id }) => id))
        next = body.next
      } while (next !== null)
      return ids
    }
    expect(await walk('')).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6'])
    expect(await walk('&owner=odd')).toEqual(['k1', 'k3', 'k5'])
    expect(await walk('&owner=nobody')).toEqual([])
  })

  it('tells when each was used last, and where it stands in its life', async () => {
    const admin = adminOf()
    await create(admin, { id: 'early', notBefore: '2026-12-01T00:00:00Z' })
    await create(admin, { id: 'short', expires: '2026-11-21T12:30:00Z' })
    await admin.store.touch(new Map([['short', Math.floor(admin.now() / 60_000)]]))
    const status = async (id: string) => (await admin.ask('GET', `/v1/keys/${id}`)).body
    expect(await status('early')).toMatchObject({ status: 'not_yet_valid', lastUsed: null })
    expect(await status('short')).toMatchObject({ status: 'active', lastUsed: '2026-11-21T12:00:00.000Z' })
    admin.pass(1_800_000)
    expect((await status('short')).status).toBe('expired')
  })
})

describe('verifying a key', () => {
  it('says for every key why it would not be taken, to readers too', async () => {
    const admin = adminOf()
    const { body } = await create(admin)
    const verdict = async (key: string) =>
      (await admin.ask('POST', '/v1/keys/verify', { token: READER, body: { key } })).body.verdict
    const mangled = `${body.key.slice(0, 20)}${body.key[20] === 'a' ? 'b' : 'a'}${body.key.slice(21)}`
    expect(await verdict(body.key)).toBe('good')
    expect(await verdict(mangled)).toBe('checksum')
    expect(await verdict(body.key.slice(0, -1))).toBe('shape')
    expect(await verdict('sk_live_nothing')).toBe('prefix')
    expect(await verdict(`ak_live_${'0'.repeat(32)}`)).toBe('unknown')
    admin.set({
      apiKeys: { prefix: 'ak_live', peppers: [['v9', strong('strange')]], policyKeys: new Map() },
    })
    expect(await verdict(body.key)).toBe('tag')
  })

  it('knows keys of the policy file', async () => {
    const key = `ak_live_${'ab'.repeat(16)}`
    const { sha256Hex } = await import('../../src/ports/node-crypto.ts')
    const policyKeys = new Map([[`sha256:${sha256Hex(key)}`, 'old-cli']])
    const admin = adminOf({ apiKeys: { prefix: 'ak_live', peppers: [], policyKeys } })
    const { body } = await admin.ask('POST', '/v1/keys/verify', { body: { key } })
    expect(body).toMatchObject({ verdict: 'good', source: 'policy', id: 'old-cli', record: null })
  })
})
