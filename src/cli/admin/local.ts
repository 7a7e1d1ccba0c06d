import { randomBytes } from 'node:crypto'
import { createAdmin } from '../../admin/app.ts'
import { factsOf } from '../../admin/policy-facts.ts'
import { version } from '../../node/version.ts'
import type { Policy } from '../../policy/schema.ts'
import { sha256Hex } from '../../ports/node-crypto.ts'
import type { Io } from '../io.ts'
import { outsideOf } from '../outside.ts'
import type { Connection } from './connection.ts'
import { openStore } from './store.ts'

/** Whoever has the policy, its secrets and its store needs no token: the limit of those is not theirs. */
const UNLIMITED = { interval: 1, burst: 2 ** 30 }

/** The admin API inside of this process, on the store of a policy. */
export async function connectLocally(policy: Policy, file: string, io: Io): Promise<Connection> {
  const store = await openStore(policy, file, io)
  const token = randomBytes(32).toString('hex')
  const facts = {
    ...factsOf(policy),
    tokens: [{ name: actorOf(io), digest: `sha256:${sha256Hex(token)}`, role: 'writer' as const }],
    limit: UNLIMITED,
  }
  const app = createAdmin({
    version,
    store,
    facts: () => facts,
    outside: outsideOf(io),
    // The store keeps the line; whoever serves from it learns of the change by its epoch.
    audit: () => {},
    changed: () => {},
    peer: () => null,
  })
  return {
    async ask(method, path, { body, headers = {} } = {}) {
      const request = new Request(`http://local${path}`, {
        method,
        headers: {
          ...headers,
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const response = await app.fetch(request)
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
    },
    close: () => store.close(),
  }
}

/** Who the audit names: the account that ran the command, as far as the environment tells. */
function actorOf({ env }: Io): string {
  const user = env['SUDO_USER'] ?? env['USER'] ?? env['LOGNAME'] ?? env['USERNAME'] ?? ''
  return /^[\w.@-]{1,64}$/.test(user) ? `cli:${user}` : 'cli'
}
