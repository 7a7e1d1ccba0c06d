import type { Counters, CredentialRequest, Knowledge, Ports } from '../../src/core/model.ts'
import type { StoredKeys } from '../../src/credentials/contract.ts'
import type { StateFigures } from '../../src/http/state-metrics.ts'

/** Counters that never say no and remember nothing. */
export const freeCounters: Counters = {
  charge: (charges) => ({
    charged: charges.map(({ burst }) => ({ ok: true, remaining: burst, full: 0, wait: 0 })),
    epoch: 1,
  }),
  size: () => 7,
}

/** Knowledge of a state in which nothing was ever revoked or banned. */
export const quietKnowledge: Knowledge = {
  banned: () => false,
  revoked: () => false,
  epoch: 1,
  behind: () => false,
  catchUp: () => undefined,
  stale: () => false,
  guessed: () => {},
}

/** A store without keys. */
export const noKeys: StoredKeys = {
  imported: false,
  find: () => ({ is: 'known', key: null }),
  used: () => {},
}

/** Ports of a world in which nothing happens, and whatever a test says of them. */
export const portsOf = (part: Partial<Ports> = {}): Ports => ({
  counters: freeCounters,
  local: {
    charge: () => {
      throw new Error('nobody asked for local counters in this test')
    },
  },
  knowledge: quietKnowledge,
  now: Date.now,
  ticks: () => performance.now(),
  ...part,
})

/** Figures of a state in which nothing ever happened. */
export const quietFigures: StateFigures = {
  store: { state: 'closed', opened: 0, failures: 0, timeouts: 0 },
  knowledge: { revocations: 0, bans: 0, age: 0 },
  notices: null,
}

/** What an authenticator sees of a check that carries nothing, and whatever a test says of it. */
export const requestOf = (part: Partial<CredentialRequest> = {}): CredentialRequest => ({
  headers: { lines: () => [], names: () => [] },
  client: null,
  now: 0,
  deadline: (part.now ?? 0) + 400,
  asking: () => {},
  degraded: () => {},
  ...part,
})
