import { writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { isForAdmin } from '../admin/policy-facts.ts'
import { version } from '../node/version.ts'
import { artefactOf, type PlacedSecret, policyOf } from '../policy/artefact.ts'
import { compile } from '../policy/compile.ts'
import type { Policy } from '../policy/schema.ts'
import { secretsIn } from '../schema/secret.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import { outsideOf } from './outside.ts'
import { printProblems, readPolicy } from './policy-file.ts'

const DEFAULT_POLICY = './postern.yaml'
const DEFAULT_OUTPUT = './postern.policy.json'

/** Milliseconds of processor time that a Worker should start in, and what it takes for everything but its policy. */
const START_BUDGET = 50
const START_WITHOUT_POLICY = 20

/** `postern compile`: checks a policy for Workers and writes what their bundle imports. */
export function register(program: Command, io: Io): void {
  program
    .command('compile')
    .description(
      'check a policy for Cloudflare Workers and write what the Worker imports; secrets stay references',
    )
    .argument('[policy]', 'policy file', DEFAULT_POLICY)
    .option('--out <file>', 'file to write', DEFAULT_OUTPUT)
    .action((policy: string, { out }: { readonly out: string }) => compileCommand(policy, out, io))
}

function compileCommand(file: string, out: string, io: Io): void {
  const loaded = readPolicy(file, io, 'workers')
  if (!loaded.ok) throw new CommandFailure(1, printProblems(loaded.problems))
  const { policy } = loaded
  const text = `${JSON.stringify(artefactOf(policy, version))}\n`
  const path = resolve(io.cwd, out)
  try {
    writeFileSync(path, text)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new CommandFailure(1, `${out} cannot be written (${code}): name a file in a folder that exists\n`)
  }
  const kilobytes = (gzipSync(text).length / 1024).toFixed(1)
  io.stdout.write(
    `${file}: no problems\nwrote ${relative(io.cwd, path) || path} (${kilobytes} KiB compressed)\n`,
  )
  io.stdout.write(neededSecrets('Worker', secretNames(policy), ''))
  const { shield, admin } = policy
  if (Object.keys(admin?.tokens ?? {}).length > 0) {
    const ours = secretNames(policy, isForAdmin)
    io.stdout.write(neededSecrets('admin Worker', ours, ' --config wrangler-admin.toml'))
  }
  if (shield !== undefined)
    io.stdout.write(
      `the Worker needs the rate limiting binding ${shield.binding} ([[ratelimits]] in wrangler.toml): without it nothing is held back before the limits\n`,
    )
  const start = startTime(text, io)
  if (start > START_BUDGET) io.stderr.write(slowness(policy, start))
}

/** Why a Worker with this policy takes longer to start than it should, and what can be done. */
function slowness({ routes, limits }: Policy, start: number): string {
  const networks = Object.values(routes).reduce(
    (sum, route) => sum + (route.networks?.allow?.length ?? 0) + (route.networks?.deny?.length ?? 0),
    0,
  )
  const counts = {
    routes: Object.keys(routes).length,
    networks,
    limits: Object.keys(limits).length,
  }
  const parts = Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []))
  return `warning: a Worker would take about ${start} ms of processor time to start with this policy, more than ${START_BUDGET}: it has to compile ${parts.join(', ')} before its first answer. Fewer routes with wider patterns start faster, and so do two Workers with a part each.\n`
}

/**
 * Milliseconds of processor time that a Worker takes to start, roughly: compiling costs there what it costs here the
 * first time, before anything is optimised.
 */
function startTime(text: string, io: Io): number {
  const began = processorTime()
  const reading = policyOf(JSON.parse(text))
  if (!reading.ok) throw new Error(reading.problem)
  // Any text does for a secret: how long compiling takes does not depend on it.
  for (const { secret } of reading.secrets) secret.resolve('{"keys":[]}')
  compile(reading.policy, { ...outsideOf(io), seesPeers: false, keys: NO_KEYS, processes: 1 })
  return Math.round(START_WITHOUT_POLICY + processorTime() - began)
}

/** Milliseconds that this thread has used; where the runtime does not tell, that have passed. */
function processorTime(): number {
  // Since Node 23.9.
  const used = (process as { threadCpuUsage?: () => NodeJS.CpuUsage }).threadCpuUsage?.()
  return used === undefined ? performance.now() : (used.user + used.system) / 1000
}

const NO_KEYS = { imported: false, find: () => ({ is: 'known', key: null }) as const, used: () => {} }

/** Names of the secrets that a policy refers to, each once. */
function secretNames(policy: Policy, needed: (secret: PlacedSecret) => boolean = () => true): string[] {
  const names = [...secretsIn(policy)]
    .filter(needed)
    .flatMap(({ secret: { source } }) => ('env' in source ? [source.env] : []))
  return [...new Set(names)].sort()
}

/** How a Worker gets its secrets; nothing when it needs none. @param option what tells wrangler which Worker */
function neededSecrets(worker: string, names: readonly string[], option: string): string {
  if (names.length === 0) return ''
  const lines = names.map((name) => `  npx wrangler secret put ${name}${option}\n`)
  return `the ${worker} needs these secrets:\n${lines.join('')}`
}
