/** The Worker as a check for proxies elsewhere, asked as a proxy would ask it. */

import type { Certificates } from '../../e2e/certificate.ts'
import { CERTIFICATES, fingerprintOf, POLICIES } from '../policies.ts'
import { fails, type Proof } from '../scenario.ts'
import { type CheckEntrance, ownForwarded, playChecks } from './checks.ts'
import { WITHOUT_SOCKETS } from './forced.ts'
import type { Target } from './target.ts'
import { edgeLine, portOf, type StartedWorker, startWorker, workerdVersion } from './worker.ts'

/** Certificates are the edge's to see: checks that present one come by way of it. */
const entranceOf =
  (worker: StartedWorker): CheckEntrance =>
  ({ request: { proof } }) => {
    const presented = proof === undefined ? undefined : PRESENTED[proof]
    if (presented === undefined) return { port: portOf(worker) }
    return { port: portOf(worker, 'edge'), lines: [edgeLine({ tlsClientAuth: presented })] }
  }

const verified = (certificate: Certificates, certVerified = 'SUCCESS') => ({
  certPresented: '1',
  certVerified,
  certFingerprintSHA256: fingerprintOf(certificate),
})

const PRESENTED: Partial<Record<Proof, object>> = {
  certificate: verified(CERTIFICATES.certificate),
  'another certificate': verified(CERTIFICATES['another certificate']),
  'certificate that does not verify': verified(CERTIFICATES.certificate, 'FAILED:self signed certificate'),
}

export const workerdCheck: Target = {
  name: 'workerd check',
  version: workerdVersion,
  missing: async () => null,
  differences: [
    WITHOUT_SOCKETS,
    {
      why: "Without a proxy nobody takes out the client's copy of a forwarded field, and workerd joins both to a target that none can be.",
      concerns: ownForwarded,
      instead: () => fails('path_malformed', 400),
    },
  ],

  async start(policy) {
    const worker = await startWorker(POLICIES[policy])
    return {
      play: (rows) => playChecks(entranceOf(worker), rows, worker.records),
      output: worker.output,
      stop: () => worker.workerd.stop(),
    }
  },
}
