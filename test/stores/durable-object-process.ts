import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { portNear } from '../../scripts/free-port.ts'
import type { Charge, Charging } from '../../src/core/model.ts'
import type { Applied, Change, Changes, Entry, EntryKind } from '../../src/stores/contract.ts'
import { eventually } from './conformance/rig.ts'

const ROOT = join(import.meta.dirname, '../..')
const WORKERD = join(ROOT, 'node_modules/.bin/workerd')

/** Two Workers, each an isolate of its own, on the objects of the first of them. */
const configuration = (ports: readonly number[], disk: string) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "one", worker = .one),
    (name = "two", worker = .two),
    (name = "disk", disk = (path = "${disk}", writable = true)),
  ],
  sockets = [
    (name = "one", address = "127.0.0.1:${ports[0]}", http = (), service = "one"),
    (name = "two", address = "127.0.0.1:${ports[1]}", http = (), service = "two"),
  ],
);
const one :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  durableObjectNamespaces = [(className = "PosternState", uniqueKey = "postern", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "POSTERN_STATE", durableObjectNamespace = "PosternState")],
);
const two :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "POSTERN_STATE", durableObjectNamespace = (className = "PosternState", serviceName = "one")),
  ],
);
`

/** The store as one Worker has it. */
export class Isolate {
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  charge = (charges: readonly Charge[]): Promise<Charging> => this.call('charge', charges)
  apply = (changes: readonly Change[], audit: string | null): Promise<Applied> =>
    this.call('apply', changes, audit)
  get = (kind: EntryKind, ids: readonly string[]): Promise<(Entry | null)[]> => this.call('get', kind, ids)
  changes = (feed: 'access', since: number): Promise<Changes> => this.call('changes', feed, since)

  async call<T>(method: string, ...given: readonly unknown[]): Promise<T> {
    const body = JSON.stringify([method, given])
    const response = await fetch(`http://127.0.0.1:${this.#port}/`, { method: 'POST', body })
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as T
  }
}

/** A workerd of its own, which can be killed and started again on the same disk. */
export class Workerd {
  readonly one: Isolate
  readonly two: Isolate
  readonly disk: string
  readonly #folder: string
  #process: ChildProcess | null = null

  private constructor(folder: string, disk: string, ports: readonly number[]) {
    this.#folder = folder
    this.disk = disk
    this.one = new Isolate(ports[0] as number)
    this.two = new Isolate(ports[1] as number)
  }

  static async make(): Promise<Workerd> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-workerd-'))
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    const ports = [await portNear(0), await portNear(0)]
    writeFileSync(join(folder, 'config.capnp'), configuration(ports, disk))
    await build({
      entryPoints: [join(ROOT, 'test/stores/durable-object-child.ts')],
      outfile: join(folder, 'worker.js'),
      bundle: true,
      format: 'esm',
      target: 'es2024',
      external: ['cloudflare:*'],
      logLevel: 'silent',
    })
    return new Workerd(folder, disk, ports)
  }

  async start(): Promise<void> {
    this.#process = spawn(WORKERD, ['serve', join(this.#folder, 'config.capnp')], { stdio: 'ignore' })
    for (const isolate of [this.one, this.two])
      await eventually(
        async () =>
          isolate.changes('access', -1).then(
            () => true,
            () => false,
          ),
        20_000,
      )
  }

  /** Gives it no moment to write anything. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async end(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
