import { conforms } from './suite.ts'
import { caddy, envoy, haproxy, nginx, traefik } from './targets/proxies.ts'

for (const target of [traefik, caddy, nginx, haproxy, envoy]) await conforms(target)
