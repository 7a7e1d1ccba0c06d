/** The rules of the contracts, by the bytes of checks: what is read, and what is answered. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROXY_SECRET } from '../e2e/credentials.ts'
import { type Answer, Connection, exchange, header, type Line } from '../e2e/wire.ts'
import { type Attempt, titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { alice, bearer, hmac } from './forge.ts'
import { ask, bytesOf, checkBytes, type Served, serve } from './served.ts'
import { CONTRACTS, type Contract, checkOf, POLICY } from './stage.ts'

let served: Served
beforeAll(async () => {
  const closed = { jwks: 'http://127.0.0.1:1/keys', allow: ['http', 'private'] }
  served = await serve({
    issuers: {
      ...POLICY.issuers,
      lost: { issuer: 'https://lost.example.com', audience: ['app'], keys: closed, algorithms: ['RS256'] },
    },
    limits: { one: { by: 'client', rate: '1/hour', burst: 1 } },
    routes: {
      ...POLICY.routes,
      lost: { match: { path: '/lost/**' }, credentials: ['jwt:lost'] },
      one: { match: { path: '/one/**' }, credentials: ['anonymous'], limits: ['one'] },
    },
  })
})
afterAll(() => served?.stop())

const named = (id: string, says: string) => titled(attack(id), says)
const SECRET: Line = ['X-Postern-Secret', PROXY_SECRET]
const HOST: Line = ['Host', 'postern']
const send = (bytes: string) => exchange(served.ports.check, bytes)
const told = (answer: Answer | null) => header(answer?.lines ?? [], 'X-Postern-Status')
const nginxLike = (contract: Contract) => contract.endsWith('nginx')

const PUBLIC: Attempt = { target: '/public/x', status: 200 }
const linesOf = (attempt: Attempt, contract: Contract): Line[] => [...checkOf(attempt, contract), SECRET]

describe('what is a check', () => {
  it(named('3.1', 'nothing but the exact path of a configured contract is a check'), async () => {
    for (const contract of CONTRACTS) {
      const lines = [HOST, ...linesOf(PUBLIC, contract)]
      const at = (target: string) => send(bytesOf(lines, `GET ${target} HTTP/1.1`))
      expect((await at(`/check/${contract}`))?.status).toBe(200)
      for (const target of [
        ...[
          `/check/${contract}/`,
          `/check/${contract}/public/x`,
          `/check//${contract}`,
          `//check/${contract}`,
          `/check/${contract.toUpperCase()}`,
        ],
        ...[
          `/Check/${contract}`,
          `/check/${contract}%2f`,
          `/check/%${contract.charCodeAt(0).toString(16)}${contract.slice(1)}`,
          `/check/${contract};x`,
        ],
        ...[
          `/check/./${contract}`,
          `/check/x/../${contract}`,
          `/check\\${contract}`,
          `/check/${contract}#x`,
          `http://postern/check/${contract}`,
        ],
        ...[
          `check/${contract}`,
          `/check/${contract}.json`,
          `/check/${contract}%00`,
          '/check',
          '/check/',
          '/check/unknown',
          '/check/__proto__',
        ],
      ]) {
        const answer = await at(target)
        expect([target, answer?.status === 404 || answer?.status === 400]).toEqual([target, true])
        expect(answer?.lines.some(([name]) => /^x-auth-/i.test(name))).toBe(false)
      }
    }
  })

  it(named('3.1', 'method, query and Host of a check change nothing'), async () => {
    for (const contract of CONTRACTS)
      for (const [attempt, status] of [
        [PUBLIC, '200'],
        [{ target: '/docs/x', status: 401 }, '401'],
      ] as const)
        for (const [start, host] of [
          [`POST /check/${contract} HTTP/1.1`, 'postern'],
          [`DELETE /check/${contract} HTTP/1.1`, 'open.example.com'],
          [`HEAD /check/${contract} HTTP/1.1`, 'vault.example.com'],
          [`OPTIONS /check/${contract} HTTP/1.1`, 'u@app#x'],
          [`GET /check/${contract}?uri=/public/x&x=/../admin HTTP/1.1`, 'open.example.com'],
          [`GET /check/${contract}?%zz#%00 HTTP/1.1`, ''],
          [`PROPFIND /check/${contract}? HTTP/1.1`, 'a,b'],
        ] as const) {
          const lines: Line[] = [['Host', host], ...linesOf(attempt, contract)]
          expect([start, host, told(await send(bytesOf(lines, start)))]).toEqual([start, host, status])
        }
  })

  it(named('3.2 libraries', 'a target is read as its bytes, not as a URL'), async () => {
    for (const target of [
      '/public/../public/x',
      '/public\\x',
      '/public/x#y',
      '//public/x',
      'http://app.example.com/public/x',
      '/public/%c0%af',
    ])
      for (const contract of ['traefik', 'caddy', 'nginx', 'haproxy', 'envoy'] as const)
        expect(told(await send(checkBytes({ target, status: 400 }, contract))), target).toBe('400')
    for (const target of ['/public/a%20b%5Bc%5D', '/public/x?/../../admin#y', '/public/%E2%82%AC'])
      expect(told(await send(checkBytes({ target, status: 200 }))), target).toBe('200')
  })
})

describe('the fields of a contract', () => {
  const FIELDS: Readonly<Record<Contract, readonly string[]>> = {
    traefik: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
    caddy: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
    haproxy: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
    envoy: ['X-Forwarded-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Uri'],
    nginx: ['X-Original-Method', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Original-URI'],
    'ingress-nginx': ['X-Original-Method', 'X-Original-URL', 'X-Real-IP'],
  }
  const says = 'each field of a contract that comes twice, joined, folded, empty or not at all is refused'
  const check = async (contract: Contract): Promise<void> => {
    const sound = linesOf(PUBLIC, contract)
    const start = `GET /check/${contract} HTTP/1.1`
    for (const field of FIELDS[contract]) {
      const value = sound.find(([name]) => name === field)?.[1] ?? ''
      const others = sound.filter(([name]) => name !== field)
      const spellings = [field, field.toLowerCase(), field.toUpperCase()]
      const bad: (readonly Line[])[] = [
        [],
        [[field, '']],
        [[field, ' ']],
        ...spellings.flatMap((name): Line[][] => [
          [
            [field, value],
            [name, value],
          ],
          [
            [field, value],
            [name, 'evil'],
          ],
          [
            [name, 'evil'],
            [field, value],
          ],
          [
            [field, value],
            [name, ''],
          ],
          [
            [name, ''],
            [field, value],
          ],
        ]),
        ...(/uri|url/i.test(field)
          ? []
          : [
              [[field, `${value}, evil`] as const],
              [[field, `${value},`] as const],
              [[field, `,${value}`] as const],
            ]),
        [[field.replaceAll('-', '_'), value]],
        [[field.replace('-', '.'), value]],
        [[`${field} `, value]],
      ]
      for (const lines of bad) {
        const answer = await send(bytesOf([HOST, ...others, ...lines], start))
        // The parser of HTTP refuses a name with a blank before anybody judges it.
        const judged = !lines.some(([name]) => name.endsWith(' '))
        const relayed = judged && nginxLike(contract) ? 403 : 400
        expect([contract, lines, answer?.status]).toEqual([contract, lines, relayed])
        if (judged) expect(told(answer)).toBe('400')
      }
      const folded = `${field}: ${value}\r\n , evil\r\n`
      expect((await send(bytesOf([HOST, ...others], start, folded)))?.status).toBeGreaterThanOrEqual(400)
    }
  }
  it(named('H10', says), async () => {
    for (const contract of CONTRACTS.filter((_, at) => at % 2 === 0)) await check(contract)
  })
  it(named('3.3', says), async () => {
    for (const contract of CONTRACTS.filter((_, at) => at % 2 === 1)) await check(contract)
  })
})

describe('an answer', () => {
  it(named('3.10', 'an allow has every identity header, no body and no cookie'), async () => {
    for (const contract of CONTRACTS) {
      const { answer } = await ask(
        served.ports.check,
        { target: '/docs/x', headers: () => [alice()], status: 200 },
        contract,
      )
      const names = (answer?.lines ?? []).map(([name]) => name.toLowerCase())
      expect(answer?.status).toBe(200)
      expect(names.filter((name) => name.startsWith('x-auth-')).sort()).toEqual(
        ['email', 'method', 'permissions', 'roles', 'tenant', 'user'].map((field) => `x-auth-${field}`),
      )
      expect(header(answer?.lines ?? [], 'Content-Length')).toBe('0')
      expect(answer?.body).toBe('')
      expect(names).not.toEqual(expect.arrayContaining(['transfer-encoding']))
      for (const name of [
        'set-cookie',
        'location',
        'content-encoding',
        'x-accel-redirect',
        'server',
        'x-powered-by',
      ])
        expect(names).not.toContain(name)
    }
  })

  it(named('3.10', 'a denial has no identity, is not stored, and says its true status'), async () => {
    const denials: readonly Attempt[] = [
      { target: '/docs/x', status: 401 },
      { target: '/nowhere', status: 403 },
      { target: '/public/../x', status: 400 },
      { target: '/admin/x', headers: () => [alice()], status: 403 },
    ]
    for (const contract of CONTRACTS)
      for (const attempt of denials) {
        const { status, answer } = await ask(served.ports.check, attempt, contract)
        const lines = answer?.lines ?? []
        expect(status).toBe(attempt.status)
        expect(lines.filter(([name]) => /^(?:x-auth-|set-cookie|location|x-accel-)/i.test(name))).toEqual([])
        expect(header(lines, 'Cache-Control')).toContain('no-store')
        expect(header(lines, 'WWW-Authenticate') !== null).toBe(status === 401)
        if (nginxLike(contract)) expect([answer?.body, header(lines, 'Content-Length')]).toEqual(['', '0'])
        else expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status })
      }
  })

  it(named('3.1 answers', 'every outcome has the status that its contract relays'), async () => {
    const rows: readonly (readonly [Attempt, string | null])[] = [
      [PUBLIC, null],
      [{ target: '/docs/x', status: 401 }, 'WWW-Authenticate'],
      [{ target: '/docs/x', headers: [bearer('x')], status: 401 }, 'WWW-Authenticate'],
      [{ target: '/inside/x', status: 403 }, null],
      [{ target: '//x', status: 400 }, null],
      [
        {
          target: '/lost/x',
          headers: () => [
            bearer(
              hmac(
                { iss: 'https://lost.example.com', sub: 'x', aud: 'app', exp: 9e9 },
                { alg: 'RS256', kid: 'x' },
              ),
            ),
          ],
          status: 503,
        },
        'Retry-After',
      ],
    ]
    for (const [at, contract] of CONTRACTS.entries()) {
      const relayed = (status: number) => (nginxLike(contract) && ![200, 401].includes(status) ? 403 : status)
      for (const [attempt, line] of rows) {
        const { status, answer } = await ask(served.ports.check, attempt, contract)
        expect([contract, attempt.target, status, answer?.status]).toEqual([
          contract,
          attempt.target,
          attempt.status,
          relayed(attempt.status),
        ])
        if (line !== null) expect(header(answer?.lines ?? [], line)).toMatch(/./)
      }
      const limited: Attempt = { target: '/one/x', from: `198.51.100.${at}`, status: 429 }
      expect((await ask(served.ports.check, limited, contract)).status).toBe(200)
      const { status, answer } = await ask(served.ports.check, limited, contract)
      expect([status, answer?.status]).toEqual([429, relayed(429)])
      expect(header(answer?.lines ?? [], 'Retry-After')).toMatch(/^[1-9]\d*$/)
    }
  })

  it(named('3.11', 'a control byte in a claim leaves percent-encoded, and the process lives'), async () => {
    for (let code = 0; code < 0x30; code++) {
      const sub = `a${String.fromCodePoint(code < 0x20 ? code : code + 0x5f)}b`
      const { answer } = await ask(served.ports.check, {
        target: '/docs/x',
        headers: () => [alice({ sub, email: sub })],
        status: 200,
      })
      expect(answer?.status).toBe(200)
      for (const name of ['X-Auth-User', 'X-Auth-Email']) {
        const value = header(answer?.lines ?? [], name) ?? ''
        expect(value).toMatch(/^[\x21-\x7e]+$/)
        expect(decodeURIComponent(value)).toBe(sub)
      }
    }
    expect((await ask(served.ports.check, PUBLIC)).status).toBe(200)
  })
})

describe('a connection', () => {
  it(named('3.9', 'the body of a check is neither read nor waited for'), async () => {
    for (const body of [
      'Content-Length: 1000000\r\n\r\n',
      'Transfer-Encoding: chunked\r\n\r\n5\r\n',
      'Content-Length: 11\r\n\r\n{"a":"b"}\r\n',
    ])
      for (const [attempt, status] of [
        [PUBLIC, '200'],
        [{ target: '/docs/x', status: 401 }, '401'],
      ] as const) {
        const head = bytesOf([HOST, ...linesOf(attempt, 'traefik')], 'POST /check/traefik HTTP/1.1')
        expect(told(await send(head.slice(0, -2) + body))).toBe(status)
      }
  })

  it(named('3.12', 'a head of 60 kB is judged, one of 80 kB is 431'), async () => {
    const padded = (size: number) =>
      bytesOf(
        [HOST, ...linesOf(PUBLIC, 'traefik'), ['X-Pad', 'x'.repeat(size)]],
        'GET /check/traefik HTTP/1.1',
      )
    expect((await send(padded(60_000)))?.status).toBe(200)
    expect((await send(padded(80_000)))?.status ?? 431).toBe(431)
    expect((await send(padded(10)))?.status).toBe(200)
  })

  it(named('3.12', 'a connection outlives its denials'), async () => {
    const socket = connect(served.ports.check, '127.0.0.1')
    let closed = false
    socket.on('close', () => {
      closed = true
    })
    for (const [target, status] of [
      ['/docs/x', 401],
      ['/nowhere', 403],
      ['/public/../x', 400],
      ['/public/x', 200],
    ] as const) {
      socket.write(checkBytes({ target, status }))
      const text = await new Promise<string>((resolve) =>
        socket.once('data', (data) => resolve(data.toString('latin1'))),
      )
      expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(text).not.toMatch(/connection: close/i)
    }
    expect(closed).toBe(false)
    socket.destroy()
  })

  it(named('3.12', 'half a request holds up nobody else'), async () => {
    const halves = Array.from({ length: 100 }, () => {
      const socket = connect(served.ports.check, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET /check/traefik HTTP/1.1\r\nHost: x\r\nX-Forwarded-')
      return socket
    })
    for (let at = 0; at < 20; at++) expect((await ask(served.ports.check, PUBLIC)).status).toBe(200)
    for (const socket of halves) socket.destroy()
  })

  it(named('3.13', 'the same check again gets the same verdict'), async () => {
    const attempts: readonly Attempt[] = [
      PUBLIC,
      { target: '/docs/x', headers: [alice()], status: 200 },
      { target: '/docs/x', headers: [bearer('x')], status: 401 },
      { target: '/admin/x', headers: [alice()], status: 403 },
    ]
    const connection = new Connection(served.ports.check)
    for (const attempt of attempts) {
      const bytes = checkBytes(attempt)
      const statuses = []
      for (let at = 0; at < 4; at++) statuses.push(told(await connection.send(bytes)))
      // And as when a proxy asks again on other connections because the first one died.
      const again = await Promise.all(Array.from({ length: 4 }, () => send(bytes)))
      expect(new Set([...statuses, ...again.map(told)])).toEqual(new Set([String(attempt.status)]))
    }
    connection.close()
  })
})
