/** The real proxies, each on the very files that users copy: nothing in them is replaced but addresses. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { portNear } from '../../scripts/free-port.ts'
import { copyRecipe } from '../../scripts/recipe.ts'
import { findServer, type ServerName } from '../../scripts/servers.ts'
import { launch, type Running } from './process.ts'

export type ProxyKind = 'traefik' | 'traefik over https' | 'caddy' | 'nginx' | 'haproxy' | 'envoy'

/** What one proxy needs and can do. A `false` says what the proxy cannot do, with the reason beside it. */
export interface ProxyTraits {
  readonly server: ServerName
  /** Name of its proxy adapter in the policy. */
  readonly adapter: ServerName
  /** Whether it speaks to Postern's TLS listener. */
  readonly tls: boolean
  /** Whether a denial arrives with Postern's problem document and all of its headers. */
  readonly relaysDenials: boolean
  /** Whether that holds for 503 as well. */
  readonly relaysUnavailable: boolean
  /** Whether a body of unknown length passes. */
  readonly takesChunks: boolean
  /** Whether RateLimit reaches the client of an allowed request. */
  readonly relaysLimits: boolean
  /** Whether only an answer of Postern itself can allow. */
  readonly demandsPostern: boolean
  /** What its limit on WebSockets counts. */
  readonly limitsWebSockets: 'each client' | 'all clients'
  /** Whether its checks share connections. */
  readonly keepsConnections: boolean
  /** What its client gets while Postern cannot be reached. */
  readonly outage: number
  /** What its client gets when a check hangs; null when that takes too long to be tried. */
  readonly hang: number | null
}

export const PROXIES: Readonly<Record<ProxyKind, ProxyTraits>> = {
  traefik: {
    server: 'traefik',
    adapter: 'traefik',
    tls: false,
    relaysDenials: true,
    relaysUnavailable: true,
    takesChunks: true,
    relaysLimits: false, // ForwardAuth adds nothing to an allowed answer but cookies
    demandsPostern: false, // ForwardAuth takes any 2xx; over https the certificate proves who answers
    limitsWebSockets: 'each client',
    keepsConnections: false, // over http Traefik keeps two of them idle and opens the others anew
    outage: 500,
    hang: null, // 30 s, and nothing sets it
  },
  'traefik over https': {
    server: 'traefik',
    adapter: 'traefik',
    tls: true,
    relaysDenials: true,
    relaysUnavailable: true,
    takesChunks: true,
    relaysLimits: false, // as above
    demandsPostern: true,
    limitsWebSockets: 'each client',
    keepsConnections: true,
    outage: 500,
    hang: null, // 30 s, and nothing sets it
  },
  caddy: {
    server: 'caddy',
    adapter: 'caddy',
    tls: false,
    relaysDenials: true,
    relaysUnavailable: true,
    takesChunks: true,
    relaysLimits: true,
    demandsPostern: true,
    limitsWebSockets: 'all clients', // it counts what an upstream has in flight, and nothing for each client
    keepsConnections: true,
    outage: 502,
    hang: 504,
  },
  nginx: {
    server: 'nginx',
    adapter: 'nginx',
    tls: false,
    relaysDenials: false, // auth_request drops the body of a denial; its status and limits are mapped back
    relaysUnavailable: false, // as above
    takesChunks: true,
    relaysLimits: true,
    demandsPostern: true,
    limitsWebSockets: 'each client',
    keepsConnections: true,
    outage: 503,
    hang: 503,
  },
  haproxy: {
    server: 'haproxy',
    adapter: 'haproxy',
    tls: false,
    relaysDenials: true,
    relaysUnavailable: true,
    takesChunks: false, // before 3.2 it cannot drop the trailers that may follow
    relaysLimits: true,
    demandsPostern: true,
    limitsWebSockets: 'each client',
    keepsConnections: true,
    outage: 503,
    hang: 503,
  },
  envoy: {
    server: 'envoy',
    adapter: 'envoy',
    tls: false,
    relaysDenials: true,
    relaysUnavailable: false, // Envoy hides a 5xx behind status_on_error, with header and body
    takesChunks: true,
    relaysLimits: true,
    demandsPostern: true,
    limitsWebSockets: 'all clients', // its circuit breakers know no client
    keepsConnections: true,
    outage: 503,
    hang: 503,
  },
}

export const PROXY_KINDS = Object.keys(PROXIES) as ProxyKind[]

export interface ProxyPlace {
  /** Port of Postern's check listener: the TLS one where the traits say so. */
  readonly postern: number
  readonly upstream: number
  readonly secret: string
  /** Whether the documented limit on WebSockets is in force. */
  readonly fewWebSockets: boolean
  /** The range of the balancer in front; null when clients come directly. */
  readonly balancer: string | null
  /** An empty folder of its own. */
  readonly folder: string
  /** PEM of the authority behind Postern's certificate. */
  readonly ca: string
}

export interface StartedProxy {
  readonly port: number
  readonly running: Running
}

/** Starts a proxy; it may need a moment before it answers. */
export async function startProxy(kind: ProxyKind, place: ProxyPlace): Promise<StartedProxy> {
  const server = await findServer(PROXIES[kind].server)
  if ('missing' in server) throw new Error(server.missing)
  const port = await portNear(0)
  const running = await STARTERS[PROXIES[kind].server](server.path, port, PROXIES[kind].tls, place)
  return { port, running }
}

/** The marks of the variants that every recipe may have. */
const marksOf = ({ balancer, fewWebSockets }: ProxyPlace): string[] => [
  ...(balancer === null ? [] : ['behind a balancer']),
  ...(fewWebSockets ? ['few websockets'] : []),
]

type Starter = (path: string, port: number, tls: boolean, place: ProxyPlace) => Promise<Running>

const STARTERS: Readonly<Record<ServerName, Starter>> = {
  async traefik(path, port, tls, place) {
    const { folder, balancer, secret } = place
    const marks = [...(tls ? [] : ['over http']), ...marksOf(place)]
    await copyRecipe('traefik/traefik.yml', folder, marks, {
      ':8080': `127.0.0.1:${port}`,
      '10.0.0.0/8': balancer,
    })
    await copyRecipe('traefik/dynamic.yml', folder, marks, {
      'postern:8081': `127.0.0.1:${place.postern}`,
      'postern:8443': `127.0.0.1:${place.postern}`,
      'app:3000': `127.0.0.1:${place.upstream}`,
    })
    await writeFile(join(folder, 'postern-ca.pem'), place.ca)
    return launch(path, ['--configFile=traefik.yml'], { folder, environment: { POSTERN_SECRET: secret } })
  },

  async caddy(path, port, _tls, place) {
    const { folder, balancer, secret } = place
    await copyRecipe('docs/proxies/Caddyfile', folder, marksOf(place), {
      ':8080': `:${port}`,
      '127.0.0.1:8081': `127.0.0.1:${place.postern}`,
      '127.0.0.1:3000': `127.0.0.1:${place.upstream}`,
      '10.0.0.0/8': balancer,
    })
    return launch(path, ['run', '--config', 'Caddyfile'], { folder, environment: { POSTERN_SECRET: secret } })
  },

  async nginx(path, port, _tls, place) {
    const { folder, balancer, secret } = place
    await copyRecipe('docs/proxies/nginx.conf', join(folder, 'conf.d'), marksOf(place), {
      '127.0.0.1:8080': `127.0.0.1:${port}`,
      '127.0.0.1:8081': `127.0.0.1:${place.postern}`,
      '127.0.0.1:3000': `127.0.0.1:${place.upstream}`,
      '10.0.0.0/8': balancer,
    })
    await writeFile(join(folder, 'postern-secret.conf'), `proxy_set_header X-Postern-Secret "${secret}";\n`)
    // Around it the nginx.conf that every installation has: what is in here is only about where files may lie.
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off;\npid nginx.pid;\nworker_processes 1;\nevents {}\nhttp {\n  access_log off;\n` +
        temporary.map((name) => `  ${name}_temp_path tmp/${name};\n`).join('') +
        '  include conf.d/*.conf;\n}\n',
    )
    await mkdir(join(folder, 'tmp'))
    await chmod(folder, 0o755) // nginx started by root writes there as another user
    return launch(path, ['-e', 'stderr', '-p', folder, '-c', 'nginx.conf'], { folder, signal: 'SIGQUIT' })
  },

  async haproxy(path, port, _tls, place) {
    const { folder, balancer, secret } = place
    await copyRecipe('docs/proxies/haproxy.cfg', folder, marksOf(place), {
      ':8080': `127.0.0.1:${port}`,
      '127.0.0.1:8081': `127.0.0.1:${place.postern}`,
      '127.0.0.1:3000': `127.0.0.1:${place.upstream}`,
      '10.0.0.0/8': balancer,
    })
    await copyRecipe('docs/proxies/postern.lua', folder, [], {})
    return launch(path, ['-db', '-f', 'haproxy.cfg'], { folder, environment: { POSTERN_SECRET: secret } })
  },

  async envoy(path, port, _tls, place) {
    const { folder, balancer, secret } = place
    const [prefix, length] = balancer?.split('/') ?? []
    const at = (host: string, of: number) => `address: ${host}, port_value: ${of}`
    await copyRecipe('docs/proxies/envoy.yaml', folder, marksOf(place), {
      [at('0.0.0.0', 8080)]: at('127.0.0.1', port),
      [at('127.0.0.1', 8081)]: at('127.0.0.1', place.postern),
      [at('127.0.0.1', 3000)]: at('127.0.0.1', place.upstream),
      'address_prefix: 10.0.0.0, prefix_len: 8':
        balancer && `address_prefix: ${prefix}, prefix_len: ${length}`,
    })
    // Several may run at a time; one thread is enough for a suite.
    const options = ['--concurrency', '1', '--use-dynamic-base-id', '--log-level', 'warning']
    return launch(path, ['-c', 'envoy.yaml', ...options], { folder, environment: { POSTERN_SECRET: secret } })
  },
}
