import { decide } from '../core/decide.ts'
import { type Compiled, type CompileOutside, compile } from '../policy/compile.ts'
import type { Policy } from '../policy/schema.ts'
import { nodeOutside } from '../ports/node-outside.ts'
import type { State } from '../state/state.ts'
import { StoreFault } from '../stores/contract.ts'
import { ListenError } from './endpoint.ts'
import { LineWriter } from './lines.ts'
import { createProcessLog, inWords, type ProcessLog } from './log.ts'
import { type Installation, type Listening, Service } from './service.ts'
import { openState } from './state.ts'
import { version } from './version.ts'

/** A policy as it stands in its file now, or all that is wrong with it. */
export type LoadedPolicy =
  | { readonly ok: true; readonly policy: Policy; readonly listening: Listening }
  | { readonly ok: false; readonly problems: string }

export interface ProcessOptions {
  /** As the operator named it. */
  readonly policyFile: string
  /** Whether standard output is a terminal. */
  readonly terminal: boolean
  stderr(text: string): void
  load(): LoadedPolicy
  /** A path of the policy as this process can open it. */
  resolvePath(path: string): string
}

/** Milliseconds that the last audit lines have to leave. */
const FLUSH_PATIENCE = 300

/** Serves until a signal ends the process. @returns the exit code */
export async function runProcess(options: ProcessOptions): Promise<number> {
  const first = options.load()
  if (!first.ok) {
    options.stderr(first.problems)
    return 1
  }
  const audit = new LineWriter(1, { ascii: true })
  const errors = new LineWriter(2)
  const log = createProcessLog(errors)
  reportCrash(log, [audit, errors])

  const outside = nodeOutside((event, details) => log.warn(event, details))
  let state: State
  try {
    state = await openState(first.policy, outside, options.resolvePath)
  } catch (cause) {
    if (!(cause instanceof StoreFault)) throw cause
    options.stderr(`postern: store: ${cause.message}\n`)
    return 1
  }
  const installer = new Installer({ ...outside, keys: state.knowledge.keys, processes: 1 })
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
    terminal: options.terminal,
    log,
    reload: () => {
      const loaded = options.load()
      return loaded.ok ? { ok: true, installation: installer.install(loaded) } : loaded
    },
  })
  const stopped = signalled(service, log)
  try {
    await state.start()
    const listen = await service.start()
    audit.write(readyLine(listen, options.policyFile))
    await audit.flush(FLUSH_PATIENCE)
  } catch (cause) {
    if (!(cause instanceof ListenError)) throw cause
    options.stderr(`postern: ${cause.message}\n`)
    return 1
  }
  await stopped
  await state.stop()
  await Promise.all([audit.flush(FLUSH_PATIENCE), errors.flush(FLUSH_PATIENCE)])
  // Whatever still has a timer (a key set that refreshes itself) has no say in it.
  process.exit(0)
}

/** The first line of output: where to reach us. In ASCII like the records, whatever the file is called. */
function readyLine(listen: Readonly<Record<string, string>>, policy: string): string {
  const line = JSON.stringify({ event: 'ready', listen, version, policy })
  return `${line.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
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
    return { engine: compiled.engine, authenticators: compiled.authenticators, listening }
  }
}

/** Resolves when the service has let go of everything after SIGTERM or SIGINT. A second one does not wait. */
function signalled(service: Service, log: ProcessLog): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const stop = (signal: string): void => {
      if (stopping) {
        resolve()
        return
      }
      stopping = true
      log.info('stopping', { signal })
      void service.stop().then(() => {
        log.info('stopped')
        resolve()
      })
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGHUP', () => service.reload())
  })
}

/** An error that nobody caught leaves the process in a state that nobody knows: its supervisor starts another. */
function reportCrash(log: ProcessLog, writers: readonly LineWriter[]): void {
  process.on('uncaughtException', (error) => {
    log.error('crashed', { problem: inWords(error), stack: error instanceof Error ? error.stack : undefined })
    for (const writer of writers) writer.flushSync()
    process.exit(1)
  })
}
