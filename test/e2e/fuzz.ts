/**
 * The fuzz of request targets, for everything that stands before an upstream: whatever reaches it must have been
 * authorised under every common reading of its path.
 */
import { expect } from 'vitest'
import { token } from './credentials.ts'
import { ALPHA, breach, type Caller, hostOf, LITERALS, NOBODY, READER } from './guarded.ts'
import { Dice, oddTargets } from './targets.ts'
import type { Upstream } from './upstream.ts'
import { Connection, header, type Line, requestBytes } from './wire.ts'

export const SEED = Number(process.env['POSTERN_SEED'] ?? 20261121)
export const TARGETS = 5000
const CONNECTIONS = 8

const CALLERS = [NOBODY, NOBODY, READER, ALPHA]

/** What stands before an upstream. */
export interface Front {
  readonly port: number
  readonly upstream: Upstream
  /** Lines that every request needs beside its own. */
  readonly more?: readonly Line[]
  /** Where the upstream learns the host that was asked for. */
  readonly hostHeader?: string
}

/** Sends odd targets as several callers, and holds what arrives against the oracle. */
export async function fuzz({ port, upstream, more = [], hostHeader = 'Host' }: Front): Promise<void> {
  const dice = new Dice(SEED)
  const cases = oddTargets(dice, LITERALS, TARGETS).map((target) => ({
    target,
    caller: dice.pick(CALLERS),
    host: dice.pick([
      'app.example.com',
      'open.example.com',
      'open.example.com',
      'OPEN.example.com',
      'open.example.com.',
      'app.example.com:80',
    ]),
  }))
  const headers = new Map<Caller, Line | null>()
  for (const caller of CALLERS) headers.set(caller, caller.claims && (await token({ ...caller.claims })))

  const before = upstream.received.length
  const statuses = new Map<number, number>()
  const entries = cases.entries()
  const work = async () => {
    const connection = new Connection(port)
    // The entries are shared: every connection takes the next one.
    for (const [at, { target, caller, host }] of entries) {
      const credential = headers.get(caller)
      const lines: Line[] = [['X-Case', String(at)], ...(credential ? [credential] : []), ...more]
      const answer = await connection.send(requestBytes(target, { host, headers: lines }))
      const status = answer?.status ?? 0
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))

  const arrived = upstream.received.slice(before)
  const breaches = arrived.flatMap((received) => {
    const sent = cases[Number(header(received.lines, 'X-Case') ?? -1)]
    const host = hostOf(header(received.lines, hostHeader) ?? '')
    const found = breach(received.target, host, sent?.caller ?? NOBODY)
    if (found === null) return []
    const { reading, route, parameters } = found
    return [
      `${sent?.caller.name ?? 'an unknown request'} sent ${JSON.stringify(sent?.target)} to ${sent?.host}, and the upstream received ` +
        `${JSON.stringify(received.target)} for ${host}: read as ${JSON.stringify(reading.path)} (${reading.how}) ` +
        `that is ${route === null ? 'no route' : `route ${route} ${JSON.stringify(parameters)}`}`,
    ]
  })
  const tally = [...statuses].map(([status, count]) => `${count} x ${status}`).join(', ')
  expect(breaches.slice(0, 20), `${breaches.length} breaches, seed ${SEED}; ${tally}`).toEqual([])
  // The fuzz would prove nothing if little passed, or if the proxy had refused everything by itself.
  expect(arrived.length, tally).toBeGreaterThan(TARGETS / 50)
  // Fewer than the others: where a proxy cleans nothing, nine in ten of these targets are 400, whoever asks.
  expect(statuses.get(401) ?? 0, tally).toBeGreaterThan(TARGETS / 100)
  expect(statuses.get(400) ?? 0, tally).toBeGreaterThan(TARGETS / 50)
  expect(statuses.get(200), tally).toBe(arrived.length)
}
