import type { Command } from 'commander'
import type * as z from 'zod'
import { banView } from '../admin/bans.ts'
import { askFor, askToDo, itemsOf, pathOf, withAdmin } from './admin/connection.ts'
import { type Common, common, defined } from './admin/options.ts'
import { type Column, printArray, printFields, printTable } from './admin/table.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'

type View = z.output<typeof banView>

interface AddOptions extends Common {
  readonly for?: string
  readonly forever?: boolean
  readonly reason?: string
}

const COLUMNS: readonly Column<View>[] = [
  ['NETWORK', ({ network }) => network],
  ['UNTIL', ({ until }) => until ?? 'for ever'],
  ['LEVEL', ({ level }) => level],
  ['BY', ({ by }) => by],
  ['CREATED', ({ created }) => created],
  ['REASON', ({ reason }) => reason],
]

/** `postern bans`: clients that may not ask for a while. */
export function register(program: Command, io: Io): void {
  const bans = program.command('bans').description('ban addresses, and lift bans')
  const on = (name: string, description: string) =>
    common(bans.command(name).description(description).argument('<network>', 'address or network (CIDR)'))
  common(bans.command('list').description('list bans, those of the penalty box included')).action(
    (options: Common) => list(options, io),
  )
  on('add', 'ban an address or a network')
    .option('--for <duration>', 'how long, as in 24h')
    .option('--forever', 'until it is lifted')
    .option('--reason <text>', 'why, for those who look later')
    .action((network: string, options: AddOptions) => add(network, options, io))
  on('lift', 'lift a ban').action(async (network: string, options: Common) => {
    await withAdmin(options, io, (connection) => askToDo(connection, 'DELETE', pathOf(['bans'], { network })))
    io.stdout.write(
      options.json === true ? `${JSON.stringify({ lifted: network })}\n` : `lifted ${network}\n`,
    )
  })
}

async function add(network: string, { reason, forever, ...options }: AddOptions, io: Io): Promise<void> {
  if ((options.for === undefined) !== (forever === true))
    throw new CommandFailure(2, 'say how long: either --for 24h or --forever\n')
  const view = await withAdmin(options, io, (connection) =>
    askFor(connection, banView, 'POST', pathOf(['bans']), {
      body: { network, duration: options.for ?? null, ...defined({ reason }) },
    }),
  )
  if (options.json === true) io.stdout.write(`${JSON.stringify(view)}\n`)
  else printFields({ ...view, until: view.until ?? 'for ever' }, io.stdout)
}

function list(options: Common, io: Io): Promise<void> {
  return withAdmin(options, io, async (connection) => {
    const all = itemsOf(connection, banView, ['bans'])
    if (options.json === true) return printArray(all, io.stdout)
    if ((await printTable(all, COLUMNS, io.stdout)) === 0) io.stdout.write('no bans\n')
  })
}
