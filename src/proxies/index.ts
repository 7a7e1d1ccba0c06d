import { caddy } from './caddy.ts'
import type { ProxyType } from './contract.ts'
import { envoy } from './envoy.ts'
import { haproxy } from './haproxy.ts'
import { ingressNginx } from './ingress-nginx.ts'
import { nginx } from './nginx.ts'
import { traefik } from './traefik.ts'

/** Every contract that Postern speaks, by the name under `proxies` in the policy and behind `/check/`. */
export const PROXIES: Readonly<Record<string, ProxyType>> = {
  traefik,
  caddy,
  nginx,
  'ingress-nginx': ingressNginx,
  haproxy,
  envoy,
}
