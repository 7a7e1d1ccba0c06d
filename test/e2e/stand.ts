/** Everything one suite needs: Postern as a user starts it, a real proxy before it, a recording upstream behind. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { portNear } from '../../scripts/free-port.ts'
import { findServer } from '../../scripts/servers.ts'
import { issueCertificates } from './certificate.ts'
import { API_KEY_DIGEST, JWT_SECRET, PROXY_SECRET, UNREACHABLE_ISSUER } from './credentials.ts'
import { launch, type Running, until } from './process.ts'
import { PROXIES, PROXY_KINDS, type ProxyKind, type ProxyTraits, startProxy } from './proxies.ts'
import { type Relay, startRelay } from './relay.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { exchange, requestBytes } from './wire.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** The part of a policy that a suite is about: `routes`, and what they name. */
export type PolicyPart = Readonly<Record<string, unknown>>

export interface StandOptions {
  readonly policy: PolicyPart
  /** What the policy says of the proxy beside `peers` and `secret`. */
  readonly proxy?: PolicyPart
  /** Range of a balancer in front of the proxy, for the documented variant. */
  readonly balancer?: string
  /** Puts the documented limit on WebSockets in force. */
  readonly fewWebSockets?: boolean
  /** Puts another service on Postern's port. */
  readonly impostor?: (port: number) => Promise<{ stop(): Promise<unknown> }>
  /** Puts a relay between the proxy and Postern. */
  readonly relayed?: boolean
  /** Variables of Postern's environment beside those that every stand has. */
  readonly environment?: Readonly<Record<string, string>>
  /** Hears every audit line. */
  readonly onRecord?: (line: string) => void
}

export interface Stand {
  readonly kind: ProxyKind
  readonly traits: ProxyTraits
  /** Where clients come in. */
  readonly port: number
  readonly upstream: Upstream
  readonly postern: { stop(): Promise<unknown> }
  /** What stands between the proxy and Postern, if anything does. */
  readonly relay: Relay | null
  /** What Postern and the proxy have printed. */
  output(): string
  stop(): Promise<void>
}

export async function startStand(kind: ProxyKind, options: StandOptions): Promise<Stand> {
  const traits = PROXIES[kind]
  const folder = await mkdtemp(join(tmpdir(), 'postern-e2e-'))
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each()
  }
  try {
    const upstream = await startUpstream()
    stops.push(() => upstream.stop())
    const certificates = issueCertificates()
    const port = await portNear(0)
    const postern = options.impostor
      ? { ...(await options.impostor(port)), port, output: () => '' }
      : await startPostern(traits, options, join(folder, 'postern'), certificates, port)
    stops.push(() => postern.stop())
    const relay = options.relayed ? await startRelay(postern.port) : null
    if (relay) stops.push(() => relay.stop())
    const proxyFolder = join(folder, traits.server)
    await mkdir(proxyFolder)
    const proxy = await startProxy(kind, {
      postern: relay?.port ?? postern.port,
      upstream: upstream.port,
      secret: PROXY_SECRET,
      balancer: options.balancer ?? null,
      fewWebSockets: options.fewWebSockets ?? false,
      folder: proxyFolder,
      ca: certificates.ca,
    })
    stops.push(() => proxy.running.stop())
    const output = () => `${traits.server}:\n${proxy.running.output()}\npostern:\n${postern.output()}`
    // Before an impostor there is no good answer to wait for, only Traefik's 404 for routes not yet read to wait out.
    const alive = (status = 404) => (options.impostor ? status !== 404 : status === 200)
    const asked = async () => (await exchange(proxy.port, requestBytes('/public/ready')))?.status
    await until(async () => alive(await asked()), proxy.running)
    return { kind, traits, port: proxy.port, upstream, postern, relay, output, stop }
  } catch (problem) {
    await stop()
    throw problem
  }
}

/** Postern as a user starts it, waiting for checks of one proxy. */
export async function startPostern(
  traits: Pick<ProxyTraits, 'adapter' | 'tls'>,
  options: Pick<StandOptions, 'policy' | 'proxy' | 'environment' | 'onRecord'>,
  folder: string,
  certificates: { certificate: string; key: string },
  tlsPort: number,
): Promise<Running & { port: number; listen: Readonly<Record<string, string>> }> {
  const { policy: part, proxy = {}, environment = {}, onRecord } = options
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'certificate.pem'), certificates.certificate)
  await writeFile(join(folder, 'key.pem'), certificates.key)
  const tls = {
    address: `127.0.0.1:${tlsPort}`,
    certificate: { file: 'certificate.pem' },
    key: { file: 'key.pem' },
  }
  const policy = {
    listen: { check: '127.0.0.1:8081', health: '127.0.0.1:0', ...(traits.tls ? { tls } : {}) },
    proxies: { [traits.adapter]: { peers: ['127.0.0.1/32'], secret: '${POSTERN_SECRET}', ...proxy } },
    issuers: {
      company: {
        issuer: 'https://login.example.com',
        audience: ['app'],
        keys: { secret: '${JWT_SECRET}' },
        algorithms: ['HS256'],
        claims: { roles: 'roles', permissions: 'permissions', tenant: 'org', email: 'email' },
      },
      unreachable: {
        issuer: UNREACHABLE_ISSUER,
        audience: ['app'],
        keys: { jwks: `http://127.0.0.1:${await portNear(0)}/keys`, allow: ['http', 'private'] },
        algorithms: ['ES256'],
      },
    },
    roles: { reader: { permissions: ['docs:read'] } },
    apiKeys: {
      header: 'X-API-Key',
      prefix: 'ak',
      keys: { 'build-bot': { digest: API_KEY_DIGEST, tenant: 'acme', roles: ['reader'] } },
    },
    ...part,
  }
  const file = join(folder, 'postern.yaml')
  await writeFile(file, JSON.stringify(policy, null, 2)) // JSON is YAML
  let ready = ''
  const running = launch(
    process.execPath,
    [join(ROOT, 'src', 'cli', 'main.ts'), 'serve', file, '--listen', '127.0.0.1:0'],
    {
      folder,
      environment: { POSTERN_SECRET: PROXY_SECRET, JWT_SECRET, ...environment },
      onLine: (line) => {
        if (ready === '') ready = line
        else onRecord?.(line)
      },
    },
  )
  await until(async () => ready !== '', running).catch(async (problem) => {
    await running.stop()
    throw problem
  })
  const { listen } = JSON.parse(ready) as { listen: Record<string, string> }
  const address = traits.tls ? listen['tls'] : listen['check']
  return { ...running, port: Number(address?.split(':').at(-1)), listen }
}

/**
 * Runs a suite once per proxy. A proxy that this machine cannot have skips its suite and says why; where CI=true it
 * fails, so that nobody takes a skipped suite for a passed one.
 */
export async function throughEachProxy(
  suite: (kind: ProxyKind, traits: ProxyTraits) => void,
  which: (traits: ProxyTraits) => boolean = () => true,
): Promise<void> {
  for (const kind of PROXY_KINDS.filter((each) => which(PROXIES[each]))) {
    const server = await findServer(PROXIES[kind].server)
    if (!('missing' in server)) describe(`through ${kind}`, () => suite(kind, PROXIES[kind]))
    else if (process.env['CI'] === 'true') {
      it(`through ${kind}`, () => {
        throw new Error(server.missing)
      })
    } else {
      console.warn(`skipped, through ${kind}: ${server.missing}`)
      describe.skip(`through ${kind}`, () => suite(kind, PROXIES[kind]))
    }
  }
}
