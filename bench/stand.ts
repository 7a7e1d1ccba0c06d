import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environmentOf, type Issuer } from './credentials.ts'
import { policyText, type Variant } from './policies.ts'
import { type NodeSubject, startSubject } from './subject.ts'

/** What is asked of Postern. */
export interface Starting extends Variant {
  readonly profiled?: boolean
}

/** What one part of the benchmark starts, all of it ended together, in whatever way the part ends. */
export class Stand {
  /** A folder that goes away with it. */
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  readonly #stops: (() => Promise<unknown>)[] = []
  #folders = 0

  private constructor() {}

  static async during(part: (stand: Stand) => Promise<void>): Promise<void> {
    const stand = new Stand()
    try {
      await part(stand)
    } finally {
      await stand.stop()
      rmSync(stand.folder, { recursive: true, force: true })
    }
  }

  /** Postern as a user starts it. */
  async postern(name: string, issuer: Issuer, starting: Starting = {}): Promise<NodeSubject> {
    const { profiled = false, ...variant } = starting
    const file = join(this.folderOf('policy'), 'postern.yaml')
    writeFileSync(file, policyText({ ...variant, algorithm: issuer.algorithm }))
    const started = startSubject(name, '../src/cli/main.ts', ['serve', file], environmentOf(issuer), {
      profiled,
    })
    return this.keep(await started)
  }

  /** One of bench/subjects. @param more variables of its environment */
  async bare(
    name: string,
    script: string,
    issuer: Issuer,
    more: Readonly<Record<string, string>> = {},
  ): Promise<NodeSubject> {
    return this.keep(
      await startSubject(name, `./subjects/${script}.ts`, [], { ...environmentOf(issuer), ...more }),
    )
  }

  /** An empty folder of its own. */
  folderOf(purpose: string): string {
    const folder = join(this.folder, `${purpose}-${++this.#folders}`)
    mkdirSync(folder)
    return folder
  }

  /** Ends this together with the rest. */
  keep<T extends { stop(): Promise<unknown> }>(started: T): T {
    this.#stops.push(() => started.stop())
    return started
  }

  /** Ends what was started so far, the last first. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }
}
