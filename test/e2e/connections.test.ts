/** What checks cost on the wire: answers that make a proxy drop its connection would double that. */
import { expect, it } from 'vitest'
import { startStand, throughEachProxy } from './stand.ts'
import { Connection, requestBytes } from './wire.ts'

const policy = {
  routes: {
    public: { match: { path: '/public/**' }, credentials: ['anonymous'] },
    docs: { match: { path: '/docs/**' }, credentials: ['jwt:company'] },
  },
}

const CLIENTS = 8
const REQUESTS = 40

await throughEachProxy(
  (kind) => {
    it(`${CLIENTS * REQUESTS} checks of ${CLIENTS} clients, allowed and denied, need no more connections than clients`, async () => {
      const stand = await startStand(kind, { policy, relayed: true })
      const connections = () => stand.relay?.connections() ?? 0
      try {
        const before = connections()
        const statuses = await Promise.all(
          Array.from({ length: CLIENTS }, async () => {
            const connection = new Connection(stand.port)
            const seen = new Set<number | undefined>()
            for (let request = 0; request < REQUESTS; request++) {
              const target = ['/public/a', '/docs/a', '/nowhere'][request % 3] ?? ''
              seen.add((await connection.send(requestBytes(target)))?.status)
            }
            connection.close()
            return [...seen].join()
          }),
        )
        expect(new Set(statuses)).toEqual(new Set(['200,401,403']))
        expect(connections() - before).toBeLessThanOrEqual(CLIENTS)
      } finally {
        await stand.stop()
      }
    })
  },
  ({ keepsConnections }) => keepsConnections,
)
