/**
 * The least that Node can do: node:http that returns the headers of an allow and does nothing else. With a certificate
 * it answers the same over TLS, in HTTP/2 and HTTP/1.1, as Postern does.
 */

import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'

const headers = JSON.parse(process.env['BENCH_HEADERS'] ?? '{}') as Record<string, string>
const { BENCH_CERTIFICATE: cert, BENCH_KEY: key } = process.env

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const port = await listen(createServer((_, response) => response.writeHead(200, headers).end()))
if (cert === undefined || key === undefined) console.log(JSON.stringify({ port }))
else {
  const secure = createSecureServer({ cert, key, allowHTTP1: true }, (_, response) => {
    response.writeHead(200, headers)
    response.end()
  })
  console.log(JSON.stringify({ port, listen: { tls: `127.0.0.1:${await listen(secure)}` } }))
}
