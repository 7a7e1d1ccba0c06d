import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { randomText } from '../credentials/api-key/form.ts'
import { sha256Hex } from '../ports/node-crypto.ts'
import { NAME } from '../schema/fields.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'

interface Options {
  readonly name: string
  readonly role: string
  readonly json?: boolean
}

/** Base62 characters: 256 bits. */
const LENGTH = 43

/** `postern token`: makes a token of the admin API. Only its digest stands in the policy. */
export function register(program: Command, io: Io): void {
  program
    .command('token')
    .description('make a token of the admin API: it is shown once, with the line for the policy')
    .requiredOption('--name <name>', 'what audit lines call its holder')
    .option('--role <role>', 'reader or writer', 'reader')
    .option('--json', 'print one JSON object')
    .action((options: Options) => make(options, io))
}

function make({ name, role, json }: Options, io: Io): void {
  if (!NAME.test(name))
    throw new CommandFailure(
      2,
      `--name ${JSON.stringify(name)} is not a name: letters, digits, - _ . and @\n`,
    )
  if (role !== 'reader' && role !== 'writer')
    throw new CommandFailure(2, `--role ${JSON.stringify(role)} is not known: write reader or writer\n`)
  const token = `postern_${randomText(LENGTH, () => randomBytes(1)[0] ?? 0)}`
  const digest = `sha256:${sha256Hex(token)}`
  if (json === true) {
    io.stdout.write(`${JSON.stringify({ name, token, entry: { digest, role } })}\n`)
    return
  }
  io.stdout.write(
    `The token, shown this once:\n\n  ${token}\n\nThe line for the policy, under admin.tokens (its digest tells nobody the token):\n\n    ${name}: { digest: "${digest}", role: ${role} }\n`,
  )
}
