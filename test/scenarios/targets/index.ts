/** Every way in, in the order of the columns of docs/conformance.md. */
import { core } from './core.ts'
import { node } from './node.ts'
import { caddy, envoy, haproxy, nginx, traefik } from './proxies.ts'
import type { Target } from './target.ts'
import { traefikWorkerd } from './traefik-workerd.ts'
import { workerdCheck } from './workerd-check.ts'
import { workerdGateway } from './workerd-gateway.ts'

export const TARGETS: readonly Target[] = [
  core,
  node,
  traefik,
  caddy,
  nginx,
  haproxy,
  envoy,
  workerdCheck,
  workerdGateway,
  traefikWorkerd,
]
