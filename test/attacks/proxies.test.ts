/**
 * Every attack that is a request, through the real proxies on the files that users copy. What counts is what the
 * upstream got: nothing, or something that is open to the caller in every reading and bears nothing of the attacker's.
 */
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Stand, startStand, throughEachProxy } from '../e2e/stand.ts'
import { header, type Line, requestBytes } from '../e2e/wire.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { alice, claims, hmac, KEYS, key } from './forge.ts'
import { CREDENTIAL } from './served.ts'
import { besiege, Siege } from './siege.ts'
import { POLICY, VARIABLES, wrongs } from './stage.ts'

const policy = {
  ...POLICY,
  limits: { few: { by: 'client', rate: '10/hour', burst: 10 } },
  routes: {
    ...POLICY.routes,
    few: { match: { path: '/few/**' }, credentials: ['anonymous'], limits: ['few'] },
  },
}

const named = (id: string, says: string) => titled(attack(id), says)

await throughEachProxy((kind) => {
  let stand: Stand
  let siege: Siege
  const records: string[] = []

  beforeAll(async () => {
    stand = await startStand(kind, { policy, environment: VARIABLES, onRecord: (line) => records.push(line) })
    siege = new Siege(stand)
  })
  afterAll(() => stand?.stop())

  besiege(() => siege)

  it(named('H08', 'a claim with a line break arrives in one line, encoded'), async () => {
    const subjects: Readonly<Record<string, string>> = {
      'a\r\nX-Auth-Roles: root': 'a%0D%0AX-Auth-Roles:%20root',
      'a\u0000b': 'a%00b',
      zoë: 'zo%C3%AB',
      '\u202ea': '%E2%80%AEa',
    }
    for (const [sub, expected] of Object.entries(subjects)) {
      const answer = await siege.send(requestBytes('/docs/x', { headers: [alice({ sub, roles: [] })] }))
      const [received, ...more] = siege.arrived()
      expect([answer?.status, more.length], stand.output()).toEqual([200, 0])
      expect(header(received?.lines ?? [], 'X-Auth-User')).toBe(expected)
      expect(header(received?.lines ?? [], 'X-Auth-Roles') ?? '').toBe('')
    }
  })

  it(named('H14', 'a claim that reads like a placeholder arrives as it was written'), async () => {
    for (const sub of [
      '{env.POSTERN_SECRET}',
      '{http.request.host}',
      '$http_host',
      '%REQ(HOST)%',
      '${HOSTNAME}',
    ]) {
      await siege.send(requestBytes('/docs/x', { headers: [alice({ sub })] }))
      const told = header(siege.arrived()[0]?.lines ?? [], 'X-Auth-User')
      expect(decodeURIComponent(told?.replace(/%(?![0-9A-F]{2})/g, '%25') ?? ''), stand.output()).toBe(sub)
    }
  })

  it(named('H13', 'h2 without TLS changes no verdict'), async () => {
    const requests: readonly OutgoingHttpHeaders[] = [
      { ':path': '/public/x', 'x-auth-user': 'spoof', x_auth_user: 'spoof' },
      { ':path': '/public/../admin/spoof' },
      { ':path': '/public/..%2fadmin/spoof' },
      { ':path': '//admin/x' },
      { ':path': '/admin/x', host: 'open.example.com' },
      { ':path': '/admin/x', 'x-forwarded-host': 'open.example.com' },
      { ':path': '/admin/x', ':authority': 'open.example.com,app.example.com' },
      { ':path': '/admin/x', ':authority': 'u@open.example.com' },
      { ':path': '/docs/x', ':scheme': 'spoof' },
      { ':path': '/docs/x', 'x-forwarded-uri': '/public/x' },
      { ':path': '/docs/x', authorization: `Bearer ${hmac(claims(), { alg: 'none' })} ` },
      { ':path': 'admin/x' },
      { ':path': '*', ':method': 'OPTIONS' },
      { ':path': '/public/x /admin/x' },
      { ':path': '/public/x\r\nX-Auth-User: spoof' },
      { ':path': '/public/x', 'x-note': 'a\r\nX-Auth-User: spoof' },
      { ':path': '/notes/1', ':method': 'get' },
      { ':path': '/notes/1', ':method': 'POST', 'x-http-method-override': 'GET' },
    ]
    for (const headers of requests) {
      await overHttp2(stand.port, headers)
      for (const received of siege.arrived())
        expect(wrongs(received, 'nobody'), JSON.stringify(headers)).toEqual([])
    }
    // A bad token that is hidden by a blank must not arrive beside a key that is good.
    for (const authorization of ['Bearer spoof ', ' Bearer spoof', '\tBearer spoof\t'])
      await overHttp2(stand.port, { ':path': '/docs/x', 'x-api-key': KEYS.bot, authorization })
    expect(siege.arrived()).toEqual([])
  })

  it(named('X01', 'the path of a check is no check for a client of the proxy'), async () => {
    const lines: Line[] = [
      ['X-Forwarded-Method', 'GET'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Host', 'app.example.com'],
      ['X-Forwarded-Uri', '/public/x'],
      ['X-Original-Method', 'GET'],
      ['X-Original-URI', '/public/x'],
    ]
    for (const target of [
      '/check/traefik',
      '/check/nginx',
      '/_postern',
      '/postern',
      '/_denied',
      '/auth',
      '/check/envoy/public/x',
    ]) {
      const answer = await siege.send(requestBytes(target, { headers: lines }))
      expect([target, answer?.status]).toEqual([target, expect.toSatisfy((status) => status >= 400)])
      expect(answer?.lines.filter(([name]) => /^x-auth-/i.test(name))).toEqual([])
    }
    expect(siege.arrived()).toEqual([])
  })

  it(named('R03', 'a limit holds whatever the client claims to be'), async () => {
    const statuses: (number | undefined)[] = []
    for (let at = 0; at < 25; at++) {
      const claimed = ['X-Forwarded-For', 'X-Real-IP', 'CF-Connecting-IP', 'Forwarded'][at % 4] ?? ''
      const headers: Line[] = [
        [claimed, claimed === 'Forwarded' ? `for=203.0.113.${at}` : `203.0.113.${at}`],
        ['User-Agent', `agent/${at}`],
        key(`ak_${at}`),
      ]
      const host = ['app.example.com', 'APP.example.com', 'app.example.com:80'][at % 3] ?? ''
      const answer = await siege.send(
        requestBytes(`/few/${at}?x=${at}`, { host, headers: headers.slice(0, 2) }),
      )
      statuses.push(answer?.status)
    }
    expect(
      statuses.filter((status) => status === 200),
      stand.output(),
    ).toHaveLength(10)
    expect(siege.arrived()).toHaveLength(10)
    expect(new Set(statuses.slice(10))).toEqual(new Set([429]))
  })

  it(named('K07', 'nothing that was presented stands in an answer, or in what Postern prints'), async () => {
    await siege.send(
      requestBytes('/docs/x?access_token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0', {
        headers: [alice(), key('ak_x')],
      }),
    )
    await vi.waitFor(() => expect(records.length).toBeGreaterThan(0))
    expect(siege.answers.length).toBeGreaterThan(0)
    for (const text of [...records, ...siege.answers]) expect(CREDENTIAL.exec(text)?.[0]).toBeUndefined()
    // Whatever came too late for its own test.
    for (const received of siege.arrived()) expect(wrongs(received, 'nobody')).toEqual([])
  })
})

/** Sends a request by h2 without TLS; whatever comes back will do. */
async function overHttp2(port: number, headers: OutgoingHttpHeaders): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const ended = new Promise<void>((resolve) => session.on('close', resolve).on('error', () => resolve()))
  const timer = setTimeout(() => session.destroy(), 1000)
  try {
    const request = session.request({ ':authority': 'app.example.com', ...headers })
    request.on('close', () => session.close()).on('error', () => session.destroy())
    request.resume()
    request.end()
  } catch {
    session.destroy() // this client cannot say it
  }
  await ended
  clearTimeout(timer)
}
