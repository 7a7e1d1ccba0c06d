/** Postern as a process with every contract and every listener, for attackers that speak to it directly. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueCertificates } from '../e2e/certificate.ts'
import { PROXY_SECRET } from '../e2e/credentials.ts'
import { startPostern } from '../e2e/stand.ts'
import { type Answer, exchange, header, type Line } from '../e2e/wire.ts'
import type { Attempt } from './attack.ts'
import { type Contract, checkOf, POLICY, proxiesWith, VARIABLES } from './stage.ts'

export const ADMIN_TOKEN = 'an-admin-token-of-the-attack-suite'

export interface Served {
  /** Ports by listener: check, health, admin, tls. */
  readonly ports: Readonly<Record<'check' | 'health' | 'admin' | 'tls', number>>
  /** PEM of the authority behind the TLS listener. */
  readonly ca: string
  /** Everything printed so far on standard output but the first line, a line each. */
  readonly records: readonly string[]
  output(): string
  stop(): Promise<void>
}

/** @param part sections in place of, or beside, those of the stage */
export async function serve(part: object = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-attacks-'))
  const certificates = issueCertificates()
  const records: string[] = []
  const digest = `sha256:${createHash('sha256').update(ADMIN_TOKEN).digest('hex')}`
  const policy = {
    ...POLICY,
    listen: {
      check: '127.0.0.1:0',
      health: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      tls: { address: '127.0.0.1:0', certificate: { file: 'certificate.pem' }, key: { file: 'key.pem' } },
    },
    admin: { tokens: { ops: { digest, role: 'writer' } } },
    store: 'memory',
    proxies: proxiesWith({ peers: ['127.0.0.1/32'], secret: '${POSTERN_SECRET}' }),
    ...part,
  }
  const running = await startPostern(
    { adapter: 'traefik', tls: false },
    { policy, environment: VARIABLES, onRecord: (line) => records.push(line) },
    folder,
    certificates,
    0,
  )
  const portOf = (name: string): number => Number(running.listen[name]?.split(':').at(-1))
  return {
    ports: { check: portOf('check'), health: portOf('health'), admin: portOf('admin'), tls: portOf('tls') },
    ca: certificates.ca,
    records,
    output: running.output,
    async stop() {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The bytes of a check with exactly these lines. */
export const bytesOf = (lines: readonly Line[], start: string, more = ''): string =>
  `${start}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${more}\r\n`

const SECRET: Line = ['X-Postern-Secret', PROXY_SECRET]
const HOST: Line = ['Host', 'postern']

/** A sound check of an attempt, its secret included. */
export const checkBytes = (attempt: Attempt, contract: Contract = 'traefik'): string =>
  bytesOf([HOST, ...checkOf(attempt, contract), SECRET], `GET /check/${contract} HTTP/1.1`)

/** Asks on a connection of its own; the true status, 0 when there was no answer. */
export const ask = async (
  port: number,
  attempt: Attempt,
  contract: Contract = 'traefik',
): Promise<{ status: number; answer: Answer | null }> => {
  const answer = await exchange(port, checkBytes(attempt, contract))
  return { status: Number(header(answer?.lines ?? [], 'X-Postern-Status') ?? 0), answer }
}

/** Anything of a credential that a text holds: the beginning of a JSON part, or a key. */
export const CREDENTIAL = /eyJ[\w-]{20}|ak_(?:live_)?[0-9A-Za-z]{20}/
