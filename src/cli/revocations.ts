import type { Command } from 'commander'
import type * as z from 'zod'
import { revocationView } from '../admin/revocations.ts'
import { askFor, askToDo, itemsOf, pathOf, withAdmin } from './admin/connection.ts'
import { type Common, common, defined } from './admin/options.ts'
import { type Column, printArray, printFields, printTable } from './admin/table.ts'
import type { Io } from './io.ts'

type View = z.output<typeof revocationView>

interface Options extends Common {
  readonly issuer: string
  readonly before?: string
  readonly until?: string
  readonly reason?: string
}

const COLUMNS: readonly Column<View>[] = [
  ['ID', ({ id }) => id],
  ['KIND', ({ kind }) => kind],
  ['ISSUER', ({ issuer }) => issuer],
  ['VALUE', ({ value }) => value],
  ['BEFORE', ({ before }) => before],
  ['UNTIL', ({ until }) => until],
  ['BY', ({ by }) => by],
  ['REASON', ({ reason }) => reason],
]

/** What can be revoked, and what stands for it on the command line. */
const KINDS = {
  token: { argument: '<jti>', what: 'one token, by its jti', value: 'id of the token' },
  subject: {
    argument: '<id>',
    what: 'everything issued so far to a principal',
    value: 'id of the principal',
  },
  session: { argument: '<sid>', what: 'everything issued so far in a session', value: 'id of the session' },
} as const

/** `postern revoke` and `postern revocations`. */
export function register(program: Command, io: Io): void {
  const revoke = program.command('revoke').description('withdraw what was issued, before its time')
  for (const [kind, { argument, what, value }] of Object.entries(KINDS)) {
    const command = revoke.command(kind).description(`revoke ${what}`).argument(argument, value)
    described(command, kind !== 'token')
      .requiredOption('--issuer <name>', 'name of its issuer in the policy, its exact iss, or api-key')
      .action((given: string, options: Options) => create(kind, options.issuer, given, options, io))
  }
  described(
    revoke
      .command('issuer')
      .description('revoke everything issued so far by an issuer')
      .argument('<name>', 'its name in the policy, its exact iss, or api-key'),
    true,
  ).action((issuer: string, options: Options) => create('issuer', issuer, undefined, options, io))

  const revocations = program.command('revocations').description('look at what is revoked, and take it back')
  common(revocations.command('list').description('list what is revoked')).action((options: Common) =>
    list(options, io),
  )
  common(
    revocations
      .command('lift')
      .description('take a revocation back')
      .argument('<id>', 'id of the revocation, as the list has it'),
  ).action(async (id: string, options: Common) => {
    await withAdmin(options, io, (connection) => askToDo(connection, 'DELETE', pathOf(['revocations', id])))
    io.stdout.write(options.json === true ? `${JSON.stringify({ lifted: id })}\n` : `lifted ${id}\n`)
  })
}

const described = (command: Command, dated: boolean): Command => {
  common(command)
    .option('--reason <text>', 'why, for those who look later')
    .option('--until <time>', 'when it may be forgotten: when all that it refuses has expired')
  return dated ? command.option('--before <time>', 'what was issued up to then; now unless given') : command
}

async function create(
  kind: string,
  issuer: string,
  value: string | undefined,
  { before, until, reason, ...options }: Options,
  io: Io,
): Promise<void> {
  const view = await withAdmin(options, io, (connection) =>
    askFor(connection, revocationView, 'POST', pathOf(['revocations']), {
      body: { kind, issuer, ...defined({ value, before, until, reason }) },
    }),
  )
  if (options.json === true) io.stdout.write(`${JSON.stringify(view)}\n`)
  else printFields(view, io.stdout)
}

function list(options: Common, io: Io): Promise<void> {
  return withAdmin(options, io, async (connection) => {
    const all = itemsOf(connection, revocationView, ['revocations'])
    if (options.json === true) return printArray(all, io.stdout)
    if ((await printTable(all, COLUMNS, io.stdout)) === 0) io.stdout.write('no revocations\n')
  })
}
