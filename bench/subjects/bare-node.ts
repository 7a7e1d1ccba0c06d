/** The least that Node can do: node:http that returns the headers of an allow and does nothing else. */

import { createServer } from 'node:http'

const headers = JSON.parse(process.env['BENCH_HEADERS'] ?? '{}') as Record<string, string>
const server = createServer((_, response) => response.writeHead(200, headers).end())
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 }))
})
