import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { extname, join } from 'node:path'
import { type Endpoint, parseEndpoint } from '../node/endpoint.ts'
import type { ProcessOptions } from '../node/instance.ts'
import { WORKER_MARK } from '../node/orders.ts'
import { runPrimary } from '../node/primary.ts'
import { runProcess } from '../node/process.ts'
import type { Listening } from '../node/service.ts'
import { runWorker } from '../node/worker.ts'
import type { Policy } from '../policy/schema.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import { pathsOf } from './outside.ts'
import { checkText, printProblems, readText } from './policy-file.ts'

export interface ServeOptions {
  readonly listen?: string
  readonly workers?: string
}

const MOST_WORKERS = 64

/**
 * `postern serve`: serves a policy until the process is told to stop.
 * @returns the exit code; 1 when the policy has problems or a listener cannot be opened
 */
export function serveCommand(file: string, options: ServeOptions, io: Io): Promise<number> {
  const override = options.listen === undefined ? null : parseEndpoint(options.listen)
  if (options.listen !== undefined && override === null) {
    throw new CommandFailure(
      2,
      `--listen ${JSON.stringify(options.listen)} is not HOST:PORT, as in 127.0.0.1:8081\n`,
    )
  }
  const workers = workersOf(options.workers ?? '1')
  const resolvePath = pathsOf(file, io)
  const process: ProcessOptions = {
    policyFile: file,
    terminal: io.isTerminal,
    stderr: (text) => void io.stderr.write(text),
    resolvePath,
    read: () => {
      const read = readText(file, io)
      return read.ok ? read : { ok: false, problems: printProblems(read.problems) }
    },
    load: (text) => {
      const loaded = checkText(text, file, io, 'node')
      if (!loaded.ok) return { ok: false, problems: printProblems(loaded.problems) }
      return { ok: true, policy: loaded.policy, listening: listeningOf(loaded.policy, override, resolvePath) }
    },
  }
  if (workers === 1) return runProcess(process)
  if (cluster.isWorker && io.env[WORKER_MARK] !== undefined) return runWorker(process, workers)
  if (!cluster.isPrimary) {
    throw new CommandFailure(
      1,
      '--workers does not work below another program that forks: give --workers 1\n',
    )
  }
  const listen = options.listen === undefined ? [] : ['--listen', options.listen]
  return runPrimary({
    ...process,
    workers,
    command: {
      file: join(import.meta.dirname, `main${extname(import.meta.filename)}`),
      // The number, because `auto` need not be the same in a worker.
      args: ['serve', ...listen, '--workers', String(workers), '--', file],
    },
  })
}

function workersOf(text: string): number {
  if (text === 'auto') return Math.min(availableParallelism(), MOST_WORKERS)
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (workers >= 1 && workers <= MOST_WORKERS) return workers
  throw new CommandFailure(
    2,
    `--workers ${JSON.stringify(text)} is neither a number from 1 to ${MOST_WORKERS} nor auto\n`,
  )
}

function listeningOf(
  { listen }: Policy,
  override: Endpoint | null,
  resolvePath: (path: string) => string,
): Listening {
  const { tls } = listen
  return {
    check: override ?? endpointOf(listen.check),
    health: listen.health === undefined ? null : endpointOf(listen.health),
    admin: listen.admin === undefined ? null : endpointOf(listen.admin),
    tls:
      tls === undefined
        ? null
        : {
            endpoint: endpointOf(tls.address),
            files: { certificate: resolvePath(tls.certificate.file), key: resolvePath(tls.key.file) },
          },
  }
}

/** An address that the schema has let through. */
function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (endpoint === null) throw new CommandFailure(1, `${text} is not an address that can be listened on\n`)
  return endpoint
}
