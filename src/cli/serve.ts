import { dirname, resolve } from 'node:path'
import { type Endpoint, parseEndpoint } from '../node/endpoint.ts'
import { runProcess } from '../node/process.ts'
import type { Listening } from '../node/service.ts'
import type { Policy } from '../policy/schema.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import { printProblems, readPolicy } from './policy-file.ts'

/**
 * `postern serve`: serves a policy until the process is told to stop.
 * @returns the exit code; 1 when the policy has problems or a listener cannot be opened
 */
export function serveCommand(file: string, options: { readonly listen?: string }, io: Io): Promise<number> {
  const override = options.listen === undefined ? null : parseEndpoint(options.listen)
  if (options.listen !== undefined && override === null) {
    throw new CommandFailure(
      2,
      `--listen ${JSON.stringify(options.listen)} is not HOST:PORT, as in 127.0.0.1:8081\n`,
    )
  }
  const folder = dirname(resolve(io.cwd, file))
  return runProcess({
    policyFile: file,
    terminal: io.isTerminal,
    stderr: (text) => void io.stderr.write(text),
    resolvePath: (path) => resolve(folder, path),
    load: () => {
      const loaded = readPolicy(file, io)
      if (!loaded.ok) return { ok: false, problems: printProblems(loaded.problems) }
      return { ok: true, policy: loaded.policy, listening: listeningOf(loaded.policy, override, folder) }
    },
  })
}

function listeningOf({ listen }: Policy, override: Endpoint | null, folder: string): Listening {
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
            files: { certificate: resolve(folder, tls.certificate.file), key: resolve(folder, tls.key.file) },
          },
  }
}

/** An address that the schema has let through. */
function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (endpoint === null) throw new CommandFailure(1, `${text} is not an address that can be listened on\n`)
  return endpoint
}
