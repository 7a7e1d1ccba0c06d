/**
 * Every attack that is a request, through the real proxies on the files that users copy. What counts is what the
 * upstream got: nothing, or something that is open to the caller in every reading and bears nothing of the attacker's.
 */
import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stand, startStand, throughEachProxy } from '../e2e/stand.ts'
import type { Received } from '../e2e/upstream.ts'
import { type Answer, exchange, header, type Line, requestBytes } from '../e2e/wire.ts'
import { type Attempt, attemptsIn, titled } from './attack.ts'
import { attack, CLASSES } from './catalogue.ts'
import { alice, claims, hmac, KEYS, key } from './forge.ts'
import { CREDENTIAL } from './served.ts'
import { linesOf, POLICY, shown, VARIABLES, wrongs } from './stage.ts'

const policy = {
  ...POLICY,
  limits: { few: { by: 'client', rate: '10/hour', burst: 10 } },
  routes: {
    ...POLICY.routes,
    few: { match: { path: '/few/**' }, credentials: ['anonymous'], limits: ['few'] },
  },
}

/** Milliseconds after which nobody waits for an answer to bytes that may be half a request. */
const PATIENCE = 500

const named = (id: string, says: string) => titled(attack(id), says)

const bytesOf = (attempt: Attempt): string => {
  const { bytes, method, host, target = '/', from } = attempt
  const claimed: Line[] = from === undefined ? [] : [['X-Forwarded-For', from]]
  return (
    bytes ??
    requestBytes(target, {
      ...(method === undefined ? {} : { method }),
      ...(host === undefined ? {} : { host }),
      headers: [...claimed, ...linesOf(attempt)],
    })
  )
}

await throughEachProxy((kind) => {
  let stand: Stand
  const records: string[] = []
  let judged = 0
  const answers: string[] = []

  beforeAll(async () => {
    stand = await startStand(kind, { policy, environment: VARIABLES, onRecord: (line) => records.push(line) })
    arrived() // what asked whether it is there yet
  })
  afterAll(() => stand?.stop())

  async function send(bytes: string): Promise<Answer | null> {
    const abort = new AbortController()
    const late = delay(PATIENCE, null, { signal: abort.signal }).catch(() => null)
    const answer = await Promise.race([exchange(stand.port, bytes).catch(() => null), late])
    abort.abort()
    if (answer !== null) answers.push(JSON.stringify([answer.lines, answer.body]))
    return answer
  }

  /** What has arrived since the last time somebody asked. */
  function arrived(): readonly Received[] {
    const { received } = stand.upstream
    const fresh = received.slice(judged)
    judged = received.length
    return fresh
  }

  /** What is wrong with what one attempt, or several alike, made the upstream receive. */
  function flaws(attempt: Attempt, received: readonly Received[], answer: Answer | null): string[] {
    const { status, caller = 'nobody', arrives = status === 200 ? 'harmless' : 'nothing' } = attempt
    const found: string[] = []
    if (arrives === 'nothing' && received.length > 0) found.push(`${received[0]?.start} arrived`)
    if (status === 200 && attempt.arrives === undefined && received.length !== 1)
      found.push(`${received.length} arrived, and ${answer?.status} came back`)
    for (const one of received) found.push(...wrongs(one, caller))
    if (received.length === 0 && answer?.body.startsWith('upstream')) found.push('an answer of the upstream')
    return found
  }

  for (const { name, attacks } of CLASSES) {
    const tried = attacks.filter((one) => attemptsIn(one, 'proxies').length > 0)
    if (tried.length === 0) continue
    describe(name, () => {
      for (const one of tried) {
        const attempts = attemptsIn(one, 'proxies')
        it(titled(one, `${attempts.length} requests`), async () => {
          const found: string[] = []
          const note = (attempt: Attempt, problems: readonly string[]): void => {
            if (problems.length > 0) found.push(`${problems.join('; ')}: ${shown(attempt)}`)
          }
          for (const attempt of attempts.filter(({ bytes }) => bytes === undefined)) {
            const bytes = bytesOf(attempt)
            let answer = await send(bytes)
            // No time to judge, as on a busy machine, or none to answer; nobody is let in by that.
            for (
              let tries = 0;
              (answer?.status ?? 500) >= 500 && attempt.status === 200 && tries < 5;
              tries++
            )
              answer = await send(bytes)
            note(attempt, flaws(attempt, arrived(), answer))
          }
          // Half requests are waited for together, and what arrives is judged as one.
          for (const arrives of ['nothing', 'harmless', undefined] as const) {
            const alike = attempts.filter((each) => each.bytes !== undefined && each.arrives === arrives)
            await Promise.all(alike.map((attempt) => send(bytesOf(attempt))))
            const [first] = alike
            if (first !== undefined) note(first, flaws(first, arrived(), null))
          }
          expect(found.slice(0, 20), `${found.length} of ${attempts.length}`).toEqual([])
        })
      }
    })
  }

  it(named('H08', 'a claim with a line break arrives in one line, encoded'), async () => {
    const subjects: Readonly<Record<string, string>> = {
      'a\r\nX-Auth-Roles: root': 'a%0D%0AX-Auth-Roles:%20root',
      'a\u0000b': 'a%00b',
      zoë: 'zo%C3%AB',
      '\u202ea': '%E2%80%AEa',
    }
    for (const [sub, expected] of Object.entries(subjects)) {
      const answer = await send(requestBytes('/docs/x', { headers: [alice({ sub, roles: [] })] }))
      const [received, ...more] = arrived()
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
      await send(requestBytes('/docs/x', { headers: [alice({ sub })] }))
      const told = header(arrived()[0]?.lines ?? [], 'X-Auth-User')
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
      for (const received of arrived())
        expect(wrongs(received, 'nobody'), JSON.stringify(headers)).toEqual([])
    }
    // A bad token that is hidden by a blank must not arrive beside a key that is good.
    for (const authorization of ['Bearer spoof ', ' Bearer spoof', '\tBearer spoof\t'])
      await overHttp2(stand.port, { ':path': '/docs/x', 'x-api-key': KEYS.bot, authorization })
    expect(arrived()).toEqual([])
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
      const answer = await send(requestBytes(target, { headers: lines }))
      expect([target, answer?.status]).toEqual([target, expect.toSatisfy((status) => status >= 400)])
      expect(answer?.lines.filter(([name]) => /^x-auth-/i.test(name))).toEqual([])
    }
    expect(arrived()).toEqual([])
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
      const answer = await send(requestBytes(`/few/${at}?x=${at}`, { host, headers: headers.slice(0, 2) }))
      statuses.push(answer?.status)
    }
    expect(
      statuses.filter((status) => status === 200),
      stand.output(),
    ).toHaveLength(10)
    expect(arrived()).toHaveLength(10)
    expect(new Set(statuses.slice(10))).toEqual(new Set([429]))
  })

  it(named('K07', 'nothing that was presented stands in an answer, or in what Postern prints'), () => {
    expect(records.length).toBeGreaterThan(500)
    expect(answers.length).toBeGreaterThan(500)
    for (const text of [...records, ...answers]) expect(CREDENTIAL.exec(text)?.[0]).toBeUndefined()
    // Whatever came too late for its own test.
    for (const received of arrived()) expect(wrongs(received, 'nobody')).toEqual([])
  })
})

/** Sends a request by h2 without TLS; whatever comes back will do. */
async function overHttp2(port: number, headers: OutgoingHttpHeaders): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const ended = new Promise<void>((resolve) => session.on('close', resolve).on('error', () => resolve()))
  const timer = setTimeout(() => session.destroy(), PATIENCE)
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
