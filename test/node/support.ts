import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Facts } from '../../src/admin/facts.ts'
import type { Ports } from '../../src/core/model.ts'
import type { AppOptions } from '../../src/http/app.ts'
import type { StateFigures } from '../../src/http/state-metrics.ts'
import type { ProcessLog } from '../../src/node/log.ts'
import { type Installation, type Listening, type Reloaded, Service } from '../../src/node/service.ts'
import { guarded } from '../../src/state/guard.ts'
import { MemoryStore } from '../../src/stores/memory.ts'
import { allow, checkOf, engine } from '../http/support.ts'
import { portsOf, quietFigures } from '../support/ports.ts'

export const LOOPBACK = { host: '127.0.0.1', port: 0 }

/** Of a policy that says nothing the admin API has to know. */
export const noFacts: Facts = {
  roles: new Set(),
  limits: new Set(),
  issuers: [],
  apiKeys: null,
  spared: [],
  tokens: [],
  limit: { interval: 1, burst: 1 },
}

const unguarded = { deadline: 0, ticks: () => performance.now(), random: () => 0, report: () => {} }
const clockwork = { micros: () => performance.now() * 1000, random32: () => 7 }

export interface Started {
  readonly service: Service
  readonly listen: Record<string, string>
  /** Audit lines, parsed. */
  readonly records: Record<string, unknown>[]
  readonly events: { event: string; [detail: string]: unknown }[]
}

export interface Starting {
  readonly decide?: AppOptions['decide']
  readonly listening?: Partial<Listening>
  readonly installation?: Partial<Installation>
  readonly reload?: () => Reloaded
  readonly certificateInterval?: number
  readonly ports?: Ports
  readonly figures?: StateFigures
}

/** The service in this process, on free ports. */
export async function startService(starting: Starting = {}): Promise<Started> {
  const records: Record<string, unknown>[] = []
  const events: Started['events'] = []
  const note = (event: string, details = {}): void => void events.push({ event, ...details })
  const log: ProcessLog = { info: note, warn: note, error: note }
  const installation: Installation = {
    engine,
    authenticators: [],
    facts: noFacts,
    listening: { check: LOOPBACK, health: LOOPBACK, admin: null, tls: null, ...starting.listening },
    recorded: 1,
    ...starting.installation,
  }
  const service = new Service(installation, {
    decide: starting.decide ?? (() => allow()),
    ports: starting.ports ?? portsOf(),
    state: {
      figures: () => starting.figures ?? quietFigures,
      store: guarded(new MemoryStore(clockwork), unguarded),
      changed: async () => {},
    },
    reload: starting.reload ?? (() => ({ ok: true, installation })),
    audit: { write: (line: string) => void records.push(JSON.parse(line)), dropped: 3 },
    terminal: false,
    log,
    ...(starting.certificateInterval === undefined
      ? {}
      : { certificateInterval: starting.certificateInterval }),
  })
  return { service, listen: await service.start(), records, events }
}

export const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1))

/** The bytes of a sound check, with lines in place of or beside the usual ones. */
export function bytesOf(
  lines: readonly (readonly [string, string])[] = checkOf('traefik'),
  start = 'GET /check/traefik HTTP/1.1',
  host: string | null = 'postern',
): string {
  const all = [...(host === null ? [] : [['Host', host] as const]), ...lines]
  return `${start}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

export interface Answer {
  readonly status: number
  /** Names in lower case; a repeated one keeps its last value. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One connection on which bytes are sent as they stand. */
export class Wire {
  readonly socket: Socket
  #held = ''
  #closed = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#held += text
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Wire(socket)
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** The next answer; null when the connection closed instead. */
  async answer(withBody = true): Promise<Answer | null> {
    for (;;) {
      const end = this.#held.indexOf('\r\n\r\n')
      if (end >= 0) {
        const [start = '', ...lines] = this.#held.slice(0, end).split('\r\n')
        const headers = Object.fromEntries(
          lines.map((line) => [
            line.slice(0, line.indexOf(':')).toLowerCase(),
            line.slice(line.indexOf(':') + 2),
          ]),
        )
        const length = withBody ? Number(headers['content-length'] ?? 0) : 0
        if (this.#held.length >= end + 4 + length) {
          const body = this.#held.slice(end + 4, end + 4 + length)
          this.#held = this.#held.slice(end + 4 + length)
          return { status: Number(start.slice(9, 12)), headers, body }
        }
      }
      if (this.#closed) return null
      await this.#more()
    }
  }

  /** Resolves once the other side has closed; what came meanwhile. */
  async closed(): Promise<string> {
    while (!this.#closed) await this.#more()
    return this.#held
  }

  close(): void {
    this.socket.destroy()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}

/** One request on a connection of its own. */
export async function exchange(port: number, text: string, withBody = true): Promise<Answer | null> {
  const wire = await Wire.open(port)
  try {
    wire.send(text)
    return await wire.answer(withBody)
  } finally {
    wire.close()
  }
}
