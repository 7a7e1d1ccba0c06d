import { factsOf } from '../admin/policy-facts.ts'
import { decide } from '../core/decide.ts'
import { recordedShare } from '../http/sampling.ts'
import { type Compiled, type CompileOutside, compile } from '../policy/compile.ts'
import type { Policy } from '../policy/schema.ts'
import { nodeOutside } from '../ports/node-outside.ts'
import type { State } from '../state/state.ts'
import { StoreFault } from '../stores/contract.ts'
import { ListenError } from './endpoint.ts'
import { LineWriter } from './lines.ts'
import { createProcessLog, inWords, type ProcessLog } from './log.ts'
import type { Report } from './orders.ts'
import { type Installation, type Listening, Service } from './service.ts'
import { openState } from './state.ts'

/** A policy as it stands in its file, or all that is wrong with it. */
export type LoadedPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly listening: Listening }
  | { readonly ok: false; readonly problems: string }

/** A policy file as it stands now, or why it cannot be read. */
export type PolicyText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: string }

export interface ProcessOptions {
  /** As the operator named it. */
  readonly policyFile: string
  /** Whether standard output is a terminal. */
  readonly terminal: boolean
  stderr(text: string): void
  /** Reads the policy file. */
  read(): PolicyText
  /** What the text of a policy says. */
  load(text: string): LoadedPolicy
  /** A path of the policy as this process can open it. */
  resolvePath(path: string): string
}

/** The policy file as it is now. */
export function loadFile({ read, load }: Pick<ProcessOptions, 'read' | 'load'>): LoadedPolicy {
  const file = read()
  return file.ok ? load(file.text) : file
}

/** Milliseconds that the last lines have to leave. */
const FLUSH_PATIENCE = 300

/** Where the lines of a process go. */
export interface Output {
  /** Standard output. */
  readonly audit: LineWriter
  /** Standard error. */
  readonly errors: LineWriter
  readonly log: ProcessLog
  /** Resolves once all lines have left, or nobody takes them. */
  flush(): Promise<void>
}

/** @param together whether other processes write to the same places */
export function openOutput(together: boolean): Output {
  const audit = new LineWriter(1, { ascii: true, together })
  const errors = new LineWriter(2, { together })
  const log = createProcessLog(errors)
  reportCrash(log, [audit, errors])
  const flush = async (): Promise<void> => {
    await Promise.all([audit.flush(FLUSH_PATIENCE), errors.flush(FLUSH_PATIENCE)])
  }
  return { audit, errors, log, flush }
}

/** How an instance stands among others. */
export interface Standing {
  /** Processes on this machine that share the store's work, this one included. */
  readonly processes: number
  /** Whether a primary tells of its health. */
  readonly reported: boolean
  /** The policy when it is to be put in force anew. */
  reload(): LoadedPolicy
}

/** The service with its state, whoever runs it. */
export class Instance {
  readonly #state: State
  readonly #service: Service

  /** @throws {StoreFault} see openState */
  static async open(
    first: LoadedPolicy & { readonly ok: true },
    { terminal, resolvePath }: Pick<ProcessOptions, 'terminal' | 'resolvePath'>,
    { audit, log }: Output,
    { processes, reported, reload }: Standing,
  ): Promise<Instance> {
    const outside = nodeOutside((event, details) => log.warn(event, details))
    const state = await openState(first.policy, outside, resolvePath)
    const installer = new Installer({ ...outside, keys: state.knowledge.keys, processes })
    const service = new Service(installer.install(first), {
      decide,
      ports: {
        counters: state.store,
        local: state.local,
        knowledge: state.knowledge,
        now: outside.now,
        ticks: () => performance.now(),
      },
      state,
      audit,
      terminal,
      log,
      reported,
      reload: () => {
        const loaded = reload()
        return loaded.ok ? { ok: true, installation: installer.install(loaded) } : loaded
      },
    })
    return new Instance(state, service)
  }

  private constructor(state: State, service: Service) {
    this.#state = state
    this.#service = service
  }

  /** @returns the addresses of the listeners by name @throws {ListenError} when one cannot be opened */
  async start(): Promise<Readonly<Record<string, string>>> {
    await this.#state.start()
    return this.#service.start()
  }

  reload(): void {
    this.#service.reload()
  }

  report(): Promise<Report> {
    return this.#service.report()
  }

  /** Lets go of every connection without losing a check, then of the state. */
  async stop(): Promise<void> {
    await this.#service.stop()
    await this.#state.stop()
  }
}

/** Why an instance cannot serve, as it is printed; null when it is no fault of the surroundings. */
export function startProblem(cause: unknown): string | null {
  if (cause instanceof StoreFault) return `postern: store: ${cause.message}\n`
  return cause instanceof ListenError ? `postern: ${cause.message}\n` : null
}

/** Compiles policies one after the other; each takes over what the one before defined alike. */
class Installer {
  readonly #outside: CompileOutside
  #compiled: Compiled | null = null

  constructor(outside: CompileOutside) {
    this.#outside = outside
  }

  install({ policy, listening }: { readonly policy: Policy; readonly listening: Listening }): Installation {
    const compiled = compile(policy, this.#outside, this.#compiled)
    this.#compiled = compiled
    const { engine, authenticators } = compiled
    return { engine, authenticators, facts: factsOf(policy), listening, recorded: recordedShare(policy) }
  }
}

/** An error that nobody caught leaves the process in a state that nobody knows: its supervisor starts another. */
function reportCrash(log: ProcessLog, writers: readonly LineWriter[]): void {
  process.on('uncaughtException', (error) => {
    log.error('crashed', { problem: inWords(error), stack: error instanceof Error ? error.stack : undefined })
    for (const writer of writers) writer.flushSync()
    process.exit(1)
  })
}
