import type { Command } from 'commander'
import { shownOnce } from '../../admin/key-view.ts'
import { storeOf } from '../../node/state.ts'
import { askFor, pathOf, soundPolicy, withAdmin } from '../admin/connection.ts'
import { type Common, common, defined } from '../admin/options.ts'
import { CommandFailure } from '../failure.ts'
import type { Io } from '../io.ts'
import { type FieldOptions, fieldsOf, withFields } from './fields.ts'
import { createLine, type LineOptions } from './policy-line.ts'
import { printKey } from './show.ts'

interface Options extends Common, FieldOptions {
  readonly owner: string
  readonly id?: string
  readonly idempotencyKey?: string
}

export function register(keys: Command, io: Io): void {
  const command = keys
    .command('create')
    .description('make an API key; it is shown once')
    .requiredOption('--owner <id>', 'who it stands for: the id that upstreams are told')
    .option('--id <id>', 'id of the key itself; generated unless given')
  common(withFields(command))
    .option('--idempotency-key <text>', 'give the same answer when the same is asked again within a day')
    .action((options: Options) => create(options, io))
}

async function create(options: Options, io: Io): Promise<void> {
  const fields = fieldsOf(options)
  if (options.admin === undefined) {
    const policy = soundPolicy(options.policy, io)
    if (storeOf(policy).name === 'memory') {
      const { policy: file, owner, json } = options
      const beyond = ['id', 'notBefore', 'description', 'idempotencyKey'].filter((name) => name in options)
      if (beyond.length > 0)
        throw new CommandFailure(
          2,
          `${beyond.join(', ')}: a key in the policy file has no such thing; take a store that lasts (store: { sqlite: ./postern.db })\n`,
        )
      createLine(
        policy,
        { ...fields, policy: file, owner, ...(json === true ? { json } : {}) } as LineOptions,
        io,
      )
      return
    }
  }
  const { owner, id, idempotencyKey } = options
  const view = await withAdmin(options, io, (connection) =>
    askFor(connection, shownOnce, 'POST', pathOf(['keys']), {
      body: { owner, ...defined({ id }), ...fields },
      headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
    }),
  )
  printKey(view, options.json, io)
}
