import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Endpoint } from './endpoint.ts'
import type { Listening } from './service.ts'

/**
 * Picks a free port wherever port 0 leaves it open, so that workers which come later listen where those before did.
 * Until the first worker listens somebody else may take it, which is a problem like any other address that is taken.
 */
export async function withPorts(listening: Listening): Promise<Listening> {
  const held: Server[] = []
  const fixed = async (endpoint: Endpoint): Promise<Endpoint> => {
    if (endpoint.port !== 0) return endpoint
    const server = createServer().listen({ host: endpoint.host, port: 0 })
    try {
      await once(server, 'listening')
    } catch {
      // A worker will say in full what is wrong with the address.
      return endpoint
    }
    held.push(server)
    return { ...endpoint, port: (server.address() as AddressInfo).port }
  }
  const { check, admin, tls } = listening
  const picked = {
    ...listening,
    check: await fixed(check),
    admin: admin === null ? null : await fixed(admin),
    tls: tls === null ? null : { ...tls, endpoint: await fixed(tls.endpoint) },
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return picked
}
