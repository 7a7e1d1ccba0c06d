/** What may be spent, by whom, and who is banned. */
import type { CredentialName } from '../credentials.ts'
import { fails, passes, type Scenario, type ScenarioRequest, type Seen, STRANGER } from '../scenario.ts'
import { ALICE, DEPLOYER, ERIN, keyNamed, PARTNER, readerNamed, VENDOR } from './known.ts'

const under =
  (policy: Scenario['policy'], group: string) =>
  (
    id: string,
    says: string,
    feature: string,
    target: string,
    before: number,
    credentials: readonly CredentialName[],
    expected: Seen,
    request: Partial<ScenarioRequest> = {},
  ): Scenario => ({
    id: `${group}/${id}`,
    says,
    policy,
    feature,
    request: { ...request, target, ...(credentials.length > 0 ? { credentials } : {}) },
    ...(before > 0 ? { before } : {}),
    expected,
  })

const spent = under('main', 'limit')
const guessed = under('bans', 'ban')
const silent = under('outage', 'outage')
const shielded = under('shield', 'shield')

const over = (charged: Readonly<Record<string, number>>, shown?: string) =>
  fails('limit_exceeded', 429, charged, shown)
const socket = under('sockets', 'socket')
const HELD_BACK = fails('shield_exceeded', 429)
const WEBSOCKET = { websocket: true }
const BANNED = fails('client_banned', 403)

/** Requests before it that somebody else has sent. */
const after = (earlier: NonNullable<Scenario['earlier']>, scenario: Scenario): Scenario => ({
  ...scenario,
  earlier,
})
const OTHERS = { clients: 'others' } as const

export const limits: readonly Scenario[] = [
  spent('client', 'A client is told what is left', 'limit by client', '/few/a', 0, [], passes(STRANGER, { few: 1 }, 'few')),
  spent('client-last', 'The last unit can be spent', 'limit by client, last unit', '/few/a', 1, [], passes(STRANGER, { few: 0 }, 'few')),
  spent('client-over', 'Who has spent all is refused, and told when to come back', 'limit by client', '/few/a', 2, [], over({ few: 0 }, 'few')),
  spent('client-over-again', 'Who goes on asking is refused at once', 'limit by client, known to be used up', '/few/a', 3, [], over({ few: 0 }, 'few')),
  spent('client-mine', 'A limit by client counts those who are known as well', 'limit by client', '/few/mine/a', 0, ['reader'], passes(ALICE, { few: 1 }, 'few')),
  spent('client-bad', 'A bad credential costs its client as much as a good one', 'limit by client', '/few/mine/a', 0, ['forged token'], fails('credential_invalid', 401, { few: 1 })),
  spent('client-none', 'So does none', 'limit by client', '/few/mine/a', 1, [], fails('credential_missing', 401, { few: 0 })),
  spent('client-bad-over', 'An exhausted client learns nothing of its credential', 'limit by client', '/few/mine/a', 2, ['forged token'], over({ few: 0 }, 'few')),
  spent('client-good-over', 'Nor does a good credential help it', 'limit by client', '/few/mine/a', 2, ['reader'], over({ few: 0 }, 'few')),
  spent('cost', 'A dear request costs more', 'cost of a limit', '/few/dear/a', 0, [], passes(STRANGER, { few: 0 }, 'few')),
  spent('cost-over', 'A request that costs more than is left is refused, and costs nothing', 'cost of a limit', '/few/dear/a', 1, [], over({ few: 0 }, 'few')),
  spent('v6', 'A network of IPv6 is one client', 'limit by client, IPv6', '/few/nets/a', 1, [], passes(STRANGER, { 'of-net': 0 }, 'of-net'), { client: '2001:db8:5::1' }),
  spent('v6-over', 'Whoever has spent all of its network is refused', 'limit by client, IPv6', '/few/nets/a', 2, [], over({ 'of-net': 0 }, 'of-net'), { client: '2001:db8:6::1' }),
  spent('principal', 'A principal is told what is left', 'limit by principal', '/counted/principal/a', 0, ['editor'], passes(ERIN, { 'of-principal': 1 }, 'of-principal')),
  spent('principal-over', 'A principal that has spent all is refused', 'limit by principal', '/counted/principal/a', 2, ['token of a partner'], over({ 'of-principal': 0 }, 'of-principal')),
  spent('principal-key', 'A key is a principal', 'limit by principal', '/counted/principal/a', 1, ['imported key'], passes(keyNamed('old-cli'), { 'of-principal': 0 }, 'of-principal')),
  spent('principal-bad', 'What is bad is no principal, and nobody pays', 'limit by principal', '/counted/principal/a', 3, ['forged token'], fails('credential_invalid', 401)),
  spent('tenant', 'What a tenant has left is told to nobody', 'limit by tenant', '/counted/tenant/a', 0, ['token of umbrella'], passes(readerNamed('uma', { tenant: 'umbrella' }), { 'of-tenant': 1 })),
  spent('tenant-over', 'A tenant that has spent all is refused', 'limit by tenant', '/counted/tenant/a', 2, ['configured key'], over({ 'of-tenant': 0 })),
  spent('tenant-missing', 'Who has no tenant cannot be counted, and is refused', 'limit by tenant', '/counted/tenant/a', 0, ['token without tenant'], fails('tenant_missing', 403)),
  spent('tenant-missing-key', 'Nor can a key without one', 'limit by tenant', '/counted/tenant/a', 0, ['imported key'], fails('tenant_missing', 403)),
  spent('route', 'What a route has left is told to nobody', 'limit by route', '/counted/route/a', 0, [], passes(STRANGER, { 'of-route': 1 })),
  spent('route-over', 'A route that has spent all refuses everybody', 'limit by route', '/counted/route/used/a', 2, [], over({ 'of-route': 0 })),
  spent('pair', 'A limit can count by client and principal together', 'limit by client and principal', '/counted/pair/a', 0, ['token with one scope'], passes(readerNamed('sven'), { 'of-pair': 1 }, 'of-pair')),
  spent('pair-over', 'Together they are spent as well', 'limit by client and principal', '/counted/pair/a', 2, ['token with scopes'], over({ 'of-pair': 0 }, 'of-pair')),
  after(OTHERS, spent('client-others', 'What other clients spend is theirs', 'limit by client, other clients', '/few/a', 2, [], passes(STRANGER, { few: 1 }, 'few'))),
  after(OTHERS, spent('principal-wanders', 'A principal is one wherever it comes from', 'limit by principal, other clients', '/counted/principal/a', 2, ['token of two audiences'], over({ 'of-principal': 0 }, 'of-principal'))),
  after({ credentials: ['token with scopes'] }, spent('principal-others', 'What another principal spends from the same client is its own', 'limit by principal, another principal', '/counted/principal/a', 2, ['token of a vendor'], passes(VENDOR, { 'of-principal': 1 }, 'of-principal'))),
  after({ credentials: ['first of initech'] }, spent('tenant-shared', 'Members of a tenant spend together', 'limit by tenant, another member', '/counted/tenant/a', 2, ['second of initech'], over({ 'of-tenant': 0 }))),
  after(OTHERS, spent('route-shared', 'Clients of a route spend together', 'limit by route, other clients', '/counted/route/wide/a', 2, [], over({ 'of-route': 0 }))),
  after(OTHERS, spent('pair-others', 'A pair is another one with every client', 'limit by client and principal, other clients', '/counted/pair/a', 2, ['token with own permissions'], passes(readerNamed('pia', { roles: '', permissions: 'docs:read,mcp:beta:call' }), { 'of-pair': 1 }, 'of-pair'))),
  spent('both', 'Of two limits the tighter one is told', 'two limits', '/counted/both/a', 0, ['token with a password'], passes(readerNamed('pat'), { more: 8, 'of-principal': 1 }, 'of-principal')),
  spent('both-over', 'When one refuses, the other is not charged', 'two limits', '/counted/both/a', 3, ['token with a second factor'], over({ more: 7, 'of-principal': 0 }, 'of-principal')),
  spent('of-key', 'A limit of the key is charged beside those of the route', 'limit of a key', '/keys/a', 0, ['metered key'], passes(keyNamed('metered'), { 'of-key': 2 }, 'of-key')),
  spent('network-first', 'Who is refused for its network pays nothing', 'limit and networks', '/vault/a', 0, ['reader'], passes(ALICE, { few: 1 }, 'few'), { client: '10.9.9.9' }),
  guessed('first-guess', 'A wrong credential is refused, and noted', 'wrong credentials', '/docs/a', 0, ['forged token'], fails('credential_invalid', 401)),
  guessed('last-guess', 'The guess that is one too many is refused for what it is', 'wrong credentials, one too many', '/docs/a', 2, ['unknown key'], fails('key_unknown', 401)),
  guessed('banned', 'Who guesses on is banned', 'wrong credentials', '/docs/a', 3, ['forged token of a partner'], BANNED),
  guessed('banned-garbage', 'Garbage counts as a guess', 'wrong credentials', '/docs/a', 3, ['garbage as a token'], BANNED),
  guessed('banned-stranger', 'A token of a stranger counts as a guess', 'wrong credentials', '/docs/a', 3, ['token of a stranger'], BANNED),
  guessed('expired', 'An expired token is no guess', 'wrong credentials', '/docs/a', 4, ['expired token'], fails('credential_expired', 401)),
  guessed('nothing', 'Nothing is no guess', 'wrong credentials', '/docs/a', 4, [], fails('credential_missing', 401)),
  guessed('old-key', 'An expired key is no guess', 'wrong credentials', '/docs/a', 4, ['expired key'], fails('key_expired', 401)),
  guessed('never', 'Who is never banned may go on', 'wrong credentials of who is never banned', '/docs/a', 4, ['forged token'], fails('credential_invalid', 401), { client: '203.0.113.200' }),
  guessed('limit-first', 'Who has spent its limit by guessing is told so first', 'wrong credentials and a limit', '/few/a', 2, ['forged token'], over({ few: 0 }, 'few')),
  guessed('by-hand', 'A network that a person banned is refused', 'ban by hand', '/public/a', 0, [], BANNED, { client: '198.18.66.7' }),
  guessed('by-hand-good', 'Whatever it presents', 'ban by hand', '/docs/a', 0, ['reader'], BANNED, { client: '198.18.66.8' }),
  guessed('by-hand-beside', 'Its neighbours pass', 'ban by hand', '/docs/a', 0, ['token of a partner'], passes(PARTNER), { client: '198.18.67.7' }),
  guessed('good', 'Who presents what is good may do so often', 'wrong credentials', '/docs/a', 4, ['configured key'], passes(DEPLOYER)),
  silent('open', 'Strangers pass while the store is silent', 'store silent', '/public/a', 0, [], passes(STRANGER)),
  silent('deny', 'A limit that says so refuses everybody while the store is silent', 'store silent, limit with onOutage deny', '/shut/a', 0, [], fails('limit_unavailable', 503)),
  silent('local', 'A limit counts by itself while the store is silent', 'store silent, limit with onOutage local', '/local/a', 1, [], passes(STRANGER, { local: 0 }, 'local')),
  silent('local-over', 'And refuses when it is spent', 'store silent, limit with onOutage local', '/local/a', 2, [], over({ local: 0 }, 'local')),
  silent('allow', 'A limit that says so bounds nobody while the store is silent', 'store silent, limit with onOutage allow', '/open/a', 3, [], passes(STRANGER)),
  silent('revocations', 'While nobody can say what was revoked, no token passes', 'store silent', '/docs/a', 0, ['reader'], fails('revocations_unavailable', 503)),
  silent('revocations-key', 'Nor does a configured key', 'store silent', '/docs/a', 0, ['configured key'], fails('revocations_unavailable', 503)),
  silent('key', 'A key that only the store knows is neither good nor bad', 'store silent', '/docs/a', 0, ['stored key'], fails('key_unavailable', 503)),
  silent('bad', 'What is bad is bad while the store is silent', 'store silent', '/docs/a', 0, ['forged token'], fails('credential_invalid', 401)),
  silent('missing', 'Who presents nothing is asked for a credential', 'store silent', '/docs/a', 0, [], fails('credential_missing', 401)),
  shielded('within', 'Who stays within the shield passes', 'shield', '/public/a', 1, [], passes(STRANGER)),
  shielded('over', 'Who asks too often is held back', 'shield', '/public/a', 2, [], HELD_BACK),
  shielded('over-good', 'Whatever it presents', 'shield', '/docs/a', 2, ['reader'], HELD_BACK),
  shielded('over-bad', 'What is wrong is not even looked at', 'shield', '/docs/a', 2, ['forged token'], HELD_BACK),
  shielded('network', 'A wrong network is refused before the shield is asked', 'shield and networks', '/inside/a', 3, [], fails('network_denied', 403)),
  socket('opens', 'A handshake is a request like any other', 'WebSocket', '/socket/a', 0, [], passes(STRANGER), WEBSOCKET),
  socket('opens-known', 'Who opens a connection is told to the upstream', 'WebSocket', '/own/a', 0, ['reader'], passes(ALICE), WEBSOCKET),
  socket('missing', 'A handshake needs the credential', 'WebSocket', '/own/a', 0, [], fails('credential_missing', 401), WEBSOCKET),
  socket('over', 'A client opens no more connections than the route lets it', 'WebSocket', '/socket/a', 1, [], fails('connections_exceeded', 429), WEBSOCKET),
  socket('over-known', 'Nor does a principal', 'WebSocket', '/own/a', 1, ['editor'], fails('connections_exceeded', 429), WEBSOCKET),
  socket('plain', 'What is no handshake holds no place', 'request on a route of WebSockets', '/socket/a', 3, [], passes(STRANGER)),
  socket('origin', 'A page of another origin opens no connection', 'WebSocket and origins', '/pages/a', 0, [], fails('origin_denied', 403), { ...WEBSOCKET, headers: [['Origin', 'https://evil.example.com']] }),
] // biome-ignore format: a table
