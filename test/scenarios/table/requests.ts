/** Requests that are none, headers that pretend, checks of strangers. */
import { fails, passes, type Scenario, type ScenarioRequest, type Seen, STRANGER } from '../scenario.ts'
import { ALICE } from './known.ts'

const policy = 'main'

const sent = (
  id: string,
  says: string,
  feature: string,
  request: ScenarioRequest,
  expected: Seen,
): Scenario => ({
  id: `request/${id}`,
  says,
  policy,
  feature,
  request,
  expected,
})

/** Where a proxy proves itself by its client certificate. */
const certified = (...given: Parameters<typeof sent>): Scenario => ({
  ...sent(...given),
  policy: 'certified',
})

const MALFORMED = fails('request_malformed', 400)
const ALIAS = fails('header_alias', 400)
const UNTRUSTED = fails('proxy_untrusted', 403)

export const requests: readonly Scenario[] = [
  sent('host-user', 'A host with a user before it is no host', 'host with a user', { host: 'u@app.example.com', target: '/public/a' }, MALFORMED),
  sent('host-list', 'Two hosts in one are no host', 'host that is a list', { host: 'app.example.com,open.example.com', target: '/public/a' }, MALFORMED),
  sent('host-escape', 'A host with an escape is no host', 'host with an escape', { host: 'app%2eexample.com', target: '/public/a' }, MALFORMED),
  sent('host-space', 'A host with a space is no host', 'host with a space', { host: 'app.example .com', target: '/public/a' }, MALFORMED),
  sent('host-port', 'A port that cannot be is no port', 'host with an impossible port', { host: 'app.example.com:99999', target: '/public/a' }, MALFORMED),
  sent('host-empty', 'A request without a host is none', 'empty host', { host: '', target: '/public/a' }, MALFORMED),
  sent('scheme', 'A scheme that is not of the web is none', 'scheme', { scheme: 'ftp', target: '/public/a', client: '192.0.2.201' }, MALFORMED),
  sent('scheme-websocket', 'A WebSocket is a request of the web', 'scheme of WebSocket', { scheme: 'wss', target: '/public/a', client: '192.0.2.202' }, passes(STRANGER)),
  sent('alias', 'Another spelling of an identity header is refused', 'identity header with underscores', { target: '/public/a', headers: [['X_Auth_User', 'root']] }, ALIAS),
  sent('alias-dots', 'So is one with dots', 'identity header with dots', { target: '/public/a', headers: [['X.Auth.Roles', 'admin']] }, ALIAS),
  sent('alias-credential', 'No credential excuses it', 'identity header with underscores', { target: '/docs/a', headers: [['X_Auth_User', 'root']], credentials: ['reader'] }, ALIAS),
  sent('connection', 'Connection does not take an identity header away', 'identity header named in Connection', { target: '/docs/a', headers: [['Connection', 'close, X-Auth-User']], credentials: ['reader'] }, ALIAS),
  sent('own-identity', 'An identity header of a client counts for nothing', 'identity header of a client', { target: '/docs/a', headers: [['X-Auth-User', 'root'], ['X-Auth-Roles', 'admin']], credentials: ['reader'] }, passes(ALICE)),
  sent('own-identity-stranger', 'Nor does it make somebody of a stranger', 'identity header of a client', { target: '/public/a', headers: [['X-Auth-User', 'root'], ['X-Auth-Method', 'jwt:company']] }, passes(STRANGER)),
  sent('own-identity-denied', 'Nor does it replace a credential', 'identity header of a client', { target: '/docs/a', headers: [['X-Auth-User', 'root']] }, fails('credential_missing', 401)),
  sent('own-status', 'A client says no status', 'X-Postern-Status of a client', { target: '/docs/a', headers: [['X-Postern-Status', '200']] }, fails('credential_missing', 401)),
  sent('query-token', 'A token in the query is none', 'token in the query', { target: '/docs/a?access_token=a.b.c' }, fails('credential_missing', 401)),
  sent('cookie', 'A cookie is no credential', 'cookie', { target: '/docs/a', headers: [['Cookie', 'Authorization=Bearer a.b.c']] }, fails('credential_missing', 401)),
  sent('proof-none', 'A check without the secret is nobody’s', 'check without the secret', { target: '/public/a', proof: 'none' }, UNTRUSTED),
  sent('proof-wrong', 'A check with another secret is nobody’s', 'check with another secret', { target: '/public/a', proof: 'wrong' }, UNTRUSTED),
  sent('proof-twice', 'A check with two secrets is nobody’s', 'check with two secrets', { target: '/public/a', proof: 'twice' }, UNTRUSTED),
  sent('proof-credential', 'A good credential does not make a proxy of a stranger', 'check without the secret', { target: '/docs/a', proof: 'none', credentials: ['reader'] }, UNTRUSTED),
  certified('certificate', 'A proxy is believed by its certificate', 'client certificate', { target: '/public/a', proof: 'certificate' }, passes(STRANGER)),
  certified('certificate-credential', 'What it asks about is judged as always', 'client certificate', { target: '/docs/a', proof: 'certificate', credentials: ['forged token'] }, fails('credential_invalid', 401)),
  certified('certificate-none', 'Without one it is a stranger', 'check without a certificate', { target: '/public/a', proof: 'none' }, UNTRUSTED),
  certified('certificate-other', 'With another one it is a stranger', 'check with another certificate', { target: '/public/a', proof: 'another certificate' }, UNTRUSTED),
  certified('certificate-unverified', 'One that the edge could not verify is none', 'check with a certificate that does not verify', { target: '/public/a', proof: 'certificate that does not verify' }, UNTRUSTED),
] // biome-ignore format: a table
