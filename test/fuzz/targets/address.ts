import type { Dice } from '../../e2e/targets.ts'
import { fieldsOf, serviceOf } from '../../support/service.ts'
import { faultsOf } from '../answer.ts'
import { clientOf, networksOf } from '../oracles/address.ts'
import type { Harness, Judgement, Target } from '../target.ts'
import { MOMENT } from './moment.ts'

const TRUSTED = ['10.0.0.0/8', '2001:db8:ffff::/48']
const ALLOWED = ['192.168.0.0/16', '2001:db8:1::/48']
const DENIED = ['192.168.1.128/25', '2001:db8:1:2::/64']

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1] } }
trustedHops: [${TRUSTED.join(', ')}]
routes:
  inside: { match: { path: /** }, credentials: [anonymous], networks: { allow: [${ALLOWED.join(', ')}], deny: [${DENIED.join(', ')}] } }
`
const [trusted, allowed, denied] = [networksOf(...TRUSTED), networksOf(...ALLOWED), networksOf(...DENIED)]

async function open(): Promise<Harness> {
  const service = serviceOf(POLICY, { now: MOMENT })
  const others = fieldsOf({}, 'traefik').filter(([name]) => name !== 'X-Forwarded-For')
  return {
    run: async (input) => {
      const lines = input.split('\n')
      const answered = await service.check('traefik', [
        ...others,
        ...lines.map((line) => ['X-Forwarded-For', line] as const),
      ])
      return (): Judgement => {
        const { status, reason, decision } = answered
        const failures = faultsOf(answered)
        const client = clientOf(lines, trusted)
        if (status === 200 && (client === null || !allowed(client) || denied(client)))
          failures.push({ kind: 'breach', detail: `${JSON.stringify(lines)} is client ${client}` })
        const believed = decision.request.client?.text ?? null
        if (believed !== null && believed !== client)
          failures.push({
            kind: 'another client',
            detail: `${believed} for ${JSON.stringify(lines)}, which is ${client}`,
          })
        const family = believed === null ? 'none' : believed.includes(':') ? 'v6' : 'v4'
        return {
          failures,
          features: [`${status} ${reason} ${family} ${Math.min(lines.length, 3)}`],
          allowed: status === 200,
        }
      }
    },
  }
}

const HOPS = [
  '192.168.1.7', '192.168.1.200', '10.1.2.3', '203.0.113.9', '2001:db8:1::7', '2001:db8:1:2::7',
  '2001:db8:ffff::1', '::ffff:192.168.1.7', '::ffff:c0a8:107', '0:0:0:0:0:ffff:10.0.0.1',
  '[2001:db8:1::7]:443', '192.168.1.7:80', 'fe80::1%eth0', '[fe80::1%25eth0]', 'unknown', '_hidden',
  '192.168.001.7', '0xc0a80107', '3232235783', '', '::', '::1',
] // biome-ignore format: a table
const PIECES = [
  ',', ', ', '\n', ' ', ':', '::', '.', '[', ']', '%', '%eth0', ':0', ':65536', 'f', '0', '00', '256', ';',
  '"', '\t',
] // biome-ignore format: a table

/** Forwarded addresses. */
export const address: Target = {
  name: 'address',
  what: "X-Forwarded-For in one or several lines, held against Node's own parsers and block list",
  longest: 6000,
  dictionary: [...HOPS, ...PIECES],
  seeds: [...HOPS, '203.0.113.9, 10.0.0.1', '192.168.1.7, 10.0.0.1\n10.2.3.4', '192.168.1.7, 203.0.113.9'],
  generate: (dice: Dice) =>
    Array.from({ length: 1 + dice.below(dice.chance(5) ? 40 : 4) }, () => dice.pick(HOPS)).join(
      dice.pick([',', ', ', '\n', ' ,']),
    ),
  ordinary: ({ length }) =>
    Array.from({ length: Math.max(1, Math.floor(length / 10)) }, () => '10.0.0.1').join(', '),
  times: 30,
  open,
}
