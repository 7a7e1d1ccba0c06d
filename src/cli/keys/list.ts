import type { Command } from 'commander'
import { type KeyView, keyView } from '../../admin/key-view.ts'
import { askFor, itemsOf, pathOf, withAdmin } from '../admin/connection.ts'
import { type Common, common } from '../admin/options.ts'
import { type Column, printArray, printTable } from '../admin/table.ts'
import type { Io } from '../io.ts'
import { printKey } from './show.ts'

interface Options extends Common {
  readonly owner?: string
  readonly pepper?: string
  readonly status?: string
}

const COLUMNS: readonly Column<KeyView>[] = [
  ['ID', ({ id }) => id],
  ['OWNER', ({ owner }) => owner],
  ['STATUS', ({ status }) => status],
  ['ROLES', ({ roles }) => roles.join(',')],
  ['EXPIRES', ({ expires }) => expires],
  ['LAST USED', ({ lastUsed }) => lastUsed],
  ['START', ({ secrets }) => secrets.at(-1)?.start ?? null],
]

export function register(keys: Command, io: Io): void {
  common(keys.command('list').description('list API keys'))
    .option('--owner <id>', 'only keys of this owner')
    .option('--status <status>', 'only active, not_yet_valid, expired or revoked ones')
    .option('--pepper <version>', 'only keys with a secret under this pepper (sha256: plain digests)')
    .action((options: Options) => list(options, io))
  common(keys.command('show').description('show an API key').argument('<id>', 'id of the key')).action(
    async (id: string, options: Common) => {
      const view = await withAdmin(options, io, (connection) =>
        askFor(connection, keyView, 'GET', pathOf(['keys', id])),
      )
      printKey(view, options.json, io)
    },
  )
}

function list(options: Options, io: Io): Promise<void> {
  return withAdmin(options, io, async (connection) => {
    const all = itemsOf(connection, keyView, ['keys'], { owner: options.owner })
    const chosen = only(all, options)
    if (options.json === true) return printArray(chosen, io.stdout)
    const count = await printTable(chosen, COLUMNS, io.stdout)
    if (count === 0) io.stdout.write('no keys\n')
  })
}

async function* only(all: AsyncIterable<KeyView>, { pepper, status }: Options): AsyncGenerator<KeyView> {
  for await (const view of all) {
    if (status !== undefined && view.status !== status) continue
    if (pepper !== undefined && !view.secrets.some((secret) => (secret.pepper ?? 'sha256') === pepper))
      continue
    yield view
  }
}
