import { isDeepStrictEqual } from 'node:util'
import type { Facts } from '../admin/facts.ts'
import type { Engine } from '../core/engine.ts'
import type { BuiltAuthenticator, KeySetFigures } from '../credentials/contract.ts'
import type { CheckOptions } from '../http/check.ts'
import { Metrics } from '../http/metrics.ts'
import { recordLine, recordText } from '../http/record.ts'
import { isRecorded } from '../http/sampling.ts'
import type { StateFigures } from '../http/state-metrics.ts'
import type { State } from '../state/state.ts'
import { openAdmin } from './admin-listener.ts'
import { Certificate, type CertificateFiles, type KeyPair } from './certificate.ts'
import { createCheckHandler } from './check-handler.ts'
import { Drain } from './drain.ts'
import { type Endpoint, ListenError, listen } from './endpoint.ts'
import { HealthListener } from './health-listener.ts'
import type { LineWriter } from './lines.ts'
import { createPlainServer, createTlsServer, MIN_TLS, type RequestHandler } from './listeners.ts'
import { inWords, type ProcessLog } from './log.ts'
import type { Report } from './orders.ts'

/** Where a policy wants the service to listen. */
export interface Listening {
  readonly check: Endpoint
  /** Null where the policy leaves it open: the usual one, or a free port when that is taken. */
  readonly health: Endpoint | null
  /** Null where the admin API is not wanted. */
  readonly admin: Endpoint | null
  readonly tls: { readonly endpoint: Endpoint; readonly files: CertificateFiles } | null
}

/** A policy in force. */
export interface Installation {
  readonly engine: Engine
  readonly authenticators: readonly BuiltAuthenticator[]
  /** What the admin API holds others against. */
  readonly facts: Facts
  readonly listening: Listening
  /** The share of ordinary allows that are recorded. */
  readonly recorded: number
}

/** What became of a policy file that was read again. */
export type Reloaded =
  | { readonly ok: true; readonly installation: Installation }
  | { readonly ok: false; readonly problems: string }

export interface ServiceOptions {
  readonly decide: CheckOptions['decide']
  readonly ports: CheckOptions['ports']
  readonly state: Pick<State, 'store' | 'changed'> & { figures(): StateFigures }
  /** Compiles the policy anew, or tells all that is wrong with it. */
  reload(): Reloaded
  readonly audit: Pick<LineWriter, 'write' | 'dropped'>
  /** Whether audit lines are for a person. */
  readonly terminal: boolean
  readonly log: ProcessLog
  /** Whether somebody else tells of the service's health, by `report`: then it has no listener for that. */
  readonly reported?: boolean
  /** Milliseconds between two looks at the certificate files. */
  readonly certificateInterval?: number
}

const CERTIFICATE_INTERVAL = 10_000
/** Milliseconds that the other workers need at most to stop listening. */
const OTHERS = 250
/** Milliseconds that letting go of connections may take; supervisors kill after ten seconds. */
const DRAIN_PATIENCE = 4500

/** The running service: its listeners, the policy in force, and how both change and end. */
export class Service {
  readonly #options: ServiceOptions
  readonly #drain: Drain
  readonly #metrics: Metrics
  readonly #reloads = { applied: 0, refused: 0 }
  #installed: Installation
  #ready = false
  #health: HealthListener | null = null
  #certificate: { readonly files: Certificate; readonly use: (pair: KeyPair) => void } | null = null

  constructor(installed: Installation, options: ServiceOptions) {
    this.#installed = installed
    this.#options = options
    this.#drain = new Drain(options.reported === true ? OTHERS : 0)
    this.#metrics = new Metrics({
      keySets: () => this.#keySets(),
      limiterSize: () => options.ports.counters.size(),
      state: () => options.state.figures(),
      linesDropped: () => options.audit.dropped,
      reloads: () => this.#reloads,
      draining: () => this.#drain.active,
    })
  }

  /**
   * Opens every listener.
   * @returns the addresses that they got, by name
   * @throws {ListenError} when one cannot be opened; then none is left open
   */
  async start(): Promise<Record<string, string>> {
    const { check, health, admin, tls } = this.#installed.listening
    const handle = createCheckHandler(
      { ...this.#options, engine: () => this.#installed.engine, record: this.#recorder() },
      this.#drain,
    )
    const addresses: Record<string, string> = {}
    try {
      const plain = createPlainServer(handle)
      this.#drain.add(plain)
      addresses['check'] = await listen(plain, 'check', check)
      if (this.#options.reported !== true) addresses['health'] = await this.#startHealth(health)
      if (admin !== null) addresses['admin'] = await this.#startAdmin(admin)
      if (tls !== null) addresses['tls'] = await this.#startTls(handle, tls)
    } catch (cause) {
      await this.stop(0)
      throw cause
    }
    prepare(this.#installed)
    this.#ready = true
    return addresses
  }

  /** Puts the policy file as it is now in force; with any problem the old one stays. Certificates are read as well. */
  reload(): void {
    const { log } = this.#options
    void this.#certificate?.files.refresh(this.#certificate.use)
    const reloaded = this.#readAgain()
    if (!reloaded.ok) {
      this.#reloads.refused++
      log.error('policy_refused', {
        problems: reloaded.problems.trimEnd().split('\n'),
        kept: 'the one in force',
      })
      return
    }
    const { listening } = this.#installed
    this.#installed = { ...reloaded.installation, listening }
    this.#reloads.applied++
    prepare(this.#installed)
    log.info('policy_reloaded')
    if (!isDeepStrictEqual(listening, reloaded.installation.listening)) {
      log.warn('restart_needed', {
        problem: 'listen has changed, and listeners stay as they are until a restart',
      })
    }
  }

  #readAgain(): Reloaded {
    try {
      return this.#options.reload()
    } catch (cause) {
      return { ok: false, problems: inWords(cause) }
    }
  }

  /** Lets go of every connection without losing a check. */
  async stop(patience: number = DRAIN_PATIENCE): Promise<void> {
    this.#ready = false
    this.#certificate?.files.stop()
    await this.#drain.run(patience)
    this.#health?.close()
  }

  /** How the service fares, for whoever watches over several. */
  async report(): Promise<Report> {
    return { degraded: this.#degraded(), metrics: await this.#metrics.values() }
  }

  #recorder(): CheckOptions['record'] {
    const { audit, terminal } = this.#options
    const lineOf = terminal ? recordText : recordLine
    return (decision, facts) => {
      this.#metrics.count(decision, facts)
      if (isRecorded(decision, this.#installed.recorded, Math.random)) audit.write(lineOf(decision, facts))
    }
  }

  async #startHealth(endpoint: Endpoint | null): Promise<string> {
    const sources = {
      readiness: () => ({ ready: this.#ready, degraded: this.#degraded() }),
      metrics: async () => ({ contentType: this.#metrics.contentType, text: await this.#metrics.text() }),
    }
    this.#health = await HealthListener.open(endpoint, sources, this.#options.log)
    return this.#health.address
  }

  async #startAdmin(endpoint: Endpoint): Promise<string> {
    const { state, audit, log } = this.#options
    const { server, address } = await openAdmin(endpoint, {
      state,
      facts: () => this.#installed.facts,
      audit,
      log,
    })
    this.#drain.add(server)
    return address
  }

  async #startTls(
    handle: RequestHandler,
    { endpoint, files }: NonNullable<Listening['tls']>,
  ): Promise<string> {
    const certificate = new Certificate(files, this.#options.log)
    const server = createTlsServer(handle, await firstPair(certificate))
    this.#drain.add(server)
    const use = (pair: KeyPair): void => server.setSecureContext({ ...pair, minVersion: MIN_TLS })
    this.#certificate = { files: certificate, use }
    certificate.watch(use, this.#options.certificateInterval ?? CERTIFICATE_INTERVAL)
    return listen(server, 'tls.address', endpoint)
  }

  *#keySets(): Generator<KeySetFigures> {
    for (const authenticator of this.#installed.authenticators) yield* authenticator.keySets?.() ?? []
  }

  #degraded(): string[] {
    const { store, knowledge } = this.#options.state.figures()
    return [
      ...(store.state === 'closed' ? [] : ['the store does not answer']),
      ...(Number.isFinite(knowledge.age)
        ? []
        : ['keys, revocations and bans of the store are not known yet']),
      ...[...this.#keySets()]
        .filter(({ age }) => age === null)
        .map(({ variant }) => `the keys of issuer ${variant} have not been fetched yet`),
    ]
  }
}

/** Fetches ahead what a first decision would wait for; nobody waits for that. */
function prepare({ authenticators }: Installation): void {
  for (const authenticator of authenticators) void authenticator.prepare?.()
}

async function firstPair(certificate: Certificate): Promise<KeyPair> {
  try {
    return await certificate.load()
  } catch (cause) {
    throw new ListenError(`cannot use the certificate and key of listen.tls: ${inWords(cause)}`)
  }
}
