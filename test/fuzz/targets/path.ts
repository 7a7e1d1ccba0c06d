import { createHmac } from 'node:crypto'
import { ALPHA, breach, type Caller, hostOf, LITERALS, NOBODY, policy, READER } from '../../e2e/guarded.ts'
import { type Dice, ORDINARY, oddTargets } from '../../e2e/targets.ts'
import { strong } from '../../support/policy.ts'
import { serviceOf } from '../../support/service.ts'
import { faultsOf } from '../answer.ts'
import type { Harness, Judgement, Target } from '../target.ts'
import { ISSUER, MOMENT } from './moment.ts'

const secret = strong('jwt')

const POLICY = JSON.stringify({
  proxies: { traefik: { peers: ['127.0.0.1'] } },
  issuers: {
    company: {
      issuer: ISSUER,
      audience: ['app'],
      keys: { secret: '${SECRET}' },
      algorithms: ['HS256'],
      claims: { roles: 'roles' },
    },
  },
  ...policy,
})

/** Who asks for which host: the first byte of an input chooses. */
const CASES: readonly { readonly caller: Caller; readonly host: string }[] = [
  { caller: NOBODY, host: 'open.example.com' },
  { caller: READER, host: 'open.example.com' },
  { caller: ALPHA, host: 'open.example.com' },
  { caller: NOBODY, host: 'app.example.com' },
  { caller: READER, host: 'App.example.com.' },
  { caller: ALPHA, host: 'app.example.com:443' },
]

/** Bytes of a path up to which its readings are worked out a second time: the oracle is slow on purpose. */
const JUDGED = 600

/** A token of ours, made without any library. */
function tokenOf({ claims }: Caller): readonly (readonly [string, string])[] {
  if (claims === null) return []
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = { iss: ISSUER, aud: 'app', exp: MOMENT / 1000 + 3600, ...claims }
  const signed = `${part({ alg: 'HS256' })}.${part(payload)}`
  const signature = createHmac('sha256', secret).update(signed).digest('base64url')
  return [['Authorization', `Bearer ${signed}.${signature}`]]
}

async function open(): Promise<Harness> {
  const service = serviceOf(POLICY, { variables: { SECRET: secret }, now: MOMENT })
  const cases = CASES.map((one) => ({ ...one, headers: tokenOf(one.caller) }))
  // Tokens are known from here on: what is judged and timed is the path.
  for (const { host, headers } of cases) await service.ask({ target: '/account', host, headers })
  return {
    run: async (input) => {
      const { caller, host, headers } = cases[input.charCodeAt(0) % cases.length] ?? cases[0] ?? raise()
      const target = input.slice(1)
      const answered = await service.ask({ target, host, headers })
      return (): Judgement => {
        const { status, reason, decision } = answered
        const failures = faultsOf(answered, [secret, ...headers.map(([, value]) => value)])
        const path = target.split('?')[0] ?? ''
        const found = status === 200 && path.length <= JUDGED ? breach(target, hostOf(host), caller) : null
        if (found !== null)
          failures.push({
            kind: 'breach',
            detail: `${caller.name} got ${JSON.stringify(target)} on ${host}: ${found.reading.how} it is ${JSON.stringify(found.reading.path)} of ${found.route}`,
          })
        const why = typeof decision.cause === 'string' ? decision.cause : ''
        return {
          failures,
          features: [`${status} ${reason} ${decision.route} ${why}`],
          allowed: status === 200,
        }
      }
    },
  }
}

const raise = (): never => {
  throw new Error('there are no cases')
}

/** Request targets. */
export const path: Target = {
  name: 'path',
  what: 'request targets through the whole service, held against the readings that `test/e2e/oracle.ts` finds',
  longest: 9000,
  dictionary: [
    ...[
      '/',
      '//',
      '.',
      '..',
      '/../',
      '/./',
      '%2e',
      '%2f',
      '%5c',
      '%252f',
      '%252e',
      '%00',
      '%25',
      '%3b',
      '%23',
      '%3f',
    ],
    ...[
      ';',
      ';x=1',
      '?',
      '#',
      '\\',
      '%c0%af',
      '%u002f',
      '%ef%bc%8f',
      '%ef%bc%8e',
      '%c2%ad',
      '%e2%80%8b',
      '%20',
      '%c5%bf',
    ],
    ...[
      'public',
      'files',
      'private',
      'account',
      'settings',
      'admin',
      'mcp',
      'alpha',
      'beta',
      'ADMIN',
      '%61',
      '%2561',
    ],
    ...['%e2%84%aa', '%c4%b0', '%ef%bd%81', '%cc%81', '%f3%a0%81%a1', '%e2%85%b0', '%ef%b7%ba', '%41', '%5A'],
  ],
  seeds: [...ORDINARY, ...LITERALS.open, ...LITERALS.guarded].map(
    (target, at) => `${at % CASES.length}${target}`,
  ),
  generate: (dice: Dice) => `${dice.below(CASES.length)}${oddTargets(dice, LITERALS, 1)[0]}`,
  ordinary: ({ 0: who = '0', length }) =>
    `${who}${'/public/a-b_c'.repeat(length).slice(0, Math.max(1, length - 1))}`,
  times: 40,
  open,
}
