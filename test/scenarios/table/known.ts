/** What upstreams are told of the principals that several scenarios have in common. */
import { type Identity, identityOf } from '../scenario.ts'

const jwt = 'jwt:company'
const email = 'alice@example.com'

export const ALICE: Identity = identityOf({
  id: 'alice',
  email,
  roles: 'reader',
  permissions: 'docs:read',
  tenant: 'acme',
  method: jwt,
})

/** A reader of acme under another name. */
export const readerNamed = (id: string, part: Parameters<typeof identityOf>[0] = {}): Identity =>
  identityOf({ id, email, roles: 'reader', permissions: 'docs:read', tenant: 'acme', method: jwt, ...part })

export const ERIN = readerNamed('erin', { roles: 'editor,reader', permissions: 'docs:read,docs:write' })

export const ROOT = identityOf({
  id: 'root',
  roles: 'admin,editor,reader',
  permissions: '*,docs:read,docs:write',
  method: jwt,
})

export const ADA = readerNamed('ada', { roles: 'alpha', permissions: 'mcp:alpha:call' })

export const DEPLOYER = identityOf({
  id: 'deployer',
  email: 'ops@example.com',
  roles: 'editor,reader',
  permissions: 'docs:read,docs:write,mcp:beta:call',
  tenant: 'acme',
  method: 'api-key',
})

/** A key that may read, and nothing else. */
export const keyNamed = (id: string, tenant = ''): Identity =>
  identityOf({ id, roles: 'reader', permissions: 'docs:read', tenant, method: 'api-key' })

export const PARTNER = identityOf({
  id: 'p-1',
  roles: 'reader',
  permissions: 'docs:read',
  tenant: 'acme',
  method: 'jwt:partner',
})

export const VENDOR = identityOf({
  id: 'v-1',
  roles: 'editor,reader',
  permissions: 'docs:read,docs:write',
  tenant: 'acme',
  method: 'jwt:vendor',
})
