import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { type Compiled, compile } from '../../src/policy/compile.ts'
import { environmentOf, outsideOf, policyOf, strong } from '../support/policy.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const POLICY = `
proxies: { traefik: { peers: [127.0.0.1/32] } }
issuers:
  main: { issuer: "https://main.example", audience: app, algorithms: [HS256], keys: { secret: "\${TOKEN_SECRET}" } }
  other: { issuer: "https://other.example", audience: app, algorithms: [RS256], keys: { jwks: "https://other.example/keys" } }
apiKeys: { peppers: { v1: "\${PEPPER}" } }
routes: { all: { match: { path: /** }, credentials: ["jwt:main", "jwt:other", api-key] } }
`
const SECRETS = { TOKEN_SECRET: strong('token'), PEPPER: strong('pepper') }

/** What a policy in force is made of, held by nobody who looks at it here. */
const weakly = ({ engine, authenticators }: Compiled): WeakRef<object>[] =>
  [engine, ...authenticators].map((each) => new WeakRef(each))

it('a policy that was taken out of force is let go of, however often others followed', async () => {
  const outside = outsideOf()
  const policy = () => policyOf(POLICY, environmentOf(SECRETS))
  const gone: WeakRef<object>[] = []
  let inForce: Compiled = compile(policy(), outside)
  for (let reload = 0; reload < 5; reload++) {
    gone.push(...weakly(inForce))
    inForce = compile(policy(), outside, inForce)
    // What is referred to weakly lives at least until the turn ends.
    await new Promise((turn) => setImmediate(turn))
  }
  collect()
  expect(gone.map((each) => each.deref()).filter((each) => each !== undefined)).toEqual([])
  expect(inForce.authenticators.length).toBeGreaterThan(1)
})
