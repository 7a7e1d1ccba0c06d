import type { Command } from 'commander'
import type * as z from 'zod'
import { pepperPage } from '../../admin/peppers.ts'
import { askFor, askToDo, pathOf, withAdmin } from '../admin/connection.ts'
import { type Common, common } from '../admin/options.ts'
import { type Column, printTable } from '../admin/table.ts'
import type { Io } from '../io.ts'

type Page = z.output<typeof pepperPage>

const yes = (what: boolean): string => (what ? 'yes' : 'no')

const COLUMNS: readonly Column<Page['items'][number]>[] = [
  ['VERSION', ({ version }) => version],
  ['IN POLICY', ({ inPolicy }) => yes(inPolicy)],
  ['SIGNS', ({ signs }) => yes(signs)],
  ['IN STORE', ({ inStore }) => yes(inStore)],
]

/** Versions of peppers. */
export function register(keys: Command, io: Io): void {
  const peppers = keys.command('peppers').description('look at pepper versions, and forget one')
  common(peppers.command('list').description('list pepper versions, of the policy and of the store')).action(
    async (options: Common) => {
      const { items } = await withAdmin(options, io, (connection) =>
        askFor(connection, pepperPage, 'GET', pathOf(['peppers'])),
      )
      if (options.json === true) io.stdout.write(`${JSON.stringify(items)}\n`)
      else if ((await printTable(each(items), COLUMNS, io.stdout)) === 0) io.stdout.write('no peppers\n')
    },
  )
  common(
    peppers
      .command('retire')
      .description('forget a pepper that no key in the store needs any more')
      .argument('<version>', 'its version, as in v1'),
  ).action(async (version: string, options: Common) => {
    await withAdmin(options, io, (connection) => askToDo(connection, 'DELETE', pathOf(['peppers', version])))
    io.stdout.write(
      options.json === true ? `${JSON.stringify({ retired: version })}\n` : `retired ${version}\n`,
    )
  })
}

async function* each<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items
}
