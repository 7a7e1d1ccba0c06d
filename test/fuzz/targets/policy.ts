import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decide } from '../../../src/core/decide.ts'
import { compile } from '../../../src/policy/compile.ts'
import { loadPolicy } from '../../../src/policy/load.ts'
import type { Dice } from '../../e2e/targets.ts'
import { environmentOf, outsideOf, strong } from '../../support/policy.ts'
import { portsOf } from '../../support/ports.ts'
import { linesOf } from '../../support/service.ts'
import { leaks } from '../answer.ts'
import type { Failure, Harness, Judgement, Target } from '../target.ts'
import { MOMENT } from './moment.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Every variable has a secret of its own; none of them may be read in a problem. */
const secretOf = (name: string): string => strong(name)
const VARIABLES = [
  'SECRET', 'PEPPER', 'POSTERN_SECRET', 'API_KEY_PEPPER', 'PROXY_SECRET', 'JWT_SECRET', 'ADMIN',
] // biome-ignore format: a table
const environment = environmentOf(Object.fromEntries(VARIABLES.map((name) => [name, secretOf(name)])), {
  '/run/secrets/x': secretOf('file'),
})
const SECRETS = [...VARIABLES.map(secretOf), secretOf('file')]

/** Requests that nobody vouches for, one for each pattern that the policy names. */
function strangers(paths: readonly string[]): readonly { readonly host: string; readonly target: string }[] {
  const hosts = ['app.example.com', 'omni.example.com', 'a.b', 'localhost']
  const targets = new Set([
    '/',
    '/x',
    '/health',
    '/admin/x',
    ...paths.map((path) => path.replace('/**', '/x').replaceAll(':', '')),
  ])
  return [...targets].slice(0, 12).flatMap((target) => hosts.map((host) => ({ host, target })))
}

/** Whether the text itself says that somebody may pass without a credential: without the word no route can. */
const opens = (text: string): boolean => /anonymous|preflight/.test(text) || /[\\!]/.test(text)

async function open(): Promise<Harness> {
  const ports = portsOf({ now: () => MOMENT, ticks: () => 0 })
  return {
    run: async (input) => {
      const text = Buffer.from(input, 'latin1').toString('utf8')
      const loaded = loadPolicy(text, { environment, file: 'postern.yaml' })
      if (!loaded.ok) {
        const { problems } = loaded
        return (): Judgement => {
          const failures: Failure[] = []
          const lines = text.split(/\r\n|[\n\r]/).length
          if (problems.length === 0) failures.push({ kind: 'refused without a problem', detail: text })
          for (const { line, column, message, path } of problems) {
            if (!(line >= 1 && line <= lines + 1 && column >= 1))
              failures.push({ kind: 'nowhere', detail: `${line}:${column} of ${lines}: ${message}` })
            if (/\n/.test(message) || message === '')
              failures.push({ kind: 'message', detail: JSON.stringify(message) })
            failures.push(...leaks([message, path], SECRETS))
          }
          // Names of fields, without what the user wrote.
          const features = problems
            .slice(0, 8)
            .map(({ message }) => message.replace(/[`"'].*?[`"']|\d+/g, '').slice(0, 60))
          return { failures, features, allowed: false }
        }
      }
      const { engine } = compile(loaded.policy, outsideOf({ now: () => MOMENT }))
      const paths = Object.values(loaded.policy.routes).map(({ match }) => match.path)
      const verdicts = await Promise.all(
        strangers(paths).map(({ host, target }) =>
          decide(
            {
              proxy: 'traefik',
              method: 'GET',
              scheme: 'https',
              host,
              target,
              forwardedFor: '203.0.113.9',
              headers: linesOf([]),
            },
            engine,
            ports,
          ),
        ),
      )
      const untrusted = [...engine.proxies].filter(([, entry]) =>
        entry.trusts({ peer: null, headers: linesOf([]), certificate: () => null }),
      )
      return (): Judgement => {
        const failures: Failure[] = []
        for (const { verdict, reason, request, cause } of verdicts) {
          if (reason === 'internal') failures.push({ kind: 'caught crash', detail: String(cause) })
          if (verdict === 'allow' && !opens(text))
            failures.push({
              kind: 'open',
              detail: `${request.host}${request.path} passes without a credential`,
            })
        }
        for (const [name] of untrusted)
          failures.push({ kind: 'trust', detail: `${name} trusts who shows nothing` })
        return {
          failures,
          features: verdicts.map(({ reason, route }) => `${reason} ${route}`.slice(0, 60)),
          allowed: true,
        }
      }
    },
  }
}

const SMALL = `
proxies: { traefik: { peers: [127.0.0.1], secret: "\${SECRET}" } }
issuers: { company: { issuer: "https://a.example", audience: [app], keys: { secret: "\${SECRET}" }, algorithms: [HS256] } }
apiKeys: { peppers: { v1: "\${PEPPER}" }, keys: { bot: { digest: "sha256:${'a'.repeat(64)}", roles: [user] } } }
roles: { user: { permissions: ["app:use"] } }
limits: { per-client: { by: client, rate: 60/minute, burst: 10 } }
routes:
  app: { match: { host: app.example.com, path: /admin/** }, credentials: [jwt:company], require: { roles: [user] }, limits: [per-client] }
  both: { match: { path: /both/** }, credentials: [jwt:company, api-key], networks: { deny: [10.0.0.0/8] } }
`

/** Policies that users copy, as far as they are not too long to learn from. */
const EXAMPLES = globSync('examples/*.yaml', { cwd: ROOT })
  .sort()
  .map((file) => Buffer.from(readFileSync(join(ROOT, file), 'utf8')).toString('latin1'))
  .filter(({ length }) => length < 8000)

const FIELDS = [
  'proxies', 'issuers', 'apiKeys', 'roles', 'limits', 'routes', 'identity', 'trustedHops', 'listen', 'store',
  'bans', 'admin', 'gateway', 'match', 'host', 'path', 'methods', 'credentials', 'require', 'permissions',
  'inherits', 'networks', 'allow', 'deny', 'countries', 'asns', 'peers', 'secret', 'certificates', 'keys',
  'jwks', 'pem', 'jwk', 'algorithms', 'audience', 'claims', 'maxAge', 'by', 'rate', 'burst', 'onOutage',
  'headers',
] // biome-ignore format: a table
const SCALARS = [
  '[]', '{}', 'null', '~', 'true', '0', '-1', '1e9', '.inf', '.nan', '""', '"${SECRET}"', '"${NOT_THERE}"',
  '{ file: /run/secrets/x }', 'jwt:company', 'api-key', '/**', '/:a/**', '/a//b', '/a/../b', '/%2e', '"*"',
  '0.0.0.0/0', '::/0', '10.0.0.5/8', '300/minute', '1/0s', '5m', 'user', '[user]', '__proto__', 'constructor',
  '&a [*a]', '*a', '<<: *a', '!!binary aGk=', '!!js/function x', '|\n  x', '? x', '%YAML 1.2', '---', '...',
  '# x', '"\\u0000"', '\xff', "'", '\t',
] // biome-ignore format: a table

/** Policy files. */
export const policy: Target = {
  name: 'policy',
  what: 'the text of a policy file: loaded, compiled and asked; a text that never says `anonymous` lets nobody pass without a credential',
  longest: 20_000,
  dictionary: [
    ...FIELDS.map((field) => `${field}: `),
    ...SCALARS,
    '\n',
    '\n  ',
    ': ',
    '- ',
    ', ',
    '{ ',
    ' }',
    '[',
    ']',
  ],
  seeds: [SMALL, ...EXAMPLES],
  generate: (dice: Dice) => {
    let text = SMALL
    for (let twists = dice.chance(50) ? 1 : 1 + dice.below(4); twists > 0; twists--) {
      const lines = text.split('\n')
      const at = 1 + dice.below(lines.length - 1)
      const line = lines[at] ?? ''
      const values = [...line.matchAll(/(?<=[:[,] )(?:"[^"]*"|[\w./:-]+|\[[^\]]*\])/g)]
      const { 0: found = '', index = 0 } =
        values.length === 0 ? { 0: '', index: line.length } : dice.pick(values)
      const by = dice.chance(70) ? dice.pick(SCALARS) : `{ ${dice.pick(FIELDS)}: ${dice.pick(SCALARS)} }`
      lines[at] = line.slice(0, index) + by + line.slice(index + found.length)
      if (dice.chance(20)) lines.push(`${dice.pick(FIELDS)}: ${dice.pick(SCALARS)}`)
      text = lines.join('\n')
    }
    return text
  },
  ordinary: ({ length }) => {
    const routes = Math.max(1, Math.floor((length - SMALL.length) / 75))
    const more = Array.from(
      { length: routes },
      (_, at) => `  r${at}: { match: { path: /r${at}/x/** }, credentials: [jwt:company] }`,
    )
    return `${SMALL}${more.join('\n')}\n`
  },
  times: 12,
  open,
}
