/** The yardstick of a check with Redis: node:http that evaluates the script and then answers, or answers at once. */

import { createServer } from 'node:http'
import { createClient } from '@redis/client'

const url = process.env['BENCH_REDIS']
const commands = JSON.parse(process.env['BENCH_COMMANDS'] ?? '[]') as string[][]
const client =
  url === undefined
    ? null
    : createClient({ RESP: 2, url, disableClientInfo: true, maintNotifications: 'disabled' })
await client?.connect()
let next = 0
const server = createServer((_, response) => {
  const answer = () => response.writeHead(200, { 'Content-Length': '0' }).end()
  if (client === null) answer()
  else void client.sendCommand(commands[next++ % commands.length] as string[]).then(answer)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 }))
})
