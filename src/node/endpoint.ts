import type { AddressInfo, Server } from 'node:net'

/** Where a listener listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Reads `HOST:PORT`, with IPv6 in brackets; null for anything else. Port 0 takes a free one. */
export function parseEndpoint(text: string): Endpoint | null {
  const [, bracketed, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? name
  const port = Number(digits)
  return host === undefined || digits === undefined || port > 65535 ? null : { host, port }
}

export const textOfEndpoint = ({ host, port }: Endpoint): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

/** A listener that could not be opened, said so that an operator knows what to change. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'the permission for this port is missing',
  ENOTFOUND: 'the host name cannot be resolved',
  EAI_AGAIN: 'the host name cannot be resolved right now',
}

/** Starts listening and tells the address that it got. */
export function listen(server: Server, name: string, endpoint: Endpoint): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const why = WHY[error.code ?? ''] ?? error.code ?? error.message
      reject(new ListenError(`cannot listen on ${textOfEndpoint(endpoint)} (listen.${name}): ${why}`))
    }
    server.once('error', refuse)
    server.listen({ host: endpoint.host, port: endpoint.port, backlog: 1024 }, () => {
      server.off('error', refuse)
      const { address, port } = server.address() as AddressInfo
      resolve(textOfEndpoint({ host: address, port }))
    })
  })
}
