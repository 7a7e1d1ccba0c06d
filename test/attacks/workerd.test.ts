/** Every attack that is a request, as the bytes of a check that a Worker in workerd gets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROXY_SECRET } from '../e2e/credentials.ts'
import { type Answer, Connection, exchange, header, type Line } from '../e2e/wire.ts'
import { OBJECTS } from '../worker/support/check.ts'
import { startWorkerd, type Workerd } from '../worker/support/workerd.ts'
import { type Attempt, attemptsIn, titled } from './attack.ts'
import { attack, CLASSES } from './catalogue.ts'
import { bytesOf, CREDENTIAL } from './served.ts'
import {
  CONTRACTS,
  type Contract,
  checkOf,
  identityOf,
  POLICY,
  proxiesWith,
  shown,
  statusBehind,
  VARIABLES,
} from './stage.ts'

let workerd: Workerd
let port = 0
beforeAll(async () => {
  workerd = await startWorkerd([
    {
      name: 'check',
      entry: 'src/worker.ts',
      policy: JSON.stringify({ ...POLICY, proxies: proxiesWith({ secret: '${POSTERN_SECRET}' }) }),
      variables: VARIABLES,
      bindings: OBJECTS,
      options: { compatibilityFlags: ['enable_request_signal'] },
    },
  ])
  port = Number(new URL(workerd.url('check')).port)
})
afterAll(() => workerd?.stop())

const named = (id: string, says: string) => titled(attack(id), says)
const SECRET: Line = ['X-Postern-Secret', PROXY_SECRET]
const bytesFor = (lines: readonly Line[], contract: Contract = 'traefik') =>
  bytesOf([['Host', 'postern.example.com'], ...lines], `GET /check/${contract} HTTP/1.1`)

/** What is wrong with an answer; null when nothing is. */
function flaw(attempt: Attempt, expected: number, answer: Answer | null): string | null {
  if (answer === null) return expected === 200 ? 'no answer' : null
  const told = header(answer.lines, 'X-Postern-Status')
  if (CREDENTIAL.test(JSON.stringify([answer.lines, answer.body]))) return 'a credential in the answer'
  if (expected !== 200) {
    if (answer.lines.some(([name]) => /^x-auth-/i.test(name))) return 'an identity on a denial'
    // workerd refuses itself what it cannot read; and of lines that it joins nobody can tell any more how many there were.
    if (told === null || told === '400')
      return answer.status >= 400 ? null : `${answer.status}, not ${expected}`
    return told === String(expected) ? null : `${told}, not ${expected}`
  }
  if (told !== '200') return `${told}, not 200`
  for (const [name, value] of Object.entries(identityOf(attempt.caller ?? 'nobody')))
    if (header(answer.lines, name) !== value && !attempt.anyIdentity)
      return `${name}: ${header(answer.lines, name)}, not ${value}`
  return null
}

describe.each(CLASSES.filter(({ attacks }) => attacks.some((one) => attemptsIn(one, 'workerd').length > 0)))(
  '$name',
  ({ attacks }) => {
    for (const one of attacks) {
      // Of a table of hundreds every seventh will do here: the code is the same, and workerd adds its own reading alone.
      const all = attemptsIn(one, 'workerd')
      const attempts = all.length > 200 ? all.filter((_, at) => at % 7 === 0) : all
      if (attempts.length === 0) continue
      it(titled(one, `${attempts.length} requests to a Worker`), async () => {
        const found: string[] = []
        const connection = new Connection(port)
        for (const [at, attempt] of attempts.entries()) {
          const contract = CONTRACTS[at % CONTRACTS.length] ?? 'traefik'
          const expected = statusBehind(contract, attempt)
          if (expected === null) continue
          const bytes = bytesFor([...checkOf(attempt, contract), SECRET], contract)
          let answer = await connection.send(bytes)
          const late = () => header(answer?.lines ?? [], 'X-Postern-Status') === '503'
          for (let tries = 0; late() && tries < 5; tries++) answer = await connection.send(bytes)
          const problem = flaw(attempt, expected, answer)
          if (problem !== null) found.push(`${contract}: ${problem}: ${shown(attempt)}`)
        }
        connection.close()
        expect(found.slice(0, 20)).toEqual([])
      })
    }
  },
)

const PUBLIC = checkOf({ target: '/public/x', status: 200 }, 'traefik')
const told = (answer: Answer | null) => header(answer?.lines ?? [], 'X-Postern-Status')

it(named('X01', 'a perfect check is nothing without the one secret'), async () => {
  const status = async (...secrets: string[]) =>
    told(
      await exchange(
        port,
        bytesFor([...PUBLIC, ...secrets.map((value): Line => ['X-Postern-Secret', value])]),
      ),
    )
  expect(await status(PROXY_SECRET)).toBe('200')
  for (const wrong of [
    [],
    [''],
    ['x'],
    [PROXY_SECRET, PROXY_SECRET],
    [PROXY_SECRET, 'x'],
    ['x', PROXY_SECRET],
    [`${PROXY_SECRET}x`],
  ])
    expect(await status(...wrong)).toBe('403')
})

it(named('3.2 libraries', 'a field that the runtime has joined is refused'), async () => {
  for (const [name, value] of PUBLIC) {
    if (name === 'X-Forwarded-For') continue
    const answer = await exchange(port, bytesFor([...PUBLIC, [name.toUpperCase(), value], SECRET]))
    expect([name, told(answer)]).toEqual([name, '400'])
  }
})

it(named('X04', 'a Worker of checks serves nothing else'), async () => {
  for (const path of [
    '/metrics',
    '/livez',
    '/readyz',
    '/v1/keys',
    '/openapi.json',
    '/',
    '/check',
    '/check/traefik/',
    '/check/unknown',
    '/CHECK/traefik',
  ])
    for (const host of ['postern.example.com', 'admin.example.com', 'localhost']) {
      const answer = await exchange(
        port,
        bytesOf([['Host', host], ...PUBLIC, SECRET], `GET ${path} HTTP/1.1`),
      )
      expect([path, answer?.status]).toEqual([path, 404])
      expect(answer?.lines.some(([name]) => /^x-auth-/i.test(name))).toBe(false)
    }
})
