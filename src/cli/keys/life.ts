import type { Command } from 'commander'
import { keyView, shownOnce } from '../../admin/key-view.ts'
import { askFor, askToDo, pathOf, withAdmin } from '../admin/connection.ts'
import { type Common, common } from '../admin/options.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'
import { type FieldOptions, fieldsOf, withFields } from './fields.ts'
import { printKey } from './show.ts'

interface RotateOptions extends Common {
  readonly overlap: string
  readonly idempotencyKey?: string
}

interface UpdateOptions extends Common, FieldOptions {
  readonly ifVersion?: string
}

/** What happens to a key between its making and its end. */
export function register(keys: Command, io: Io): void {
  const one = (name: string, description: string) =>
    keys.command(name).description(description).argument('<id>', 'id of the key')
  common(withFields(one('update', 'change an API key; an empty value takes one away')))
    .option('--if-version <number>', 'only when it has this version')
    .action((id: string, options: UpdateOptions) => update(id, options, io))
  common(one('rotate', 'give an API key a new secret; it is shown once'))
    .option('--overlap <duration>', 'how long the old secret is good beside it; 0s: not at all', '24h')
    .option('--idempotency-key <text>', 'give the same answer when the same is asked again within a day')
    .action((id: string, options: RotateOptions) => rotate(id, options, io))
  common(one('revoke', 'revoke an API key for good and keep its record')).action(
    async (id: string, options: Common) => {
      const view = await withAdmin(options, io, (connection) =>
        askFor(connection, keyView, 'POST', pathOf(['keys', id, 'revoke'])),
      )
      printKey(view, options.json, io)
    },
  )
  common(one('delete', 'delete an API key and its record')).action(async (id: string, options: Common) => {
    await withAdmin(options, io, (connection) => askToDo(connection, 'DELETE', pathOf(['keys', id])))
    io.stdout.write(options.json === true ? `${JSON.stringify({ deleted: id })}\n` : `deleted ${id}\n`)
  })
}

/** Changes the version that was just read, so that nobody's change is lost. */
async function update(id: string, options: UpdateOptions, io: Io): Promise<void> {
  const patch = fieldsOf(options)
  if (Object.keys(patch).length === 0)
    throw new CommandFailure(2, 'nothing to change: name at least one of the fields\n')
  const path = pathOf(['keys', id])
  const view = await withAdmin(options, io, async (connection) => {
    const version = options.ifVersion ?? (await askFor(connection, keyView, 'GET', path)).version
    return askFor(connection, keyView, 'PATCH', path, {
      body: patch,
      headers: { 'if-match': `"${version}"` },
    })
  })
  printKey(view, options.json, io)
}

async function rotate(id: string, options: RotateOptions, io: Io): Promise<void> {
  const { overlap, idempotencyKey } = options
  const view = await withAdmin(options, io, (connection) =>
    askFor(connection, shownOnce, 'POST', pathOf(['keys', id, 'rotate']), {
      body: { overlap },
      headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
    }),
  )
  printKey(view, options.json, io)
}
