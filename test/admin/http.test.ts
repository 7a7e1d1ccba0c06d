import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, it } from 'vitest'
import { MAX_BODY } from '../../src/admin/body.ts'
import { problemDocument } from '../../src/admin/reply.ts'
import { type Store, StoreFault } from '../../src/stores/contract.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { type Admin, adminOf, FACTS, PEPPER, READER, WRITER } from './support.ts'

const hex = (digit: string) => digit.repeat(64)

describe('who may use the admin API', () => {
  it('is nobody without a token, and nobody with a wrong one, whatever the path', async () => {
    const admin = adminOf()
    for (const path of ['/v1/keys', '/v1/nothing', '/v1/keys/x/rotate']) {
      const absent = await admin.ask('GET', path, { token: null })
      expect([absent.status, absent.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer realm="postern-admin"',
      ])
      const wrong = await admin.ask('GET', path, { token: `${WRITER}x` })
      expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer realm="postern-admin", error="invalid_token"',
      ])
    }
  })

  it('is nobody whose token is only its digest, comes twice, or by another scheme', async () => {
    const admin = adminOf()
    const digest = FACTS.tokens[0]?.digest ?? ''
    for (const authorization of [
      `Bearer ${digest}`,
      `Bearer ${WRITER}, Bearer ${WRITER}`,
      `Basic ${WRITER}`,
      `Bearer ${'x'.repeat(100_000)}`,
      'Bearer',
    ]) {
      const { status } = await admin.ask('GET', '/v1/keys', { token: null, headers: { authorization } })
      expect(status).toBe(401)
    }
  })

  it('lets readers look, and only writers change anything', async () => {
    const admin = adminOf()
    for (const path of ['/v1/keys', '/v1/revocations', '/v1/bans', '/v1/audit'])
      expect((await admin.ask('GET', path, { token: READER })).status).toBe(200)
    for (const [method, path] of [
      ['POST', '/v1/keys'],
      ['POST', '/v1/keys/import'],
      ['PATCH', '/v1/keys/x'],
      ['DELETE', '/v1/keys/x'],
      ['POST', '/v1/keys/x/rotate'],
      ['POST', '/v1/keys/x/revoke'],
      ['POST', '/v1/revocations'],
      ['DELETE', `/v1/revocations/rev_${'0'.repeat(24)}`],
      ['POST', '/v1/bans'],
      ['DELETE', '/v1/bans?network=10.0.0.1'],
    ] as const)
      expect([method, path, (await admin.ask(method, path, { token: READER, body: {} })).status]).toEqual([
        method,
        path,
        403,
      ])
    expect(admin.lines).toEqual([])
  })

  it('waits after too many wrong tokens, even with a right one, and may go on later', async () => {
    const admin = adminOf()
    for (let i = 0; i < 20; i++)
      expect((await admin.ask('GET', '/v1/keys', { token: `wrong-${i}` })).status).toBe(401)
    const refused = await admin.ask('GET', '/v1/keys')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '6'])
    admin.pass(6000)
    expect((await admin.ask('GET', '/v1/keys')).status).toBe(200)
  })

  it('may ask as often as the policy says, each token for itself', async () => {
    const admin = adminOf({ limit: { interval: 60_000_000, burst: 3 } })
    for (let i = 0; i < 3; i++) expect((await admin.ask('GET', '/v1/keys')).status).toBe(200)
    const refused = await admin.ask('GET', '/v1/keys')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    expect((await admin.ask('GET', '/v1/keys', { token: READER })).status).toBe(200)
    admin.pass(60_000)
    expect((await admin.ask('GET', '/v1/keys')).status).toBe(200)
  })
})

describe('what does not belong into a request', () => {
  const post = (admin: Admin, body: unknown, headers: Record<string, string> = {}) =>
    admin.ask('POST', '/v1/keys', { body, headers })

  it('is refused with a problem document that says where it is', async () => {
    const admin = adminOf()
    const hostile: [unknown, number, string | null][] = [
      ['', 400, null],
      ['{', 400, null],
      ['{"owner": "bot"', 400, null],
      ['[]', 400, ''],
      ['null', 400, ''],
      ['"bot"', 400, ''],
      ['{"owner": 7}', 400, 'owner'],
      ['{"owner": ""}', 400, 'owner'],
      [`{"owner": "${'x'.repeat(65)}"}`, 400, 'owner'],
      ['{"owner": "bot", "__proto__": {"roles": ["admin"]}}', 400, '__proto__'],
      ['{"owner": "bot", "constructor": {}}', 400, 'constructor'],
      ['{"owner": "bot", "roles": "user"}', 400, 'roles'],
      ['{"owner": "bot", "roles": [["user"]]}', 400, 'roles[0]'],
      ['{"owner": "bot", "networks": ["10.0.0.1/8"]}', 400, 'networks[0]'],
      ['{"owner": "bot", "networks": ["::ffff:10.0.0.0/8"]}', 400, 'networks[0]'],
      ['{"owner": "bot", "expires": "tomorrow"}', 400, 'expires'],
      ['{"owner": "bot", "expires": "2027-13-01T00:00:00Z"}', 400, 'expires'],
      ['{"owner": "bot", "expires": "2027-01-01T00:00:00"}', 400, 'expires'],
      ['{"owner": "bot", "expires": 1893456000}', 400, 'expires'],
      [`{"owner": "bot", "description": "${'x'.repeat(513)}"}`, 400, 'description'],
      [`${'['.repeat(500_000)}${']'.repeat(500_000)}`, 400, ''],
      [`{"owner":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`, 400, 'owner'],
    ]
    for (const [body, status, path] of hostile) {
      const answer = await post(admin, body)
      const label = String(body).slice(0, 60)
      expect([label, answer.status]).toEqual([label, status])
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      const document = problemDocument.parse(answer.body)
      if (path !== null) expect([label, document.problems.map((one) => one.path)]).toEqual([label, [path]])
    }
    expect((await admin.ask('GET', '/v1/keys')).body.items).toEqual([])
  })

  it('is refused by its size before it is read to the end, announced or not', async () => {
    const admin = adminOf()
    const announced = await post(admin, `"${'x'.repeat(MAX_BODY)}"`)
    expect([announced.status, announced.body.detail]).toEqual([413, expect.stringContaining('4194304')])
    let pulled = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
    const response = await admin.app.fetch(
      new Request('http://admin.test/v1/keys', {
        method: 'POST',
        headers: { authorization: `Bearer ${WRITER}`, 'content-type': 'application/json' },
        body,
        duplex: 'half',
      } as RequestInit),
    )
    expect(response.status).toBe(413)
    expect(pulled).toBeLessThan(MAX_BODY / 65_536 + 8)
  })

  it('is refused when it is not JSON by its own word, or not UTF-8', async () => {
    const admin = adminOf()
    expect((await post(admin, '{}', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post(admin, '{}', { 'content-type': 'application/json; charset=latin1' })).status).toBe(415)
    const response = await admin.app.fetch(
      new Request('http://admin.test/v1/keys', {
        method: 'POST',
        headers: { authorization: `Bearer ${WRITER}`, 'content-type': 'application/json' },
        body: new Uint8Array([
          ...new TextEncoder().encode('{"owner":"bot","description":"'),
          0xff,
          0x22,
          0x7d,
        ]),
      }),
    )
    expect(response.status).toBe(400)
  })

  it('does not cost more than its reading when it is a crowd of strange fields', async () => {
    const fields = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`field-${i}`, 1]))
    const long = { owner: 'bot', ['x'.repeat(1_000_000)]: 1 }
    for (const body of [fields, long]) {
      const { status, text } = await post(adminOf(), body)
      expect(status).toBe(400)
      expect(text.length).toBeLessThan(20_000)
    }
  })

  it('is refused in queries, paths and headers too', async () => {
    const admin = adminOf()
    for (const path of [
      '/v1/keys?limit=0',
      '/v1/keys?limit=501',
      '/v1/keys?limit=ten',
      '/v1/keys?limit=1&limit=2',
      '/v1/keys?ownr=bot',
      '/v1/keys?after=%00',
      '/v1/keys/%2e%2e%2fx',
      `/v1/keys/${'x'.repeat(65)}`,
    ])
      expect([path, (await admin.ask('GET', path)).status]).toEqual([path, 400])
    const odd = await post(admin, { owner: 'bot' }, { 'idempotency-key': 'two words' })
    expect([odd.status, odd.body.problems[0].path]).toEqual([400, 'idempotency-key'])
  })

  it('is answered by what the path knows when the method is another', async () => {
    const answer = await adminOf().ask('PUT', '/v1/keys')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET'])
    expect((await adminOf().ask('GET', '/v1/nothing')).status).toBe(404)
    expect((await adminOf().ask('GET', '/check/traefik', { token: null })).status).toBe(404)
  })
})

describe('what an answer shows', () => {
  it('is kept by no cache and read by no page, on every status', async () => {
    const admin = adminOf()
    for (const answer of [
      await admin.ask('GET', '/v1/keys'),
      await admin.ask('GET', '/v1/keys', { token: null }),
      await admin.ask('GET', '/nothing'),
      await admin.ask('DELETE', '/v1/keys/none'),
      await admin.ask('GET', '/openapi.json', { token: null }),
    ]) {
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  it('never holds a key after the one answer that made it, nor a digest, a pepper or a token', async () => {
    const admin = adminOf()
    const answers: string[] = []
    const ask: Admin['ask'] = async (...asked) => {
      const answer = await admin.ask(...asked)
      answers.push(answer.text, JSON.stringify([...answer.headers]))
      return answer
    }
    const made = await admin.ask('POST', '/v1/keys', { body: { owner: 'bot', id: 'k' } })
    const turned = await admin.ask('POST', '/v1/keys/k/rotate')
    const plain = hex('a')
    await ask('POST', '/v1/keys/import', { body: { keys: [{ owner: 'a', digest: `sha256:${plain}` }] } })
    await ask('POST', '/v1/keys/import', {
      body: { keys: [{ owner: 'b', digest: `sha256:${plain}`, id: 'other' }] },
    })
    await ask('POST', '/v1/keys/import', {
      body: { keys: [{ owner: 'b', digest: `hmac-sha256:v7:${plain}` }] },
    })
    await ask('POST', '/v1/keys/import', { body: { keys: [{ owner: 'b', digest: `${plain}x` }] } })
    await ask('POST', '/v1/keys', { body: `{"owner": "${made.body.key}"` })
    await ask('POST', '/v1/keys', { body: { owner: made.body.key, description: 7 } })
    await ask('POST', '/v1/keys/verify', { body: { key: made.body.key } })
    await ask('POST', '/v1/keys/verify', { body: { key: `${made.body.key}x` } })
    await ask('PATCH', '/v1/keys/k', { body: { description: 'x' }, headers: { 'if-match': '*' } })
    await ask('GET', '/v1/keys')
    await ask('GET', '/v1/keys/k')
    await ask('POST', '/v1/keys/k/revoke')
    await ask('DELETE', '/v1/keys/k')
    await ask('GET', '/v1/audit')
    await ask('GET', '/v1/keys', { token: `${WRITER}!` })
    const secrets = [made.body.key, turned.body.key, PEPPER, WRITER, plain]
    for (const token of FACTS.tokens) secrets.push(token.digest.slice(7))
    for (const key of [made.body.key, turned.body.key]) {
      const entry = [...admin.lines, ...(await admin.store.history(100)), ...admin.reports, ...answers]
      expect(entry.join('\n')).not.toContain(key.slice(0, 30))
    }
    const said = [...answers, ...admin.lines, ...admin.reports, ...(await admin.store.history(100))].join(
      '\n',
    )
    for (const secret of secrets) expect(said).not.toContain(secret)
  })
})

describe('every change', () => {
  it('is answered once this instance knows of it, so that its next decision goes by it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const admin = adminOf({}, undefined, () => promise)
    let answered = false
    const answer = admin.ask('POST', '/v1/bans', { body: { network: '192.0.2.0/24', duration: '1h' } })
    void answer.then(() => {
      answered = true
    })
    while (admin.changes() === 0) await new Promise((turn) => setImmediate(turn))
    for (let turns = 0; turns < 20; turns++) await new Promise((turn) => setImmediate(turn))
    expect(answered).toBe(false)
    resolve()
    expect((await answer).status).toBe(201)
  })

  it('is told as one line: who, what, before and after, and only what changed', async () => {
    const admin = adminOf()
    await admin.ask('POST', '/v1/keys', { body: { owner: 'bot', id: 'k', roles: ['user'] } })
    await admin.ask('PATCH', '/v1/keys/k', { body: { roles: ['admin'] }, headers: { 'if-match': '"1"' } })
    await admin.ask('PATCH', '/v1/keys/k', { body: { roles: ['admin'] }, headers: { 'if-match': '"2"' } })
    await admin.ask('POST', '/v1/keys/k/revoke')
    await admin.ask('DELETE', '/v1/keys/k')
    await admin.ask('DELETE', '/v1/keys/k')
    const lines = admin.lines.map((line) => JSON.parse(line))
    expect(lines.map(({ actor, action, target }) => [actor, action, target])).toEqual([
      ['ops', 'key.create', 'k'],
      ['ops', 'key.update', 'k'],
      ['ops', 'key.revoke', 'k'],
      ['ops', 'key.delete', 'k'],
    ])
    expect(lines[1]).toEqual({
      event: 'admin',
      time: '2026-11-21T12:00:00.000Z',
      actor: 'ops',
      action: 'key.update',
      target: 'k',
      before: { roles: ['user'] },
      after: { roles: ['admin'] },
    })
    expect(admin.changes()).toBe(4)
    const { body } = await admin.ask('GET', '/v1/audit?limit=2')
    expect(body.items).toEqual([lines[3], lines[2]])
    for (const line of admin.lines) expect(line).not.toContain('\n')
  })
})

/** A store that does what it is told until it is broken. */
function breaking(): { readonly store: Store; break(code: StoreFault['code']): void } {
  const store = new MemoryStore({ micros: () => 1, random32: () => 7 })
  let code: StoreFault['code'] | null = null
  const proxy = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        if (code !== null) return Promise.reject(new StoreFault(code, 'redis said no'))
        return value.apply(target, given)
      }
    },
  })
  return {
    store: proxy,
    break: (with_) => {
      code = with_
    },
  }
}

describe('a store that does not answer', () => {
  it('is 503 with the time to come back, and the operator hears why', async () => {
    const { store, break: fail } = breaking()
    const admin = adminOf({}, store)
    fail('unavailable')
    const answer = await admin.ask('POST', '/v1/keys', { body: { owner: 'bot' } })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    expect(answer.text).not.toContain('redis said no')
    expect(admin.reports).toEqual([
      '{"event":"admin_store_fault","code":"unavailable","message":"redis said no"}',
    ])
    expect(admin.lines).toEqual([])
  })

  it('says that it may have happened all the same when time ran out', async () => {
    const { store, break: fail } = breaking()
    const admin = adminOf({}, store)
    fail('timeout')
    const { status, body } = await admin.ask('POST', '/v1/keys', { body: { owner: 'bot' } })
    expect([status, body.detail]).toEqual([503, expect.stringContaining('may have done it')])
  })
})

describe('on a listener of its own', () => {
  it('answers over HTTP as it does in process', async () => {
    const admin = adminOf()
    const server = createServer(getRequestListener(admin.app.fetch))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const headers = { authorization: `Bearer ${WRITER}`, 'content-type': 'application/json' }
      const send = (path: string, init: RequestInit = {}) => fetch(`${base}${path}`, { headers, ...init })
      const made = await send('/v1/keys', { method: 'POST', body: '{"owner":"bot"}' })
      const { id, key } = (await made.json()) as { id: string; key: string }
      expect(made.status).toBe(201)
      const verified = await send('/v1/keys/verify', { method: 'POST', body: JSON.stringify({ key }) })
      expect(await verified.json()).toMatchObject({ verdict: 'good', id })
      const bare = { authorization: `Bearer ${WRITER}` }
      expect((await send(`/v1/keys/${id}/revoke`, { method: 'POST', headers: bare })).status).toBe(200)
      expect((await send(`/v1/keys/${id}`, { method: 'DELETE' })).status).toBe(204)
      const huge = await send('/v1/keys', { method: 'POST', body: 'x'.repeat(MAX_BODY + 1) })
      expect(huge.status).toBe(413)
    } finally {
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
    }
  })
})
