import cluster from 'node:cluster'
import { isDeepStrictEqual } from 'node:util'
import { Counter, Gauge, Registry } from 'prom-client'
import { STORES } from '../stores/index.ts'
import { Fleet } from './fleet.ts'
import { HealthListener } from './health-listener.ts'
import { type LoadedPolicy, type Output, openOutput, type ProcessOptions, startProblem } from './instance.ts'
import { withPorts } from './ports.ts'
import { readyLine } from './ready-line.ts'
import { onStop } from './signals.ts'
import { storeOf } from './state.ts'

export interface PrimaryOptions extends ProcessOptions {
  readonly workers: number
  /** The program that a worker runs, and what it is called with. */
  readonly command: { readonly file: string; readonly args: readonly string[] }
}

type Good = LoadedPolicy & { readonly ok: true }

/**
 * Serves with several workers until a signal ends the process. The primary takes no checks: it watches over the
 * workers, reads the policy for all of them and answers for their health.
 * @returns the exit code
 */
export async function runPrimary(options: PrimaryOptions): Promise<number> {
  const primary = new Primary(options)
  const problems = await primary.run()
  if (problems === null) process.exit(0)
  options.stderr(problems)
  return 1
}

class Primary {
  readonly #options: PrimaryOptions
  readonly #output: Output = openOutput(true)
  readonly #reloads = { applied: 0, refused: 0 }
  /** The text of the policy in force, so that a worker that comes later serves what the others serve. */
  #text = ''
  #stopping = false

  constructor(options: PrimaryOptions) {
    this.#options = options
  }

  /** @returns why it could not serve; null when it has and was told to stop */
  async run(): Promise<string | null> {
    const { workers, command, policyFile } = this.#options
    const { audit, log, flush } = this.#output
    const first = this.#read()
    if (!first.ok) return first.problems
    const refusal = sharingProblem(first, workers)
    if (refusal !== null) return refusal

    // Workers accept by themselves. With a primary that hands connections out, those in its hands are lost when a worker
    // dies or all of them stop, and every connection costs a message (docs/workers.md).
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({ exec: command.file, args: [...command.args] })
    const listening = await withPorts(first.listening)
    const fleet = new Fleet(workers, () => ({ policy: this.#text, listening }), log)
    const stopped = onStop(
      log,
      () => {
        this.#stopping = true
        return fleet.stop()
      },
      () => fleet.hurry(),
    )
    let health: HealthListener
    try {
      health = await this.#openHealth(fleet, first)
    } catch (cause) {
      const problem = startProblem(cause)
      if (problem === null) throw cause
      return problem
    }
    process.on('SIGHUP', () => this.#reload(fleet, first))
    const launched = await Promise.race([fleet.start(), stopped])
    if (launched?.ok === false && !this.#stopping) {
      health.close()
      await flush()
      return launched.problems
    }
    if (launched?.ok === true) {
      const { check = '', ...others } = launched.listen
      const listen = { check, health: health.address, ...others }
      audit.write(readyLine({ listen, policy: policyFile, workers }))
      await flush()
    }
    await stopped
    health.close()
    await flush()
    return null
  }

  /** The policy file as it is now; it is in force from here on when it is sound. */
  #read(): LoadedPolicy {
    const { read, load } = this.#options
    const file = read()
    if (!file.ok) return file
    const loaded = load(file.text)
    if (loaded.ok) this.#text = file.text
    return loaded
  }

  #reload(fleet: Fleet, first: Good): void {
    const { log } = this.#output
    const loaded = this.#read()
    if (!loaded.ok) {
      this.#reloads.refused++
      const problems = loaded.problems.trimEnd().split('\n')
      log.error('policy_refused', { problems, kept: 'the one in force' })
      return
    }
    this.#reloads.applied++
    fleet.reload()
    if (!isDeepStrictEqual(first.listening, loaded.listening)) {
      log.warn('restart_needed', {
        problem: 'listen has changed, and listeners stay as they are until a restart',
      })
    }
  }

  #openHealth(fleet: Fleet, { listening }: Good): Promise<HealthListener> {
    const own = this.#metrics(fleet)
    const sources = {
      readiness: async () => {
        const readiness = await fleet.readiness()
        return { ...readiness, ready: readiness.ready && !this.#stopping }
      },
      metrics: async () => ({
        contentType: own.contentType,
        text: `${await fleet.metrics()}\n${await own.metrics()}`,
      }),
    }
    return HealthListener.open(listening.health, sources, this.#output.log)
  }

  /** What only the primary knows. Names and meanings of the last two are those of a single process. */
  #metrics(fleet: Fleet): Registry {
    const registry = new Registry()
    const registers = [registry]
    const reloads = this.#reloads
    const stopping = () => this.#stopping
    new Gauge({
      name: 'postern_workers',
      help: 'Workers: wanted, and serving now.',
      labelNames: ['state'],
      registers,
      collect() {
        this.set({ state: 'wanted' }, fleet.size)
        this.set({ state: 'serving' }, fleet.ready)
      },
    })
    new Counter({
      name: 'postern_worker_deaths_total',
      help: 'Workers that died and were replaced.',
      registers,
      collect() {
        this.reset()
        this.inc(fleet.deaths)
      },
    })
    new Counter({
      name: 'postern_policy_reloads_total',
      help: 'Attempts to reload the policy by result.',
      labelNames: ['result'],
      registers,
      collect() {
        this.reset()
        this.inc({ result: 'applied' }, reloads.applied)
        this.inc({ result: 'refused' }, reloads.refused)
      },
    })
    new Gauge({
      name: 'postern_draining',
      help: '1 while the process finishes what is under way before it exits.',
      registers,
      collect() {
        this.set(stopping() ? 1 : 0)
      },
    })
    return registry
  }
}

/** Several workers need a store that all of them see. */
function sharingProblem({ policy }: Good, workers: number): string | null {
  const { name } = storeOf(policy)
  if (STORES[name]?.shared === true) return null
  const others = Object.values(STORES).flatMap((type) => (type.shared ? [type.name] : []))
  return `postern: store: ${name} is not shared by processes, so it does not go with ${workers} workers: choose ${others.join(' or ')}, or --workers 1\n`
}
