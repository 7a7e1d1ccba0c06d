import type { Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { createAdmin } from '../admin/app.ts'
import type { Facts } from '../admin/facts.ts'
import { parseHop } from '../core/address.ts'
import { nodeOutside } from '../ports/node-outside.ts'
import type { State } from '../state/state.ts'
import { type Endpoint, listen } from './endpoint.ts'
import type { LineWriter } from './lines.ts'
import { createPlainServer, type Incoming } from './listeners.ts'
import type { ProcessLog } from './log.ts'
import { version } from './version.ts'

export interface AdminListenerOptions {
  readonly state: Pick<State, 'store' | 'changed'>
  /** Of the policy in force. */
  facts(): Facts
  readonly audit: Pick<LineWriter, 'write'>
  readonly log: ProcessLog
}

/**
 * Opens the listener of the admin API.
 * @throws {ListenError} when it cannot be opened
 */
export async function openAdmin(
  endpoint: Endpoint,
  { state, facts, audit, log }: AdminListenerOptions,
): Promise<{ readonly server: Server; readonly address: string }> {
  const app = createAdmin({
    version,
    store: state.store,
    facts,
    outside: nodeOutside((event, details) => log.warn(event, details)),
    audit: (line) => void audit.write(line.endsWith('\n') ? line : `${line}\n`),
    changed: () => state.changed(),
    peer: (context) => {
      const { incoming } = context.env as { incoming: Incoming }
      return parseHop(incoming.socket?.remoteAddress ?? '')
    },
  })
  const server = createPlainServer(getRequestListener(app.fetch))
  return { server, address: await listen(server, 'admin', endpoint) }
}
