/** The documented limit on WebSockets: Postern judges the handshake, and only the proxy knows how many are open. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import { type Answer, Connection, exchange, type Line, requestBytes } from './wire.ts'

const policy = { routes: { public: { match: { path: '/public/**' }, credentials: ['anonymous'] } } }

/** As the files say. */
const LIMIT = 20

const HANDSHAKE: readonly Line[] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
]

await throughEachProxy((kind, { limitsWebSockets }) => {
  let stand: Stand
  const open: Connection[] = []
  beforeAll(async () => {
    stand = await startStand(kind, { policy, fewWebSockets: true })
  })
  afterAll(async () => {
    for (const connection of open) connection.close()
    await stand?.stop()
  })

  async function shake(from?: string): Promise<{ connection: Connection; answer: Answer | null }> {
    const connection = new Connection(stand.port, from)
    open.push(connection)
    return {
      connection,
      answer: await connection.send(requestBytes('/public/live', { headers: HANDSHAKE })),
    }
  }

  it(`${limitsWebSockets} may hold ${LIMIT} of them open, and another one when one has ended`, async () => {
    const first = await shake()
    expect(first.answer?.status, stand.output()).toBe(101)
    for (let count = 1; count < LIMIT; count++) expect((await shake()).answer?.status, `${count}`).toBe(101)

    const before = stand.upstream.received.length
    expect([429, 503], stand.output()).toContain((await shake()).answer?.status)
    expect(stand.upstream.received.length).toBe(before)
    expect((await shake('127.0.0.2')).answer?.status).toBe(limitsWebSockets === 'each client' ? 101 : 503)
    expect((await exchange(stand.port, requestBytes('/public/a')))?.status).toBe(200)

    first.connection.close()
    await expect.poll(async () => (await shake()).answer?.status, { timeout: 5000 }).toBe(101)
  })
})
