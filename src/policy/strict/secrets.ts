import type { Path } from '../../schema/problem.ts'
import { type Secret, secretsIn } from '../../schema/secret.ts'
import { textOf } from '../places.ts'
import type { Policy } from '../schema.ts'
import type { Item } from './item.ts'

export const SECRET_ITEMS: readonly Item[] = [
  {
    id: 'secret-once',
    what: 'Every secret has one use.',
    why: 'Who holds a secret for one purpose holds it for the others: an origin that is told the gateway’s secret could ask as a proxy, and one proxy as another.',
    how: 'Make one for each place (`openssl rand -hex 32`).',
    look(policy, tell) {
      const seen = new Map<string, string>()
      for (const { path, secret } of privateSecretsOf(policy)) {
        const place = textOf(path)
        // By reference before it is resolved, as for a Worker, and by value once it is.
        const names = [`at ${secret}`, ...(secret.value === null ? [] : [`is ${secret.value}`])]
        const other = names.map((name) => seen.get(name)).find((found) => found !== undefined)
        if (other !== undefined) tell(path, `is the secret of ${other} too: give each its own`)
        for (const name of names) if (!seen.has(name)) seen.set(name, place)
      }
    },
  },
]

/** What may be given by reference and is no secret of anybody's: public keys, digests, addresses. */
function isPublic([section, second, third, fourth]: Path): boolean {
  if (section === 'issuers') return third === 'keys' && fourth !== 'secret'
  if (section === 'apiKeys') return second === 'keys'
  return section === 'store' && second === 'options' && (third === 'url' || third === 'cluster')
}

/** Secrets that nobody else may know, with their places in the file. */
function* privateSecretsOf(policy: Policy): Generator<{ path: Path; secret: Secret }> {
  for (const { path, secret } of secretsIn(policy)) {
    if (isPublic(path)) continue
    const [section, part, ...rest] = path
    const inFile =
      section === 'store' && part === 'options' ? ['store', policy.store?.name ?? '', ...rest] : path
    yield { path: inFile, secret }
  }
}
