import { describe, expect, it, vi } from 'vitest'
import { DEADLINE } from '../../src/http/judgement.ts'
import { allow, appOf, checkOf, deciding, deny, SECRET } from './support.ts'

const headersOf = (response: Response): Record<string, string> => Object.fromEntries(response.headers)

describe('which requests are checks', () => {
  it.each([
    '/',
    '/check',
    '/check/',
    '/check/apache',
    '/check/envoy/',
    '/check/envoy/admin',
    '/check/envoy/../traefik',
    '/check/__proto__',
    '/check/traefik/',
    '/check/traefik/x',
    '/check/Traefik',
    '/CHECK/traefik',
    '/check/%74raefik',
    '//check/traefik',
    '/metrics',
    '/readyz',
    '/admin',
  ])('X04: answers %s with 404 and decides nothing', async (url) => {
    const { decide, seen } = deciding(() => allow())
    const { ask, records } = appOf(decide)
    const response = await ask({ url })
    expect(response.status).toBe(404)
    expect(headersOf(response)).toMatchObject({ 'x-postern-status': '404', 'cache-control': 'no-store' })
    expect(response.headers.get('x-auth-user')).toBeNull()
    expect(await response.json()).toEqual({ type: 'about:blank', title: 'Not Found', status: 404 })
    expect([seen, records]).toEqual([[], []])
  })

  it('has no endpoint for a proxy that the policy does not name', async () => {
    const { decide, seen } = deciding(() => allow())
    const { ask } = appOf(decide, { engine: () => ({ proxies: new Map() }) as never })
    expect((await ask()).status).toBe(404)
    expect(seen).toEqual([])
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'])(
    'P10: ignores that the check itself comes by %s, with a query and a Host of the client',
    async (method) => {
      const { decide, seen } = deciding(() => allow())
      const { ask } = appOf(decide)
      const lines = [...checkOf('traefik', '/real', 'DELETE'), ['Host', 'evil'] as const]
      const response = await ask({ url: '/check/traefik?x=/admin&method=GET', method, lines })
      expect(response.status).toBe(200)
      expect(seen).toMatchObject([{ method: 'DELETE', target: '/real', host: 'app.example.com' }])
    },
  )

  it('answers HEAD with the header of GET and no body', async () => {
    for (const answer of [allow(), deny('credential_missing'), deny('limit_exceeded')]) {
      const { ask } = appOf(() => answer)
      const [get, head] = [await ask(), await ask({ method: 'HEAD' })]
      expect(headersOf(head)).toEqual(headersOf(get))
      expect(head.status).toBe(get.status)
      expect(await head.text()).toBe('')
    }
  })
})

describe('trust', () => {
  const untrusted: [string, string | null, [string, string][]][] = [
    ['another peer', '192.0.2.9', checkOf('traefik')],
    ['an unknown peer', null, checkOf('traefik')],
    ['no secret', '127.0.0.1', checkOf('traefik').slice(1)],
    ['a wrong secret', '127.0.0.1', [['X-Postern-Secret', 'x'], ...checkOf('traefik').slice(1)]],
    ['the secret twice', '127.0.0.1', [['X-Postern-Secret', SECRET], ...checkOf('traefik')]],
    ['the secret and another', '127.0.0.1', [...checkOf('traefik'), ['x-postern-secret', 'x']]],
    [
      'identity headers of its own',
      '192.0.2.9',
      [...checkOf('traefik'), ['X-Auth-User', 'root'], ['X-Auth-Roles', 'admin']],
    ],
  ]
  it.each(untrusted)(
    'X01: refuses a perfect check with %s, and reads nothing of it',
    async (_what, peer, lines) => {
      const { decide, seen } = deciding(() => allow())
      const { ask, records } = appOf(decide)
      const response = await ask({
        peer,
        lines: [...lines, ['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`]],
      })
      expect(response.status).toBe(403)
      expect(response.headers.get('x-postern-status')).toBe('403')
      expect(await response.json()).toMatchObject({ reason: 'forbidden' })
      expect(seen).toEqual([])
      expect(records).toMatchObject([
        {
          decision: {
            verdict: 'deny',
            reason: 'proxy_untrusted',
            route: null,
            request: { path: '', client: null },
          },
          facts: { trace: null, proxy: 'traefik' },
        },
      ])
      for (const name of response.headers.keys()) expect(name).not.toMatch(/^x-auth/)
    },
  )

  it('tells the operator who tried', async () => {
    const { ask, records } = appOf(() => allow())
    await ask({ peer: '192.0.2.9' })
    expect(records[0]?.decision.cause).toBe('peer 192.0.2.9')
  })
})

describe('a check that is not sound', () => {
  it('H10: is refused with the field in the record and not in the answer', async () => {
    const { decide, seen } = deciding(() => allow())
    const { ask, records } = appOf(decide)
    const response = await ask({ lines: [...checkOf('traefik'), ['x-forwarded-uri', '/public']] })
    expect(response.status).toBe(400)
    const text = await response.text()
    expect(text).not.toContain('uri')
    expect(JSON.parse(text)).toMatchObject({ reason: 'request_malformed' })
    expect(seen).toEqual([])
    expect(records[0]?.decision).toMatchObject({ cause: 'x-forwarded-uri is repeated' })
  })
})

describe('an exception', () => {
  const bomb = new Error('at /srv/secret/path with Bearer eyJhbGciOiJIUzI1NiJ9.e30.x')
  it.each([
    [
      'thrown',
      () => {
        throw bomb
      },
    ],
    ['rejected', () => Promise.reject(bomb)],
  ])('X03: that is %s while deciding denies, and the next check is decided', async (_how, fail) => {
    let broken = true
    const { ask, records } = appOf(() => (broken ? fail() : allow()))
    const response = await ask()
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    const text = JSON.stringify([...response.headers]) + (await response.text())
    expect(text).not.toMatch(/secret|Error|eyJ|x-auth/)
    expect(records).toMatchObject([{ decision: { reason: 'internal', cause: bomb } }])
    broken = false
    expect((await ask()).status).toBe(200)
    expect(records).toHaveLength(2)
  })

  it('X03: of the trust check or the adapter denies too', async () => {
    const entry = {
      adapter: {
        name: 'traefik',
        read: () => {
          throw bomb
        },
        status: (s: number) => s,
        bodies: true,
      },
      trusts: () => true,
    }
    for (const part of [
      {},
      {
        trusts: () => {
          throw bomb
        },
      },
    ]) {
      const { ask } = appOf(() => allow(), {
        engine: () => ({ proxies: new Map([['traefik', { ...entry, ...part }]]) }) as never,
      })
      expect((await ask()).status).toBe(503)
    }
  })

  it('lets nobody in when the record cannot be written', async () => {
    for (const decide of [() => allow(), async () => allow()]) {
      const { ask } = appOf(decide, {
        record: () => {
          throw bomb
        },
      })
      const response = await ask()
      expect([response.status, response.headers.get('x-postern-status')]).toEqual([503, '503'])
      expect(response.headers.get('x-auth-user')).toBeNull()
    }
  })

  it.each(['\u000b', '\u007f', '\u0000', '\r\nX-Admin: 1', '\u001b[31m', 'é', '€', '\u202e'])(
    'H08: %j in an identity header denies instead of leaving',
    async (bad) => {
      const identity = { 'X-Auth-User': `ann${bad}`, 'X-Auth-Roles': 'user' }
      const { ask, records } = appOf(() => allow({ identity }))
      const response = await ask()
      expect(response.status).toBe(503)
      expect(response.headers.get('x-auth-user')).toBeNull()
      expect(records).toMatchObject([{ decision: { verdict: 'deny', reason: 'internal', identity: null } }])
    },
  )
})

describe('time', () => {
  it('gives up after the deadline, once', async () => {
    vi.useFakeTimers()
    try {
      let late: (decision: ReturnType<typeof allow>) => void = () => {}
      const { ask, records } = appOf(
        () =>
          new Promise((resolve) => {
            late = resolve
          }),
      )
      const answer = ask()
      await vi.advanceTimersByTimeAsync(DEADLINE)
      expect((await answer).status).toBe(503)
      late(allow())
      await vi.advanceTimersByTimeAsync(1000)
      expect(records).toMatchObject([
        { decision: { reason: 'internal', cause: `no decision within ${DEADLINE} ms` } },
      ])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('sets no timer where nothing is waited for, and leaves none behind where something was', async () => {
    vi.useFakeTimers()
    try {
      const { ask } = appOf(() => allow())
      await ask()
      expect(vi.getTimerCount()).toBe(0)
      const slow = appOf(async () => allow())
      await slow.ask()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

it('records every check once, with what identifies it', async () => {
  const { ask, records } = appOf(() => allow())
  const trace = 'a'.repeat(32)
  await ask({ lines: [...checkOf('traefik'), ['traceparent', `00-${trace}-${'b'.repeat(16)}-01`]] })
  expect(records).toEqual([
    {
      decision: expect.objectContaining({ verdict: 'allow' }),
      facts: { time: 1_790_000_000_000, id: expect.any(String), trace, proxy: 'traefik', duration: 1 },
    },
  ])
})
