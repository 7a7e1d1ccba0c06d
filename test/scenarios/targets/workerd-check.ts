/** The Worker as a check for proxies elsewhere, asked as a proxy would ask it. */

import { POLICIES } from '../policies.ts'
import { fails } from '../scenario.ts'
import { ownForwarded, playChecks } from './checks.ts'
import type { Target } from './target.ts'
import { portOf, startWorker, workerdVersion } from './worker.ts'

export const workerdCheck: Target = {
  name: 'workerd check',
  version: workerdVersion,
  missing: async () => null,
  differences: [
    {
      why: "Without a proxy nobody takes out the client's copy of a forwarded field, and workerd joins both to a target that none can be.",
      concerns: ownForwarded,
      instead: () => fails('path_malformed', 400),
    },
  ],

  async start(policy) {
    const worker = await startWorker(POLICIES[policy])
    return {
      play: (rows) => playChecks(portOf(worker), rows, worker.records),
      output: worker.output,
      stop: () => worker.workerd.stop(),
    }
  },
}
