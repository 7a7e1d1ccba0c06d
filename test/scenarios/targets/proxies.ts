/** The proxies of the suite, each with what it forces. */
import { passes, STRANGER } from '../scenario.ts'
import {
  answersItself,
  BROKEN_ESCAPE,
  dropsAliases,
  dropsConnection,
  encodes,
  hostHolds,
  NUL,
  namesClient,
  RAW_HASH,
  rewrites,
  tidied,
} from './forced.ts'
import { proxy } from './proxy.ts'
import type { Difference } from './target.ts'

/** Methods of RFC 9110, RFC 5789 and WebDAV, in capitals. */
const COMMON = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/

/** What Traefik forces, whatever stands behind it. */
export const BY_TRAEFIK: readonly Difference[] = [
  rewrites(
    'Traefik tidies paths before anybody sees them: Postern and the upstream get what is left.',
    tidied,
  ),
  encodes('Traefik encodes a raw backslash before anybody sees it.', /\\/),
  answersItself(
    'Traefik refuses a target with a broken escape or a raw hash itself.',
    (row) => BROKEN_ESCAPE(row) || RAW_HASH(row),
  ),
  answersItself('Traefik refuses a Host that holds more than a name and a port itself.', hostHolds(/[@ ]/)),
  dropsAliases(
    'Traefik deletes header names with other signs than letters, digits and hyphens (`aliasHeadersStrategy`), so that no alias reaches anybody.',
  ),
  dropsConnection(
    'Traefik takes out what Connection names before it asks, and sets the identity after that.',
  ),
  {
    why: "Traefik's ForwardAuth adds nothing to the answer of an allowed request, so that its client is not told its quota.",
    concerns: ({ expected }) => expected.identity !== null && expected.quota !== null,
    instead: (expected) => ({ ...expected, quota: null }),
  },
]

export const traefik = proxy('traefik', 'Traefik', BY_TRAEFIK)

export const caddy = proxy('caddy', 'Caddy', [
  encodes('Caddy encodes a raw backslash or hash before anybody sees it.', /[\\#]/),
  answersItself('Caddy refuses a target with a broken escape itself.', BROKEN_ESCAPE),
  answersItself(
    'Caddy refuses a Host that is empty or holds more than a name and a port itself.',
    hostHolds(/[@ ]|^$/),
  ),
  dropsAliases('Caddy drops header names with an underscore or a dot, so that no alias reaches anybody.'),
  dropsConnection('The recipe for Caddy removes Connection from every request but WebSocket handshakes.'),
  namesClient(
    'Caddy names the client itself, so that a hop behind its balancer has to stand in its own `trusted_proxies`.',
  ),
])

export const nginx = proxy('nginx', 'nginx', [
  answersItself('nginx refuses a method in small letters itself.', ({ request }) => request.method === 'get'),
  answersItself(
    'nginx refuses a target with NUL or a broken escape itself.',
    (row) => NUL(row) || BROKEN_ESCAPE(row),
  ),
  answersItself('nginx refuses a Host that is empty or holds a space itself.', hostHolds(/ |^$/)),
  answersItself(
    'nginx refuses a request with two Authorization lines itself.',
    ({ expected, request }) =>
      expected.reason === 'credential_repeated' &&
      request.credentials?.every((name) => /reader|token|scheme/.test(name)) === true,
  ),
  answersItself(
    'nginx refuses header lines beyond its buffers of 8 KiB itself.',
    ({ request }) => request.credentials?.includes('a huge token') === true,
  ),
  {
    why: 'The recipe for nginx hands over `$host`, which has no port any more.',
    concerns: hostHolds(/:\d{5,}$/),
    instead: () => passes(STRANGER),
  },
  {
    why: 'The recipe for nginx names the scheme itself, whatever a balancer says.',
    concerns: ({ request }) => request.scheme !== undefined,
    instead: () => passes(STRANGER),
  },
  dropsAliases('nginx drops header names with an underscore or a dot, so that no alias reaches anybody.'),
  dropsConnection('nginx never passes on what a client says in Connection.'),
  namesClient(
    'nginx names the client itself, so that a hop behind its balancer has to stand in its own `set_real_ip_from`.',
  ),
])

export const haproxy = proxy('haproxy', 'HAProxy', [
  answersItself('HAProxy refuses a target with a raw hash itself.', RAW_HASH),
  answersItself(
    'The recipe for HAProxy refuses a Host with a comma before anybody is asked.',
    hostHolds(/,/),
  ),
  dropsAliases(
    'The recipe for HAProxy deletes header names with other signs than letters, digits and hyphens.',
  ),
  dropsConnection('The recipe for HAProxy deletes Connection from every request but WebSocket handshakes.'),
  namesClient(
    'HAProxy names the client itself, so that a hop behind its balancer has to stand in its own `acl balancer`.',
  ),
])

export const envoy = proxy('envoy', 'Envoy', [
  answersItself(
    'Envoy knows no other methods than the common ones.',
    ({ request }) => !COMMON.test(request.method ?? 'GET'),
  ),
  answersItself('Envoy refuses a target with NUL or a raw hash itself.', (row) => NUL(row) || RAW_HASH(row)),
  answersItself('Envoy refuses a Host with a space itself.', hostHolds(/ /)),
  rewrites(
    'Envoy tidies paths before anybody sees them (`normalize_path`, `merge_slashes`): Postern and the upstream get what is left.',
    (path) => tidied(path.replaceAll('\\', '/').replaceAll('/..;', '/..')),
  ),
  dropsAliases(
    'The recipe for Envoy deletes header names with other signs than letters, digits and hyphens.',
  ),
  dropsConnection('The recipe for Envoy overwrites what a client says in Connection.'),
  namesClient(
    'Envoy names the client itself, so that a hop behind its balancer has to stand in its own `xff_trusted_cidrs`.',
  ),
  {
    why: 'Envoy shows Postern only the headers that `allowed_headers` names; the recipe names none that says where a client is, so that nobody is anywhere.',
    concerns: ({ request }) => request.place !== undefined,
    instead: () => ({
      status: 403,
      reason: 'place_denied',
      judged: true,
      identity: null,
      quota: null,
      charged: {},
    }),
  },
])
