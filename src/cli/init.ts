import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Io } from './io.ts'

/** What `postern init` writes: it passes `postern check` as it is, and opens nothing but a health page. */
export const STARTER = `# yaml-language-server: $schema=./node_modules/postern/postern.schema.json
#
# A policy: who may pass, and as whom. A request that matches no route is denied.
# \`postern check\` says what is wrong with this file, \`postern serve\` serves it, docs/policy.md explains every field.

# Where proxies ask, and where /livez, /readyz and /metrics are.
listen:
  check: 127.0.0.1:8081
  health: 127.0.0.1:8082
  # Where Traefik asks, whose recipe goes over https (docs/proxies/traefik.md, with http as the variant).
  # tls: { address: 127.0.0.1:8443, certificate: { file: postern.pem }, key: { file: postern.key } }

# Whose checks are answered: traefik, caddy, nginx, haproxy or envoy (docs/proxies). All that stands in an entry must hold.
proxies:
  traefik:
    peers: [127.0.0.1/32]
    # Better still, also a shared secret: openssl rand -hex 32
    # secret: "\${POSTERN_SECRET}"

# Balancers and CDNs between clients and the proxy, if there are any.
# trustedHops: [173.245.48.0/20]

# Who signs your tokens. Their keys are fetched from the key set and kept up to date.
issuers:
  company:
    issuer: https://login.example.com
    audience: [my-api]
    keys: { jwks: https://login.example.com/.well-known/jwks.json } # or discovery: true, pem, jwk, secret
    algorithms: [RS256]
    claims: { roles: roles, email: email } # a leading / is a JSON Pointer: /realm_access/roles

# Where counters, keys, revocations and bans are kept: a file beside this one. docs/stores.md tells the others.
store: { sqlite: ./postern.db }

# API keys. \`postern keys create --owner build-bot --roles user\` makes one in the store; docs/keys.md tells the rest.
# apiKeys:
#   prefix: ak
#   peppers: { v1: "\${API_KEY_PEPPER}" } # openssl rand -hex 32

# Clients that keep presenting wrong credentials are banned for a while (docs/bans.md).
# bans: { failures: 10/5m }

roles:
  user: { permissions: ["app:use"] }
  admin: { inherits: [user], permissions: ["app:*"] }

limits:
  per-client: { by: client, rate: 300/minute, burst: 60 }
  per-principal: { by: principal, rate: 1000/hour, burst: 100 }

# Host, then path decides which route a request selects; the most specific wins.
routes:
  health:
    match: { path: /health, methods: [GET] }
    credentials: [anonymous]
  app:
    match: { path: /** }
    credentials: [jwt:company]
    require: { permissions: ["app:use"] }
    limits: [per-client, per-principal]
  admin:
    match: { path: /admin/** }
    networks: { allow: [10.0.0.0/8, 192.168.0.0/16] }
    credentials: [jwt:company]
    require: { roles: [admin] }
    limits: [per-client, per-principal]
`

/** `postern init`: writes a starter policy and never over an existing file. @returns the exit code */
export function initCommand(file: string, io: Io): Promise<number> {
  try {
    writeFileSync(resolve(io.cwd, file), STARTER, { flag: 'wx' })
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    io.stderr.write(
      exists ? `${file} exists already and is left as it is\n` : `${file} cannot be written (${code})\n`,
    )
    return Promise.resolve(1)
  }
  io.stdout.write(
    `wrote ${file}: put your issuer and routes in, then run \`postern check ${file}\` and \`postern serve ${file}\`\n`,
  )
  return Promise.resolve(0)
}
