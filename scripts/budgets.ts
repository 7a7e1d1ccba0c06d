/**
 * `npm run budgets`: what the check Worker weighs and how long it takes to start, as `wrangler deploy` would send it with
 * the example policy. Needs no account and no network. Exits 1 when a budget is missed.
 */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { mintQuickstart } from './quickstart.ts'

const ROOT = join(import.meta.dirname, '..')
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
)
const run = promisify(execFile)

export const BUDGETS = {
  /** Bytes of the bundle, compressed. */
  bundle: 150 * 1024,
  /** Milliseconds of processor time until the modules have been evaluated. */
  start: 50,
}

/** How often a start is measured at most: what is slower than the quickest was disturbed by others. */
const ROUNDS = 12

/** The bundle of a Worker. */
export interface Bundle {
  /** Bytes, compressed as wrangler tells them. */
  readonly gzip: number
  /** Modules that the runtime has to bring. */
  readonly imports: readonly string[]
  /** Source files of which something is in it. */
  readonly files: readonly string[]
  /** Bytes of the bundle by package, and by room of ours, before compression; most first. */
  readonly parts: ReadonlyMap<string, number>
  /** Milliseconds of processor time of its start: the quickest of some, or the first within the budget. */
  start(): Promise<number>
}

/** A policy other than the example's. */
export interface OtherPolicy {
  /** What `postern compile` has written. */
  readonly artefact: string
  readonly secrets: Readonly<Record<string, string>>
}

/** Bundles the Worker and hands it to `use`; afterwards it is gone. */
export async function withBundle<Result>(
  use: (bundle: Bundle) => Promise<Result>,
  other?: OtherPolicy,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bundle-'))
  try {
    const file = join(folder, 'worker.bundle')
    const out = join(folder, 'out')
    const metafile = join(folder, 'meta.json')
    const secrets = other?.secrets ?? {
      ...mintQuickstart().environment,
      POSTERN_SECRET: randomBytes(32).toString('hex'),
    }
    await wrangler(
      ...['deploy', '--dry-run', '--outdir', out, '--outfile', file, '--metafile', metafile],
      // Bound, because without them the policy is refused instead of compiled.
      ...Object.entries(secrets).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      ...(other === undefined ? [] : ['--alias', `postern-policy:${other.artefact}`]),
    )
    const modules = readdirSync(out).filter((name) => name.endsWith('.js'))
    return await use({
      gzip: gzipSync(Buffer.concat(modules.map((name) => readFileSync(join(out, name))))).length,
      ...partsIn(JSON.parse(readFileSync(metafile, 'utf8')) as Metafile),
      start: () => startOf(file, join(folder, 'start.cpuprofile')),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What esbuild tells of a bundle, as far as it is looked at. */
interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly entryPoint?: string
        readonly imports: readonly { readonly path: string; readonly external?: boolean }[]
        readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
      }
    >
  >
}

function partsIn({ outputs }: Metafile): Pick<Bundle, 'imports' | 'files' | 'parts'> {
  const output = Object.values(outputs).find(({ entryPoint }) => entryPoint !== undefined)
  if (output === undefined) throw new Error('the bundle has no entry')
  const parts = new Map<string, number>()
  const inputs = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  for (const [path, { bytesInOutput }] of inputs) {
    const part =
      /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ??
      /(?:^|\/)(src\/[^/]+\/)/.exec(path)?.[1] ??
      path
    parts.set(part, (parts.get(part) ?? 0) + bytesInOutput)
  }
  return {
    imports: [...new Set(output.imports.flatMap(({ path, external }) => (external ? [path] : [])))],
    files: inputs.map(([path]) => path),
    parts: new Map([...parts].sort(([, a], [, b]) => b - a)),
  }
}

/** `wrangler check startup` profiles the evaluation of the modules in workerd; what is not idle is processor time. */
async function startOf(bundle: string, profile: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS && best > BUDGETS.start; round++) {
    const told = await wrangler('check', 'startup', '--worker', bundle, '--outfile', profile)
    const active = /Active: ([\d.]+) ms/.exec(told)?.[1]
    if (active === undefined) throw new Error(`wrangler tells no time:\n${told}`)
    best = Math.min(best, Number(active))
  }
  return best
}

async function wrangler(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' },
    maxBuffer: 2 ** 26,
  })
  return stdout
}

if (import.meta.main) {
  await withBundle(async (bundle) => {
    const start = await bundle.start()
    const kibibytes = (bytes: number) => (bytes / 1024).toFixed(1)
    console.log(`bundle   ${kibibytes(bundle.gzip)} KiB compressed, of ${kibibytes(BUDGETS.bundle)}`)
    console.log(`start    ${start} ms of processor time, of ${BUDGETS.start}`)
    console.log(`imports  ${bundle.imports.join(', ')}`)
    console.log('\nKiB before compression, by package or room:')
    for (const [part, bytes] of bundle.parts) console.log(`${kibibytes(bytes).padStart(8)}  ${part}`)
    if (bundle.gzip > BUDGETS.bundle || start > BUDGETS.start) process.exitCode = 1
  })
}
