/** Every attack that is a request, as bytes on the sockets of a running process; and what only a process can show. */
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PROXY_SECRET } from '../e2e/credentials.ts'
import { type Answer, Connection, exchange, header, type Line, requestBytes } from '../e2e/wire.ts'
import { type Attempt, attemptsIn, titled } from './attack.ts'
import { attack, CLASSES } from './catalogue.ts'
import { alice, hmac } from './forge.ts'
import { ADMIN_TOKEN, ask, bytesOf, CREDENTIAL, checkBytes, type Served, serve } from './served.ts'
import { CONTRACTS, checkOf, identityOf, POLICY, shown, statusBehind } from './stage.ts'

let served: Served
beforeAll(async () => {
  served = await serve({
    limits: {
      few: { by: 'client', rate: '10/hour', burst: 10 },
      own: { by: 'principal', rate: '10/hour', burst: 10 },
    },
    routes: {
      ...POLICY.routes,
      few: { match: { path: '/few/**' }, credentials: ['anonymous'], limits: ['few'] },
      own: { match: { path: '/own/**' }, credentials: ['jwt:company'], limits: ['own'] },
    },
  })
})
afterAll(() => served?.stop())

const named = (id: string, says: string) => titled(attack(id), says)

/** What is wrong with an answer to an attempt; null when it is right. */
function flaw(
  attempt: Attempt,
  expected: number,
  answer: Pick<Answer, 'status' | 'lines' | 'body'> | null,
): string | null {
  const { caller = 'nobody', anyIdentity } = attempt
  if (answer === null) return expected === 200 ? 'no answer' : null
  const { status, lines } = answer
  const told = header(lines, 'X-Postern-Status')
  if (JSON.stringify([lines, answer.body]).match(CREDENTIAL)) return 'a credential in the answer'
  if (expected !== 200) {
    if (status < 400) return `${status}, not ${expected}`
    if (lines.some(([name]) => /^x-auth-/i.test(name))) return 'an identity on a denial'
    // What is no HTTP at all is refused before anybody judges it.
    if (status === 431 || (status === 400 && unparsable(attempt))) return null
    return told === String(expected) ? null : `${told}, not ${expected}`
  }
  if (status !== 200 || told !== '200') return `${status} ${told}, not 200`
  for (const [name, value] of Object.entries(identityOf(caller)))
    if (header(lines, name) !== value && !anyIdentity) return `${name}: ${header(lines, name)}, not ${value}`
  return null
}

/** Whether there was no time to judge, as on a busy machine; nobody is let in by that. */
const isLate = (answer: Answer | null): boolean =>
  answer?.status === 503 || header(answer?.lines ?? [], 'X-Postern-Status') === '503'

/** Whether a line of it holds a byte that Node's parser refuses. */
const unparsable = (attempt: Attempt): boolean =>
  checkOf(attempt, 'traefik').some(([, value]) => /[\0-\x08\n-\x1f\x7f]/.test(value))

describe.each(CLASSES.filter(({ attacks }) => attacks.some((one) => attemptsIn(one, 'Node').length > 0)))(
  'over raw sockets: $name',
  ({ attacks }) => {
    for (const one of attacks) {
      const attempts = attemptsIn(one, 'Node')
      if (attempts.length === 0) continue
      it(titled(one, `${attempts.length} requests behind each contract, by their bytes`), async () => {
        const found: string[] = []
        await Promise.all(
          CONTRACTS.map(async (contract) => {
            const connection = new Connection(served.ports.check)
            for (const attempt of attempts) {
              const expected = statusBehind(contract, attempt)
              if (expected === null) continue
              const bytes = checkBytes(attempt, contract)
              let answer = await connection.send(bytes)
              for (let tries = 0; isLate(answer) && tries < 5; tries++) answer = await connection.send(bytes)
              const problem = flaw(attempt, expected, answer)
              if (problem !== null) found.push(`${contract}: ${problem}: ${shown(attempt)}`)
            }
            connection.close()
          }),
        )
        expect(found.slice(0, 20), served.output().slice(-2000)).toEqual([])
      })
    }
  },
)

describe('over h2 and TLS', () => {
  it.each(CLASSES.filter(({ attacks }) => attacks.some((one) => attemptsIn(one, 'Node').length > 0)))(
    '$name: the same verdicts as over HTTP/1.1',
    async ({ attacks }) => {
      const session = connectHttp2(`https://127.0.0.1:${served.ports.tls}`, { ca: served.ca })
      const found: string[] = []
      let asked = 0
      for (const attempt of attacks.flatMap((one) => attemptsIn(one, 'Node'))) {
        const lines: Line[] = [...checkOf(attempt, 'traefik'), ['X-Postern-Secret', PROXY_SECRET]]
        let answer = await overH2(session, lines)
        for (let tries = 0; answer !== 'cannot be said' && isLate(answer) && tries < 5; tries++)
          answer = await overH2(session, lines)
        if (answer === 'cannot be said') continue
        asked++
        const problem = flaw(attempt, attempt.status, answer)
        if (problem !== null) found.push(`${problem}: ${shown(attempt)}`)
      }
      session.close()
      expect(found.slice(0, 20)).toEqual([])
      expect(asked).toBeGreaterThan(10)
    },
  )
})

type Session = ReturnType<typeof connectHttp2>

/** Asks over h2; some lines of HTTP/1.1 have no form there. */
function overH2(session: Session, lines: readonly Line[]): Promise<Answer | 'cannot be said'> {
  const headers: Record<string, string[]> = { ':path': ['/check/traefik'] }
  for (const [name, value] of lines) {
    const plain = name.toLowerCase()
    headers[plain] = [...(headers[plain] ?? []), value]
  }
  const flat = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
  return new Promise((resolve, reject) => {
    let request: ReturnType<Session['request']>
    try {
      request = session.request(flat)
    } catch {
      return resolve('cannot be said')
    }
    let answer: Answer | null = null
    request.on('response', (given) => {
      const told = Object.entries(given).map(([name, value]): Line => [name, String(value)])
      answer = { status: Number(given[':status']), lines: told, start: '', body: '', trailers: [] }
    })
    request.on('error', () => resolve('cannot be said'))
    request.on('close', () => (answer ? resolve(answer) : reject(new Error('no answer over h2'))))
    request.resume()
    request.end()
  })
}

describe('the direct way', () => {
  it(named('X01', 'a perfect check is nothing without the one secret, in any spelling'), async () => {
    const perfect: Attempt = { target: '/public/x', status: 200 }
    const start = 'GET /check/traefik HTTP/1.1'
    const lines = checkOf(perfect, 'traefik')
    const secrets = (...values: string[]) => values.map((value): Line => ['X-Postern-Secret', value])
    const status = async (more: readonly Line[]) => {
      const answer = await exchange(served.ports.check, bytesOf([['Host', 'x'], ...lines, ...more], start))
      for (const [name] of answer?.lines ?? [])
        if (answer?.status !== 200) expect(name).not.toMatch(/^x-auth/i)
      return answer?.status
    }
    expect(await status(secrets(PROXY_SECRET))).toBe(200)
    const right = PROXY_SECRET
    for (const wrong of [
      ...[
        [],
        [''],
        ['x'],
        [right, right],
        [right, ''],
        ['', right],
        [right, 'x'],
        ['x', right],
        [`${right}, ${right}`],
      ],
      ...[
        [`${right}x`],
        [right.slice(0, -1)],
        [right.toUpperCase()],
        [`"${right}"`],
        [`${right},`],
        [`${right}\u00a0`],
      ],
    ])
      expect(await status(secrets(...wrong)), wrong.join('|')).toBe(403)
    for (const name of [
      'X_Postern_Secret',
      'X.Postern.Secret',
      'Postern-Secret',
      'Authorization',
      'X-Postern-Secret2',
    ])
      expect(await status([[name, right]]), name).toBe(403)
    // What an attacker's check says is nowhere but in the record of a refusal.
    await vi.waitFor(() => expect(served.records.some((line) => line.includes('proxy_untrusted'))).toBe(true))
    for (const line of served.records.filter((each) => each.includes('proxy_untrusted')))
      expect(JSON.parse(line)).toMatchObject({ verdict: 'deny', path: null, host: null })
  })

  it(
    named(
      'X04',
      'the check port serves checks, the health port health, the admin port its tokens, whatever Host and target say',
    ),
    async () => {
      const { ports } = served
      const paths = [
        '/metrics',
        '/livez',
        '/readyz',
        '/v1/keys',
        '/openapi.json',
        '/',
        '/admin',
        '/check',
        '/check/',
      ]
      const answerOf = (port: number, target: string, host: string, more: readonly Line[] = []) =>
        exchange(
          port,
          requestBytes(target, { host, headers: [['Authorization', `Bearer ${ADMIN_TOKEN}`], ...more] }),
        )
      const hosts = [`127.0.0.1:${ports.admin}`, `127.0.0.1:${ports.health}`, 'localhost', 'postern']
      for (const path of paths)
        for (const host of hosts) {
          const forwarded: Line[] = [
            ['X-Forwarded-Host', host],
            ['X-Forwarded-Port', String(ports.admin)],
          ]
          for (const target of [
            path,
            `http://${host}${path}`,
            `/check/traefik/..${path}`,
            `/check/../..${path}`,
            `/check/traefik${path}`,
          ])
            expect(
              (await answerOf(ports.check, target, host, forwarded))?.status,
              `${target} at ${host}`,
            ).toBe(404)
        }
      for (const path of ['/v1/keys', '/openapi.json', '/check/traefik', '/check/nginx', '/admin'])
        expect((await answerOf(ports.health, path, hosts[0] ?? ''))?.status, path).toBe(404)
      for (const path of ['/metrics', '/livez', '/readyz', '/check/traefik'])
        expect((await answerOf(ports.admin, path, hosts[1] ?? ''))?.status, path).toBe(404)
      expect((await answerOf(ports.admin, '/v1/keys', 'x'))?.status).toBe(200)
      const presented: (readonly Line[])[] = [
        [],
        [['Authorization', 'Bearer x']],
        [['Authorization', `Basic ${ADMIN_TOKEN}`]],
        [['Authorization', `Bearer ${ADMIN_TOKEN}x`]],
        [['Authorization', `Bearer ${hmac()}`]],
        [['X-Postern-Secret', PROXY_SECRET]],
        [
          ['X-Auth-User', 'root'],
          ['X-Forwarded-For', '127.0.0.1'],
        ],
        [['Cookie', `token=${ADMIN_TOKEN}`]],
      ]
      for (const headers of presented)
        expect((await exchange(ports.admin, requestBytes('/v1/keys', { headers })))?.status).toBe(401)
      expect((await exchange(ports.admin, requestBytes(`/v1/keys?token=${ADMIN_TOKEN}`)))?.status).toBe(401)
    },
  )

  it(named('X03', 'bytes that are no request end their connection and nothing else'), async () => {
    const junk = [
      ...[
        '\0\0\0\0',
        '\r\n\r\n\r\n',
        'GET',
        'GET / HTTP/9.9\r\n\r\n',
        '\x16\x03\x01\x02\x00\x01\x00',
        'SSH-2.0-x\r\n',
      ],
      ...[
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'GET /check/traefik HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      ],
      ...[
        'GET /check/traefik HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
        'x'.repeat(200_000),
      ],
      ...['GET /check/traefik HTTP/1.1\nHost: x\n\n', 'GET /check/traefik\r\n\r\n', ': \r\n\r\n'],
    ]
    for (const bytes of junk) {
      const connection = new Connection(served.ports.check)
      const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), 150))
      const answer = await Promise.race([connection.send(bytes), late])
      expect(answer?.status ?? 400, JSON.stringify(bytes.slice(0, 40))).toBeGreaterThanOrEqual(400)
      connection.close()
    }
    expect(
      (await ask(served.ports.check, { target: '/docs/x', headers: () => [alice()], status: 200 })).status,
    ).toBe(200)
  })

  it(named('W01', 'no check is ever answered with 101 or any other 1xx'), async () => {
    for (const protocol of ['websocket', 'h2c', 'TLS/1.0', 'HTTP/2.0', 'websocket, h2c', 'junk'])
      for (const target of ['/public/x', '/docs/x']) {
        const lines: Line[] = [
          ['Host', 'postern'],
          ...checkOf({ target, status: 200 }, 'caddy'),
          ['X-Postern-Secret', PROXY_SECRET],
          ['Connection', 'Upgrade, HTTP2-Settings'],
          ['Upgrade', protocol],
          ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
          ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
          ['Sec-WebSocket-Version', '13'],
          ['Expect', '100-continue'],
        ]
        const text = await firstBytes(served.ports.check, bytesOf(lines, 'GET /check/caddy HTTP/1.1'))
        expect(text, protocol).toMatch(target === '/public/x' ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 401 /)
      }
  })
})

/** The very first bytes of an answer, interim ones included. */
async function firstBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes, 'latin1')
  const text = await new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(data.toString('latin1'))),
  )
  socket.destroy()
  return text
}

describe('limits of a running process', () => {
  it(named('R03', 'a limit holds whatever the client claims to be'), async () => {
    const spellings = [
      '203.0.113.77',
      '::ffff:203.0.113.77',
      '203.0.113.77:80',
      '1.1.1.1, 203.0.113.77',
      '::FFFF:cb00:714d',
    ]
    const paths = ['/few/x', '/few/y', '/few/x?z', '/few/x;a', '/few/%78', '/few//x', '/few/X']
    const statuses: number[] = []
    for (let at = 0; at < 35; at++) {
      const attempt: Attempt = {
        target: paths[at % paths.length] ?? '',
        from: spellings[at % spellings.length] ?? '',
        host: ['app.example.com', 'APP.example.com', 'app.example.com.', 'app.example.com:1'][at % 4] ?? '',
        headers: [
          ['X-Real-IP', `10.0.0.${at}`],
          ['User-Agent', `a/${at}`],
        ],
        status: 200,
      }
      statuses.push((await ask(served.ports.check, attempt)).status)
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(25)
  })

  it(
    named('R07', 'a hundred at once over a hundred connections pass as often as the limit says'),
    async () => {
      const at: Attempt = { target: '/own/x', headers: () => [alice()], status: 200 }
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(served.ports.check, at)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
      for (const { status, answer } of answers.filter((one) => one.status !== 200)) {
        expect(status).toBe(429)
        expect(header(answer?.lines ?? [], 'Retry-After')).toMatch(/^[1-9]\d*$/)
      }
    },
  )
})

describe('what all of that has left behind', () => {
  it(
    named('K07', 'nothing that was presented stands in an answer, a record, the log or the metrics'),
    async () => {
      const presented = [alice(), ['X-API-Key', `ak_${'a'.repeat(50)}`] as const]
      await ask(served.ports.check, { target: '/docs/x', headers: presented, status: 401 })
      await vi.waitFor(() => expect(served.records.length).toBeGreaterThan(0))
      const metrics = await exchange(served.ports.health, requestBytes('/metrics'))
      expect(metrics?.body).toContain('postern_')
      for (const text of [...served.records, served.output(), metrics?.body ?? '']) {
        expect(CREDENTIAL.exec(text)?.[0]).toBeUndefined()
        expect(text).not.toContain(PROXY_SECRET)
        expect(text).not.toContain(ADMIN_TOKEN)
      }
    },
  )

  it(named('X06', 'every line that was printed is one JSON object in printable ASCII'), async () => {
    await ask(served.ports.check, {
      target: '/docs/\u2028',
      headers: () => [alice({ sub: 'a\r\nb' })],
      status: 400,
    })
    await vi.waitFor(() => expect(served.records.length).toBeGreaterThan(0))
    const wrong = served.records.filter((line) => {
      if (!/^\{[\x20-\x7e]*\}$/.test(line) || line.length > 4096) return true
      return typeof JSON.parse(line) !== 'object'
    })
    expect(wrong.slice(0, 5)).toEqual([])
    // Each is a decision that somebody asked for, and nothing was ever unexpected.
    const reasons = new Set(
      served.records.map((line) => (JSON.parse(line) as { reason: string | null }).reason),
    )
    expect([...reasons]).not.toContain('unexpected')
  })
})
