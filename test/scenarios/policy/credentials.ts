/** Who may be let in: issuers, keys and roles, the same in every policy of the suite. */
import { UNREACHABLE_ISSUER } from '../../e2e/credentials.ts'
import { DIGESTS, ISSUERS, PARTNER_JWK, VENDOR_PEM } from '../credentials.ts'

/** A port of this machine on which nobody listens: where an issuer is out of reach, and a store silent. */
export const CLOSED = 1

export const issuers = {
  company: {
    issuer: ISSUERS.company,
    audience: ['app'],
    keys: { secret: '${JWT_SECRET}' },
    algorithms: ['HS256'],
    claims: { roles: 'roles', permissions: 'permissions', tenant: 'org', email: 'email' },
  },
  partner: {
    issuer: ISSUERS.partner,
    audience: ['app'],
    keys: { jwk: PARTNER_JWK },
    algorithms: ['ES256'],
    typ: 'at+jwt',
    claims: { roles: '/realm/roles', tenant: 'tid' },
  },
  vendor: {
    issuer: ISSUERS.vendor,
    audience: 'app',
    keys: { pem: VENDOR_PEM },
    algorithms: ['RS256'],
    maxAge: '1h',
    claims: { roles: 'roles', tenant: 'org' },
  },
  unreachable: {
    issuer: UNREACHABLE_ISSUER,
    audience: ['app'],
    keys: { jwks: `http://127.0.0.1:${CLOSED}/keys`, allow: ['http', 'private'] },
    algorithms: ['ES256'],
  },
}

export const apiKeys = {
  header: 'X-API-Key',
  prefix: 'ak',
  peppers: { v1: '${API_KEY_PEPPER}' },
  keys: {
    deployer: {
      digest: DIGESTS.deployer,
      tenant: 'acme',
      email: 'ops@example.com',
      roles: ['editor'],
      permissions: ['mcp:beta:call'],
      scopes: ['items:read'],
    },
    'old-cli': { digest: DIGESTS.imported, roles: ['reader'] },
    roaming: { digest: DIGESTS.roaming, roles: ['reader'], networks: ['10.0.0.0/8', '2001:db8:7::/48'] },
    future: { digest: DIGESTS.future, roles: ['reader'], notBefore: '2999-01-01T00:00:00Z' },
    past: { digest: DIGESTS.past, roles: ['reader'], expires: '2020-01-01T00:00:00Z' },
    metered: { digest: DIGESTS.metered, roles: ['reader'], limits: ['of-key'] },
  },
}

export const roles = {
  reader: { permissions: ['docs:read'] },
  editor: { inherits: ['reader'], permissions: ['docs:write'] },
  admin: { inherits: ['editor'], permissions: ['*'] },
  alpha: { permissions: ['mcp:alpha:call'] },
}
