import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { mintKey } from '../credentials/api-key/form.ts'
import { type ApiKeysSection, apiKey } from '../credentials/api-key.ts'
import { sectionOf } from '../policy/sections.ts'
import { hmacSha256 } from '../ports/node-crypto.ts'
import { NAME } from '../schema/fields.ts'
import { suggestion } from '../schema/problem.ts'
import { secretOf } from '../schema/secret.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import { printProblems, readPolicy } from './policy-file.ts'

interface CreateOptions {
  readonly policy: string
  readonly owner: string
  readonly tenant?: string
  readonly roles?: string
  readonly expires?: string
  readonly json?: boolean
}

/** `postern keys`: for now, making a key. As long as no store keeps keys, it goes into the policy by hand. */
export function register(program: Command, io: Io): void {
  const keys = program.command('keys').description('manage API keys')
  keys
    .command('create')
    .description('make an API key: it is shown once, with the line that lets it in')
    .requiredOption('--owner <id>', 'id of the key: who upstreams will be told it is')
    .option('--tenant <name>', 'tenant that it belongs to')
    .option('--roles <list>', 'roles, joined by commas')
    .option('--expires <time>', 'point in time from which it is refused, as in 2027-06-01T00:00:00Z')
    .option('--policy <file>', 'policy file', './postern.yaml')
    .option('--json', 'print one JSON object')
    .action((options: CreateOptions) => createKey(options, io))
}

function createKey(options: CreateOptions, io: Io): void {
  const loaded = readPolicy(options.policy, io)
  if (!loaded.ok) throw new CommandFailure(1, printProblems(loaded.problems))
  const known = loaded.policy.roles
  // The registry forgets the sections' types; this command belongs to one of them.
  const apiKeys = sectionOf(loaded.policy, apiKey) as ApiKeysSection | undefined
  if (apiKeys === undefined)
    throw new CommandFailure(1, `${options.policy} has no apiKeys: add prefix and peppers there first\n`)
  const signing = Object.entries(apiKeys.peppers).at(-1)
  if (signing === undefined)
    throw new CommandFailure(1, `${options.policy} has no pepper under apiKeys.peppers: add one first\n`)
  const roles = (options.roles ?? '')
    .split(',')
    .map((role) => role.trim())
    .filter((role) => role !== '')
  const faults = [
    ...(NAME.test(options.owner)
      ? []
      : [`--owner ${JSON.stringify(options.owner)} is not a name: letters, digits, - _ . and @`]),
    ...(Object.hasOwn(apiKeys.keys, options.owner)
      ? [`--owner ${options.owner} has a key already: give this one another id`]
      : []),
    ...roles
      .filter((role) => !Object.hasOwn(known, role))
      .map((role) => `--roles: ${role} is not a role: ${suggestion(role, Object.keys(known))}`),
    ...(options.expires === undefined || isInstant(options.expires)
      ? []
      : [`--expires ${JSON.stringify(options.expires)} is not a point in time: write 2027-06-01T00:00:00Z`]),
  ]
  if (faults.length > 0) throw new CommandFailure(2, `${faults.join('\n')}\n`)

  const [version, pepper] = signing
  const secret = secretOf(pepper)
  const key = mintKey(apiKeys.prefix, options.tenant ?? '', secret, hmacSha256, () => randomBytes(1)[0] ?? 0)
  const entry = {
    digest: `hmac-sha256:${version}:${hmacSha256(secret, key)}`,
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    ...(roles.length === 0 ? {} : { roles }),
    ...(options.expires === undefined ? {} : { expires: options.expires }),
  }
  if (options.json === true) {
    io.stdout.write(`${JSON.stringify({ id: options.owner, key, entry })}\n`)
    return
  }
  io.stdout.write(
    `The key, shown this once:\n\n  ${key}\n\nThe line for ${options.policy}, under apiKeys.keys (its digest tells nobody the key):\n\n    ${lineOf(options.owner, entry)}\n`,
  )
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
