/** Where requests come from: networks, hops, origins, places. */
import type { Line } from '../../e2e/wire.ts'
import {
  fails,
  NOBODY,
  passes,
  type Scenario,
  type ScenarioRequest,
  type Seen,
  STRANGER,
} from '../scenario.ts'
import { ALICE } from './known.ts'

const policy = 'main'

const from = (
  id: string,
  says: string,
  feature: string,
  request: ScenarioRequest,
  expected: Seen,
): Scenario => ({
  id: `client/${id}`,
  says,
  policy,
  feature,
  request,
  expected,
})

const OUT = fails('network_denied', 403)
const ELSEWHERE = fails('place_denied', 403)
const FOREIGN = fails('origin_denied', 403)
const MISSING = fails('credential_missing', 401)
const PASSES = passes(STRANGER)

const HOME = 'https://app.example.com'
const page = (origin: string, target: string, more: Partial<ScenarioRequest> = {}): ScenarioRequest => ({
  ...more,
  target,
  headers: [['Origin', origin], ...(more.headers ?? [])],
})
const asks = (wanted: string): readonly Line[] => [['Access-Control-Request-Method', wanted]]

/** Places are told by the edge or by a balancer, so these clients come through one. */
let place = 0
const at = (target: string, country?: string, asn?: string): ScenarioRequest => ({
  target,
  client: `192.0.2.${++place}`,
  place: { ...(country === undefined ? {} : { country }), ...(asn === undefined ? {} : { asn }) },
})

export const clients: readonly Scenario[] = [
  from('allow', 'A client of an allowed network passes', 'networks allow', { target: '/inside/a', client: '10.1.1.1' }, PASSES),
  from('allow-out', 'A client of another network is refused', 'networks allow', { target: '/inside/a', client: '203.0.113.1' }, OUT),
  from('allow-edge', 'A network ends where its prefix does', 'networks allow, first address behind', { target: '/inside/a', client: '11.0.0.0' }, OUT),
  from('allow-v6', 'A client of an allowed IPv6 network passes', 'IPv6 networks allow', { target: '/inside/a', client: '2001:db8:1::1' }, PASSES),
  from('allow-v6-out', 'A client of another IPv6 network is refused', 'IPv6 networks allow', { target: '/inside/a', client: '2001:db8:2::1' }, OUT),
  from('allow-mapped', 'An IPv4 address in IPv6 form is the same address', 'networks allow, IPv4 in IPv6 form', { target: '/inside/a', client: '::ffff:10.1.1.2' }, PASSES),
  from('allow-direct', 'The address of the connection counts', 'networks allow, client without a balancer', { target: '/inside/a' }, OUT),
  from('deny', 'A client of a denied network is refused', 'networks deny', { target: '/outside/a', client: '198.51.100.1' }, OUT),
  from('deny-out', 'A client of another network passes', 'networks deny', { target: '/outside/a', client: '203.0.113.2' }, PASSES),
  from('deny-v6', 'A client of a denied IPv6 network is refused', 'IPv6 networks deny', { target: '/outside/a', client: '2001:db8:bad::1' }, OUT),
  from('deny-within', 'What is denied within an allowed network is refused', 'networks allow and deny', { target: '/corner/a', client: '10.66.1.1' }, OUT),
  from('deny-beside', 'What is allowed beside a denied network passes', 'networks allow and deny', { target: '/corner/a', client: '10.67.1.1' }, PASSES),
  from('before-credential', 'From a wrong network the best credential does not help', 'networks before credentials', { target: '/vault/a', client: '203.0.113.3', credentials: ['admin'] }, OUT),
  from('before-bad-credential', 'From a wrong network nobody learns what a credential is worth', 'networks before credentials', { target: '/vault/a', client: '203.0.113.4', credentials: ['forged token'] }, OUT),
  from('forged-hop', 'What a client wrote in front of its address does not count', 'forged hop', { target: '/inside/a', client: '10.1.1.3, 203.0.113.5' }, OUT),
  from('forged-hop-out', 'Nor does it harm', 'forged hop', { target: '/inside/a', client: '203.0.113.6, 10.1.1.4' }, PASSES),
  from('trusted-hop', 'A trusted hop is skipped', 'trusted hop', { target: '/inside/a', client: '10.1.1.5, 173.245.48.9' }, PASSES),
  from('unreadable', 'Whose address cannot be read is in no network', 'unreadable address', { target: '/inside/a', client: 'unknown' }, OUT),
  from('unreadable-open', 'Whose address cannot be read passes where none is asked for', 'unreadable address', { target: '/public/unreadable', client: 'not-an-address' }, PASSES),
  from('own-forwarded', 'A client names no target of its own', 'X-Forwarded-Uri of a client', { target: '/docs/a', headers: [['X-Forwarded-Uri', '/public/a']] }, MISSING),
  from('origin', 'A page of an accepted origin passes', 'origins', page(HOME, '/pages/a'), PASSES),
  from('origin-other', 'A page of another origin is refused', 'origins', page('https://evil.example.com', '/pages/a'), FOREIGN),
  from('origin-null', 'An opaque origin is none of ours', 'origins, opaque', page('null', '/pages/a'), FOREIGN),
  from('origin-none', 'Who has no origin is not concerned', 'origins, none sent', { target: '/pages/a' }, PASSES),
  from('origin-port', 'Another port is another origin', 'origins, another port', page(`${HOME}:8443`, '/pages/a'), FOREIGN),
  from('origin-before-credential', 'The origin is judged before any credential', 'origins before credentials', page('https://evil.example.com', '/quiet/a', { credentials: ['reader'] }), FOREIGN),
  from('origin-credential', 'A good origin replaces no credential', 'origins before credentials', page(HOME, '/quiet/a'), MISSING),
  from('preflight', 'A preflight passes without a credential, as nobody', 'preflight', page(HOME, '/api/a', { method: 'OPTIONS', headers: asks('POST') }), passes(NOBODY)),
  from('preflight-foreign', 'A preflight of another origin is refused', 'preflight', page('https://evil.example.com', '/api/a', { method: 'OPTIONS', headers: asks('POST') }), FOREIGN),
  from('preflight-none', 'OPTIONS that asks for nothing is no preflight', 'preflight that asks for nothing', page(HOME, '/api/a', { method: 'OPTIONS' }), MISSING),
  from('preflight-not-allowed', 'A preflight needs the credential where the route does not let it pass', 'preflight of a route without', page(HOME, '/quiet/a', { method: 'OPTIONS', headers: asks('POST') }), MISSING),
  from('preflight-fake', 'Headers of a preflight do not open another method', 'preflight headers on POST', page(HOME, '/api/a', { method: 'POST', headers: asks('POST') }), MISSING),
  from('preflight-after', 'The request after a preflight needs the credential', 'request after a preflight', page(HOME, '/api/a', { method: 'POST', credentials: ['reader'] }), passes(ALICE)),
  from('country', 'A client in an allowed country passes', 'countries allow', at('/europe/a', 'DE'), PASSES),
  from('country-out', 'A client in another country is refused', 'countries allow', at('/europe/a', 'US'), ELSEWHERE),
  from('country-unknown', 'A client whose country is unknown is in none', 'countries allow, unknown', at('/europe/a', 'XX'), ELSEWHERE),
  from('country-unsaid', 'A client of whom nobody says where it is, is nowhere', 'countries allow, unsaid', at('/europe/a'), ELSEWHERE),
  from('country-deny', 'A client in a denied country is refused', 'countries deny', at('/abroad/a', 'DE'), ELSEWHERE),
  from('country-deny-out', 'A client in another country passes', 'countries deny', at('/abroad/a', 'US'), PASSES),
  from('country-deny-unknown', 'A client whose country is unknown may be in a denied one', 'countries deny, unknown', at('/abroad/a'), ELSEWHERE),
  from('country-tor', 'An exit of Tor is a place of its own', 'countries deny, Tor', at('/abroad/a', 'T1'), PASSES),
  from('asn', 'A client of an allowed network operator passes', 'asns allow', at('/carrier/a', undefined, '64500'), PASSES),
  from('asn-out', 'A client of another operator is refused', 'asns allow', at('/carrier/a', undefined, '64501'), ELSEWHERE),
  from('asn-zero', 'Number 0 is no operator', 'asns deny, reserved number', at('/carriers/a', undefined, '0'), ELSEWHERE),
  from('asn-deny', 'A client of a denied operator is refused', 'asns deny', at('/carriers/a', undefined, '64500'), ELSEWHERE),
  from('asn-deny-out', 'A client of an operator that is not denied passes', 'asns deny', at('/carriers/a', undefined, '64501'), PASSES),
  from('place-both', 'Country and operator must both fit', 'countries and asns', at('/europe/carrier/a', 'DE', '64500'), PASSES),
  from('place-one', 'One of both is not enough', 'countries and asns', at('/europe/carrier/a', 'DE', '64501'), ELSEWHERE),
] // biome-ignore format: a table
