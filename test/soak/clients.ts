/** Who sends: many kept connections at full speed, one that speaks h2, some that go away, some that are slow. */
import { type ClientHttp2Session, connect } from 'node:http2'
import { createConnection } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Dice } from '../e2e/targets.ts'
import { Connection, type Line } from '../e2e/wire.ts'
import type { Court } from './court.ts'
import { PENALTY } from './oracle.ts'
import { bytesOf, type Order, type Traffic } from './traffic.ts'

/** What all clients share. */
export interface Surroundings {
  readonly port: number
  readonly seed: number
  readonly traffic: Traffic
  readonly court: Court
  /** Whether the run is over. */
  over(): boolean
}

/** Keeps two connections, one by way of the balancer and one of its own, and asks one request after the other. */
export async function steady(index: number, surroundings: Surroundings): Promise<void> {
  const { port, seed, traffic, court, over } = surroundings
  const dice = new Dice(seed * 1000 + index)
  const own = `127.0.1.${1 + index}`
  const ways = { balancer: new Connection(port, `127.0.9.${1 + index}`), direct: new Connection(port, own) }
  while (!over()) await ask(traffic.next(dice, own), ways, court)
  ways.balancer.close()
  ways.direct.close()
}

async function ask(
  order: Order,
  ways: Readonly<Record<Order['via'], Connection>>,
  court: Court,
): Promise<number> {
  court.sending(order)
  const reply = await ways[order.via].send(bytesOf(order))
  court.answer(order.nonce, reply)
  return reply?.status ?? 0
}

/**
 * Guesses from one address after the other until it is banned. Below `least` guesses it must not be, beyond `most` it
 * must, and then it stays so whatever it presents.
 */
export async function guessing(index: number, surroundings: Surroundings): Promise<void> {
  const { port, seed, traffic, court, over } = surroundings
  const dice = new Dice(seed * 1000 + 500 + index)
  const own = `127.0.1.${100 + index}`
  const ways = { balancer: new Connection(port, `127.0.9.${100 + index}`), direct: new Connection(port, own) }
  for (let address = 0; !over(); address++) {
    const client = `10.8.${index * 16 + Math.floor(address / 200)}.${1 + (address % 200)}`
    let banned = 0
    let refused = 0
    for (let sent = 0; banned === 0 && refused <= PENALTY.most && !over(); sent++) {
      const settled = sent < PENALTY.least ? [401] : refused < PENALTY.most ? [401, 403] : [403]
      const status = await ask(traffic.guess(dice, client, settled, own), ways, court)
      if (status === 401) refused++
      if (status === 403) banned = Date.now()
      // As many as a person at a keyboard does not reach, and few enough that others get their turn.
      await delay(20)
    }
    for (let more = 0; more < 5 && !over(); more++)
      if (Date.now() < banned + PENALTY.milliseconds - 2000)
        await ask(traffic.banned(dice, client, own), ways, court)
  }
  ways.balancer.close()
}

/** Classes that can be said in h2, and over a connection that is cut. */
const plain = (kind: string): boolean =>
  !/larger|odd|direct|stranger|twice|form of the host|other methods/.test(kind)

/** Many streams on one connection, some of which it resets. */
export async function multiplexed(index: number, surroundings: Surroundings): Promise<void> {
  const { port, seed, court, over, traffic } = surroundings
  const dice = new Dice(seed * 1000 + 700 + index)
  const localAddress = `127.0.9.${200 + index}`
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`, {
    createConnection: () => createConnection({ port, host: '127.0.0.1', localAddress }),
  })
  session.on('error', (error) => court.complain('the h2 connection failed', String(error)))
  const one = async () => {
    while (!over() && !session.destroyed)
      await stream(session, traffic.next(dice, '', plain), dice.chance(3), court)
  }
  await Promise.all(Array.from({ length: 4 }, one))
  session.destroy()
}

function stream(session: ClientHttp2Session, order: Order, reset: boolean, court: Court): Promise<void> {
  const headers: Record<string, string | string[]> = {
    ...{ ':method': order.method, ':path': order.target, ':authority': order.host },
  }
  for (const [name, value] of order.lines) headers[name.toLowerCase()] = value
  court.sending(order)
  return new Promise((resolve) => {
    const sent = session.request(headers)
    let lines: Line[] = []
    let status = 0
    let body = ''
    sent.setEncoding('utf8')
    sent.on('response', (got) => {
      status = Number(got[':status'])
      lines = Object.entries(got).map(([name, value]): Line => [name, String(value)])
    })
    sent.on('data', (text: string) => {
      body += text
    })
    sent.on('error', () => {})
    sent.on('close', () => {
      if (reset) court.aborted(order.nonce)
      else court.answer(order.nonce, status === 0 ? null : { status, lines, body })
      resolve()
    })
    sent.end(order.body)
    if (reset) setImmediate(() => sent.close())
  })
}

/** Sends whole or half requests and goes away without waiting. */
export async function leaving(index: number, surroundings: Surroundings): Promise<void> {
  const { port, seed, court, over, traffic } = surroundings
  const dice = new Dice(seed * 1000 + 800 + index)
  const localAddress = `127.0.9.${220 + index}`
  while (!over()) {
    const order = traffic.next(dice, '', plain)
    const bytes = bytesOf(order)
    const part = dice.chance(50) ? bytes : bytes.slice(0, 1 + dice.below(bytes.length))
    court.sending(order)
    await new Promise<void>((resolve) => {
      const socket = createConnection({ port, host: '127.0.0.1', localAddress })
      socket.on('error', () => {}).on('close', () => resolve())
      socket.on('connect', () =>
        socket.write(part, 'latin1', () => setTimeout(() => socket.destroy(), dice.below(6))),
      )
    })
    court.aborted(order.nonce)
    await delay(20)
  }
}

/** Takes seconds to send its header, a few bytes at a time, and wants its answer nevertheless. */
export async function slow(index: number, surroundings: Surroundings): Promise<void> {
  const { port, seed, court, over, traffic } = surroundings
  const dice = new Dice(seed * 1000 + 900 + index)
  while (!over()) {
    const order = traffic.next(dice, '', plain)
    const bytes = bytesOf(order)
    const connection = new Connection(port, `127.0.9.${230 + index}`)
    const parts = 3 + dice.below(5)
    let at = 0
    for (let part = 1; part < parts && !over(); part++) {
      const next = Math.floor((bytes.length * part) / parts)
      connection.write(bytes.slice(at, next))
      at = next
      await delay(200 + dice.below(600))
    }
    // Judged by when the last byte left: nothing is decided before it.
    court.sending(order)
    court.answer(order.nonce, await connection.send(bytes.slice(at)))
    connection.close()
  }
}
