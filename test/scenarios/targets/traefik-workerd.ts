/** Traefik in front of the Worker: one proxy's dialect, another runtime's verdict. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueCertificates } from '../../e2e/certificate.ts'
import { PROXY_SECRET } from '../../e2e/credentials.ts'
import { until } from '../../e2e/process.ts'
import { startProxy } from '../../e2e/proxies.ts'
import { startUpstream } from '../../e2e/upstream.ts'
import { Connection, requestBytes } from '../../e2e/wire.ts'
import { POLICIES } from '../policies.ts'
import { answerOf } from '../request.ts'
import { WITHOUT_SOCKETS } from './forced.ts'
import { BY_TRAEFIK, traefik } from './proxies.ts'
import { BALANCER, COMMON, playThrough } from './proxy.ts'
import type { Target } from './target.ts'
import { portOf, startWorker, workerdVersion } from './worker.ts'

export const traefikWorkerd: Target = {
  name: 'Traefik → workerd',
  version: async () => `${await traefik.version()}, ${await workerdVersion()}`,
  missing: traefik.missing,
  differences: [...COMMON, WITHOUT_SOCKETS, ...BY_TRAEFIK],

  async start(policy) {
    const stops: (() => Promise<unknown>)[] = []
    const stop = async () => {
      for (const each of stops.splice(0).reverse()) await each()
    }
    try {
      const folder = await mkdtemp(join(tmpdir(), 'postern-scenarios-'))
      stops.push(() => rm(folder, { recursive: true, force: true }))
      const worker = await startWorker(POLICIES[policy])
      stops.push(() => worker.workerd.stop())
      const upstream = await startUpstream()
      stops.push(() => upstream.stop())
      const { port, running } = await startProxy('traefik', {
        postern: portOf(worker),
        upstream: upstream.port,
        secret: PROXY_SECRET,
        balancer: BALANCER,
        fewWebSockets: false,
        folder,
        ca: issueCertificates().ca,
      })
      stops.push(() => running.stop())
      const asked = async () => {
        const connection = new Connection(port)
        const answer = await answerOf(connection, requestBytes('/public/ready'))
        connection.close()
        return answer?.status
      }
      await until(async () => (await asked()) === 200, running)
      return {
        play: (rows) => playThrough({ port, upstream }, rows, worker.records),
        output: () => `${running.output()}\n${worker.output()}`,
        stop,
      }
    } catch (problem) {
      await stop()
      throw problem
    }
  },
}
