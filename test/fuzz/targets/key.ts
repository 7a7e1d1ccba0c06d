import { mintKey } from '../../../src/credentials/api-key/form.ts'
import { hmacSha256, sha256Hex } from '../../../src/ports/node-crypto.ts'
import type { Dice } from '../../e2e/targets.ts'
import { strong } from '../../support/policy.ts'
import { serviceOf } from '../../support/service.ts'
import { faultsOf } from '../answer.ts'
import type { Harness, Judgement, Target } from '../target.ts'
import { MOMENT } from './moment.ts'

const PEPPERS = { v1: strong('older'), v2: strong('newer') }

/** A key that is the same in every run. */
const minted = (tenant: string, version: keyof typeof PEPPERS, first: number): string => {
  let byte = first
  return mintKey('ak_live', tenant, PEPPERS[version], hmacSha256, () => (byte = (byte * 7 + 13) % 248))
}

const KEYS = {
  good: minted('acme', 'v2', 1),
  older: minted('acme', 'v1', 2),
  expired: minted('acme', 'v2', 3),
  premature: minted('acme', 'v2', 4),
  elsewhere: minted('acme', 'v2', 5),
  without: minted('acme', 'v2', 6),
  unknown: minted('acme', 'v2', 7),
  imported: 'ak_live_0123456789abcdef0123456789abcdef',
}
/** Who may pass, and as whom. */
const GOOD = new Map([
  [KEYS.good, 'good'],
  [KEYS.older, 'older'],
  [KEYS.imported, 'imported'],
])

const digest = (version: keyof typeof PEPPERS, key: string) =>
  `"hmac-sha256:${version}:${hmacSha256(PEPPERS[version], key)}"`

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1] } }
roles: { user: { permissions: ["app:use"] } }
apiKeys:
  prefix: ak_live
  peppers: { v1: "\${V1}", v2: "\${V2}" }
  keys:
    good: { digest: ${digest('v2', KEYS.good)}, roles: [user] }
    older: { digest: ${digest('v1', KEYS.older)}, roles: [user] }
    imported: { digest: "sha256:${sha256Hex(KEYS.imported)}", roles: [user] }
    expired: { digest: ${digest('v2', KEYS.expired)}, roles: [user], expires: 2026-01-01T00:00:00Z }
    premature: { digest: ${digest('v2', KEYS.premature)}, roles: [user], notBefore: 2027-01-01T00:00:00Z }
    elsewhere: { digest: ${digest('v2', KEYS.elsewhere)}, roles: [user], networks: [10.0.0.0/8] }
    without: { digest: ${digest('v2', KEYS.without)} }
routes:
  app: { match: { path: /** }, credentials: [api-key], require: { roles: [user] } }
`

async function open(): Promise<Harness> {
  const service = serviceOf(POLICY, { variables: { V1: PEPPERS.v1, V2: PEPPERS.v2 }, now: MOMENT })
  return {
    run: async (input) => {
      const lines = input.split('\n')
      const headers = lines.map((line) => ['X-API-Key', line] as const)
      const answered = await service.ask({ headers })
      return (): Judgement => {
        const { status, reason } = answered
        const secrets = [...lines, ...Object.values(KEYS), PEPPERS.v1, PEPPERS.v2]
        const failures = faultsOf(answered, secrets)
        const owner = lines.length === 1 ? GOOD.get(lines[0] ?? '') : undefined
        if (status === 200 && owner === undefined)
          failures.push({ kind: 'breach', detail: JSON.stringify(lines) })
        const told = answered.headers.get('x-auth-user')
        if (status === 200 && told !== owner)
          failures.push({ kind: 'another principal', detail: `${told} for ${owner}` })
        return { failures, features: [`${status} ${reason} ${lines.length > 1}`], allowed: status === 200 }
      }
    },
  }
}

const NAMES = Object.keys(KEYS) as (keyof typeof KEYS)[]
const ENDS = ['', '', ' ', '\0', '\t', ',', '\n', '=', '\xe9', '_', 'a', '\x7f']

/** API keys. */
export const key: Target = {
  name: 'key',
  what: 'API keys in one or several lines: exactly the three good keys pass, and nothing of any is told',
  longest: 4000,
  dictionary: [
    ...Object.values(KEYS),
    ...ENDS,
    'ak_',
    'ak_live_',
    'AK_LIVE_',
    'Bearer ',
    '0123456789abcdef',
    'sha256:',
    'hmac-sha256:v1:',
  ],
  seeds: Object.values(KEYS),
  generate: (dice: Dice) => {
    const one = KEYS[dice.pick(NAMES)]
    const cut = dice.chance(30) ? one.slice(0, dice.below(one.length)) : one
    return dice.pick(ENDS) + cut + dice.pick(ENDS) + (dice.chance(10) ? KEYS[dice.pick(NAMES)] : '')
  },
  ordinary: ({ length }) => `ak_live_${'a'.repeat(Math.max(1, length - 8))}`,
  times: 30,
  open,
}
