/** Every attack that is a request, against the whole service in this process, behind each of the six contracts. */
import { describe, expect, it } from 'vitest'
import { PROXY_SECRET } from '../e2e/credentials.ts'
import { type Answered, serviceOf } from '../support/service.ts'
import { attemptsIn, titled } from './attack.ts'
import { CLASSES } from './catalogue.ts'
import {
  CONTRACTS,
  checkOf,
  identityOf,
  POLICY,
  proxiesWith,
  shown,
  statusBehind,
  VARIABLES,
} from './stage.ts'

const policy = JSON.stringify({
  ...POLICY,
  proxies: proxiesWith({ peers: ['127.0.0.1'], secret: '${POSTERN_SECRET}' }),
})
const service = serviceOf(policy, { variables: VARIABLES })
let allowed = 0
let denied = 0

/** What is wrong with an answer; empty when nothing is. */
function flaws(answered: Answered, contract: string): string[] {
  const { status, trueStatus, headers, body } = answered
  const found: string[] = []
  const forNginx = contract.endsWith('nginx')
  const relayed = forNginx && ![200, 401].includes(trueStatus) ? 403 : trueStatus
  if (status !== relayed) found.push(`${status} stands for ${trueStatus}`)
  if (forNginx && body !== '') found.push('a body for nginx')
  if (trueStatus !== 200)
    for (const name of headers.keys()) if (name.startsWith('x-auth-')) found.push(`${name} on a denial`)
  if (headers.has('set-cookie')) found.push('a cookie')
  return found
}

for (const { name, attacks } of CLASSES.filter(({ attacks }) =>
  attacks.some((one) => attemptsIn(one, 'in process').length > 0),
))
  describe(name, () => {
    for (const attack of attacks) {
      const attempts = attemptsIn(attack, 'in process')
      if (attempts.length === 0) continue
      it(titled(attack, `${attempts.length} requests behind each contract`), async () => {
        const found: string[] = []
        for (const attempt of attempts)
          for (const contract of CONTRACTS) {
            const status = statusBehind(contract, attempt)
            if (status === null) continue
            const lines = [...checkOf(attempt, contract), ['X-Postern-Secret', PROXY_SECRET] as const]
            let answered = await service.check(contract, lines)
            // On a busy machine the time to judge may be over; nobody is let in by that.
            for (let tries = 0; answered.trueStatus === 503 && tries < 5; tries++)
              answered = await service.check(contract, lines)
            const { caller = 'nobody' } = attempt
            const problems = flaws(answered, contract)
            if (answered.trueStatus !== status)
              problems.push(`${answered.trueStatus} ${answered.reason}, not ${status}`)
            else if (status === 200)
              for (const [header, value] of Object.entries(identityOf(caller)))
                if (answered.headers.get(header) !== value && !attempt.anyIdentity)
                  problems.push(`${header}: ${answered.headers.get(header)}, not ${value}`)
            if (problems.length > 0) found.push(`${contract}: ${problems.join('; ')}: ${shown(attempt)}`)
            if (answered.trueStatus === 200) allowed++
            else denied++
          }
        expect(found.slice(0, 20), `${found.length} of ${attempts.length * CONTRACTS.length}`).toEqual([])
      })
    }
  })

it('tells what passes from what does not: the suite would show nothing if all were denied', () => {
  expect(denied).toBeGreaterThan(1000)
  expect(allowed).toBeGreaterThan(100)
})
