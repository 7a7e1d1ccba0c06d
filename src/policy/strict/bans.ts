import type { Item } from './item.ts'
import { takesPrincipals } from './routes.ts'

export const BAN_ITEMS: readonly Item[] = [
  {
    id: 'bans',
    what: 'Clients that guess are banned.',
    why: 'A limit slows guessing down; a ban ends it, before anything is spent on the request.',
    how: 'Write `bans: { failures: 10/5m }`, with the networks that many share under `never` (docs/bans.md).',
    look({ bans, routes }, tell) {
      if (bans === undefined && Object.values(routes).some(takesPrincipals))
        tell(['bans'], 'is missing, so that guessing goes on for ever: write { failures: 10/5m }')
    },
  },
]
