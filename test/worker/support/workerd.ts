/** Real Workers in a real workerd, as `wrangler dev` runs them, several in one runtime. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptions,
  type V4WorkerOptionsShape,
} from 'miniflare'
import { type Artefact, artefactOf } from '../../../src/policy/artefact.ts'
import { loadPolicy } from '../../../src/policy/load.ts'
import { listens, until } from '../../support/redis.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** As in the wrangler.toml files that are shipped. */
export const COMPATIBILITY_DATE = '2026-11-02'

/** One Worker to run. */
export interface WorkerSpec {
  readonly name: string
  /** Its entry below the repository, as in `src/worker.ts`; or a module's own text. */
  readonly entry: string | { readonly text: string }
  /** What it imports as `postern-policy`: YAML to compile, or an artefact as it stands. */
  readonly policy?: string | { readonly artefact: unknown }
  /** Variables and secrets. */
  readonly variables?: Readonly<Record<string, string>>
  /** Bindings by name, in the form of miniflare. */
  readonly bindings?: Pick<V4WorkerOptionsShape, 'durableObjects' | 'ratelimits' | 'serviceBindings'>
  /** Entry points with a socket of their own, beside the default one. */
  readonly entrypoints?: readonly string[]
  /** Anything else that miniflare takes. */
  readonly options?: V4WorkerOptionsShape
}

/** A line that a Worker has written, whichever it was. */
export interface LogLine {
  readonly level: string
  readonly text: string
}

export interface Workerd {
  /** Everything that was logged so far. */
  readonly logs: readonly LogLine[]
  readonly miniflare: Miniflare
  /** Base address of a Worker, on loopback. */
  url(name: string, entrypoint?: string): string
  /** The lines that are JSON, oldest first; of one event unless it is left out. */
  // biome-ignore lint/suspicious/noExplicitAny: what a line says is what the tests look at
  events(event?: string): any[]
  /** Waits for lines of an event. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  heard(event: string, count?: number): Promise<any[]>
  stop(): Promise<void>
}

/** Starts Workers that can bind each other and share objects. What they keep goes away with them. */
export async function startWorkerd(workers: readonly WorkerSpec[]): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-workerd-'))
  const logs: LogLine[] = []
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      log: new Log(LogLevel.NONE),
      defaultPersistRoot: folder,
      handleStructuredLogs: ({ level, message }) => void logs.push({ level, text: String(message) }),
      workers: await Promise.all(workers.map(optionsOf)),
    }),
  )
  const stop = async () => {
    await miniflare.dispose()
    await rm(folder, { recursive: true, force: true })
  }
  const urls = new Map<string, string>()
  try {
    await miniflare.ready
    for (const { name, entrypoints = [] } of workers)
      for (const entrypoint of ['default', ...entrypoints])
        urls.set(`${name} ${entrypoint}`, (await miniflare.unsafeGetDirectURL(name, entrypoint)).origin)
    // Ready is said of the first socket, and the others may need a moment more on a busy machine.
    for (const url of urls.values())
      await until(() => listens(Number(new URL(url).port)), `a Worker at ${url}`)
  } catch (problem) {
    await stop()
    throw problem
  }
  const events: Workerd['events'] = (event) =>
    logs.flatMap(({ text }) => {
      const line = jsonIn(text)
      return line !== null && (event === undefined || line['event'] === event) ? [line] : []
    })
  return {
    logs,
    miniflare,
    url: (name, entrypoint = 'default') => {
      const url = urls.get(`${name} ${entrypoint}`)
      if (url === undefined) throw new Error(`no Worker ${name} with an entry point ${entrypoint}`)
      return url
    },
    events,
    heard: async (event, count = 1) => {
      await until(() => events(event).length >= count, `${count} lines of ${event}`)
      return events(event)
    },
    stop,
  }
}

/**
 * A request whose client can vanish. workerd takes a connection that is closed for one whose client still listens, and
 * ends a request, as the edge does, only when its connection is reset.
 */
export async function vanishing(url: string, headers: Headers): Promise<{ vanish(): void }> {
  const { hostname, port, pathname, search } = new URL(url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}\r\n${lines}\r\n`)
  return { vanish: () => void socket.resetAndDestroy() }
}

/** What `postern compile` would write; throws with every problem when there are any. */
export function compiled(text: string): Artefact {
  const loaded = loadPolicy(text, { environment: null, file: 'test.yaml', runtime: 'workers' })
  if (loaded.ok) return artefactOf(loaded.policy, '0.0.0')
  throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'))
}

async function optionsOf(spec: WorkerSpec): Promise<V4WorkerOptions> {
  const { name, policy, variables, bindings, entrypoints = [], options } = spec
  const artefact = typeof policy === 'string' ? compiled(policy) : policy?.artefact
  return {
    name,
    compatibilityDate: COMPATIBILITY_DATE,
    modulesRoot: '/',
    modules: [
      { type: 'ESModule', path: '/worker.js', contents: await bundled(spec.entry) },
      ...(artefact === undefined
        ? []
        : [
            {
              type: 'ESModule' as const,
              path: '/postern-policy',
              contents: `export default ${JSON.stringify(artefact)}`,
            },
          ]),
    ],
    ...(variables === undefined ? {} : { bindings: { ...variables } }),
    ...bindings,
    // Tests say for themselves where a client is.
    stripCfConnectingIp: false,
    unsafeDirectSockets: ['default', ...entrypoints].map((entrypoint) => ({
      host: '127.0.0.1',
      port: 0,
      entrypoint,
    })),
    ...options,
  }
}

const bundles = new Map<string, Promise<string>>()

/** One module of an entry and all that it imports but the policy, as wrangler bundles it. Made once a process. */
function bundled(entry: WorkerSpec['entry']): Promise<string> {
  const source = typeof entry === 'string' ? entry : entry.text
  const key = createHash('sha256')
    .update(`${typeof entry} ${source}`)
    .digest('hex')
  const known = bundles.get(key)
  if (known !== undefined) return known
  const bundle = build({
    ...(typeof entry === 'string'
      ? { entryPoints: [join(ROOT, entry)] }
      : { stdin: { contents: entry.text, loader: 'ts', resolveDir: ROOT } }),
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'postern-policy'],
    logLevel: 'silent',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  bundles.set(key, bundle)
  return bundle
}

function jsonIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
