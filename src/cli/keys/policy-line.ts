import { randomBytes } from 'node:crypto'
import { stringify } from 'yaml'
import { mintKey } from '../../credentials/api-key/form.ts'
import { type ApiKeysSection, apiKey } from '../../credentials/api-key.ts'
import type { Policy } from '../../policy/schema.ts'
import { sectionOf } from '../../policy/sections.ts'
import { hmacSha256 } from '../../ports/node-crypto.ts'
import { NAME } from '../../schema/fields.ts'
import { suggestion } from '../../schema/problem.ts'
import { secretOf } from '../../schema/secret.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'

/** What the line of a key in the policy file can say. */
export interface LineOptions {
  readonly policy: string
  readonly owner: string
  readonly tenant?: string
  readonly email?: string
  readonly roles?: readonly string[]
  readonly permissions?: readonly string[]
  readonly scopes?: readonly string[]
  readonly networks?: readonly string[]
  readonly limits?: readonly string[]
  readonly expires?: string
  readonly json?: boolean
}

/** Makes a key for a policy whose store keeps none: shows it with the line that goes into the policy by hand. */
export function createLine(policy: Policy, options: LineOptions, io: Io): void {
  // The registry forgets the sections' types; this command belongs to one of them.
  const apiKeys = sectionOf(policy, apiKey) as ApiKeysSection | undefined
  if (apiKeys === undefined)
    throw new CommandFailure(1, `${options.policy} has no apiKeys: add prefix and peppers there first\n`)
  const signing = Object.entries(apiKeys.peppers).at(-1)
  if (signing === undefined)
    throw new CommandFailure(1, `${options.policy} has no pepper under apiKeys.peppers: add one first\n`)
  const faults = faultsOf(options, policy, apiKeys)
  if (faults.length > 0) throw new CommandFailure(2, `${faults.join('\n')}\n`)

  const [version, pepper] = signing
  const secret = secretOf(pepper)
  const key = mintKey(apiKeys.prefix, options.tenant ?? '', secret, hmacSha256, () => randomBytes(1)[0] ?? 0)
  const { policy: file, owner, json, ...fields } = options
  const entry = { digest: `hmac-sha256:${version}:${hmacSha256(secret, key)}`, ...fields }
  if (json === true) {
    io.stdout.write(`${JSON.stringify({ id: owner, key, entry })}\n`)
    return
  }
  io.stdout.write(
    `The key, shown this once:\n\n  ${key}\n\nThe line for ${file}, under apiKeys.keys (its digest tells nobody the key):\n\n    ${lineOf(owner, entry)}\n`,
  )
}

function faultsOf(
  { owner, roles = [], limits = [], expires }: LineOptions,
  policy: Policy,
  apiKeys: ApiKeysSection,
): string[] {
  const unknown = (list: readonly string[], known: object, option: string, what: string) =>
    list
      .filter((entry) => !Object.hasOwn(known, entry))
      .map((entry) => `${option}: ${entry} is not a ${what}: ${suggestion(entry, Object.keys(known))}`)
  return [
    ...(NAME.test(owner)
      ? []
      : [`--owner ${JSON.stringify(owner)} is not a name: letters, digits, - _ . and @`]),
    ...(Object.hasOwn(apiKeys.keys, owner)
      ? [`--owner ${owner} has a key already: give this one another id`]
      : []),
    ...unknown(roles, policy.roles, '--roles', 'role'),
    ...unknown(limits, policy.limits, '--limits', 'limit'),
    ...(expires === undefined || isInstant(expires)
      ? []
      : [`--expires ${JSON.stringify(expires)} is not a point in time: write 2027-06-01T00:00:00Z`]),
  ]
}

const isInstant = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text) &&
  !Number.isNaN(Date.parse(text))

/** One line of YAML in flow style. */
const lineOf = (id: string, entry: object): string =>
  stringify({ [id]: entry }, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true })
    .trim()
    .replace(/^\{\s*([\s\S]*)\}$/, '$1')
    .trim()
