/** What a route demands of who presents something good. */
import type { CredentialName } from '../credentials.ts'
import { fails, identityOf, passes, type Scenario, type Seen } from '../scenario.ts'
import { ADA, ALICE, DEPLOYER, ERIN, keyNamed, ROOT, readerNamed, VENDOR } from './known.ts'

const policy = 'main'

const demand = (
  id: string,
  says: string,
  feature: string,
  target: string,
  credential: CredentialName,
  expected: Seen,
): Scenario => ({
  id: `demand/${id}`,
  says,
  policy,
  feature,
  request: { target, credentials: [credential] },
  expected,
})

const ROLE = fails('role_missing', 403)
const PERMISSION = fails('permission_missing', 403)
const SCOPE = fails('scope_missing', 403)
const TENANT = fails('tenant_mismatch', 403)
const WEAK = fails('authentication_insufficient', 401)

const factor = (id: string) => passes(readerNamed(id))

export const requirements: readonly Scenario[] = [
  demand('role', 'Who has the role passes', 'role', '/admin/a', 'admin', passes(ROOT)),
  demand('role-missing', 'Who has another role is refused', 'role', '/admin/a', 'reader', ROLE),
  demand('role-none', 'Who has no role is refused', 'role', '/admin/a', 'token without roles', ROLE),
  demand('role-any', 'One of several roles is enough', 'any of two roles', '/staff/a', 'caller of alpha', passes(ADA)),
  demand('role-inherited', 'A role that another one inherits counts', 'any of two roles', '/staff/a', 'admin', passes(ROOT)),
  demand('role-any-none', 'None of several roles is refused', 'any of two roles', '/staff/a', 'reader', ROLE),
  demand('role-of-key', 'Roles of a key count as those of a token', 'any of two roles', '/staff/a', 'configured key', passes(DEPLOYER)),
  demand('role-of-key-missing', 'A key without the role is refused', 'any of two roles', '/staff/a', 'imported key', ROLE),
  demand('role-of-text', 'Roles in a token may be one text', 'any of two roles', '/staff/a', 'token of a vendor', passes(VENDOR)),
  demand('permission', 'A permission of a role counts', 'two permissions', '/edit/a', 'editor', passes(ERIN)),
  demand('permission-one', 'One of two permissions is not enough', 'two permissions', '/edit/a', 'reader', PERMISSION),
  demand('permission-all', 'A wildcard grants every permission', 'two permissions', '/edit/a', 'admin', passes(ROOT)),
  demand('permission-key', 'A key without a permission is refused', 'two permissions', '/edit/a', 'imported key', PERMISSION),
  demand('permission-of-token', 'A permission of the token itself counts', 'permission', '/docs/a', 'token with own permissions', passes(readerNamed('pia', { roles: '', permissions: 'docs:read,mcp:beta:call' }))),
  demand('permission-none', 'Who has no permission is refused', 'permission', '/docs/a', 'token without roles', PERMISSION),
  demand('parameter', 'A permission with a parameter is filled in from the path', 'permission with a parameter', '/mcp/alpha/call', 'caller of alpha', passes(ADA)),
  demand('parameter-other', 'A permission for another value is none for this one', 'permission with a parameter, another value', '/mcp/beta/call', 'caller of alpha', PERMISSION),
  demand('parameter-key', 'A permission of a key is filled in as well', 'permission with a parameter', '/mcp/beta/call', 'configured key', passes(DEPLOYER)),
  demand('parameter-capitals', 'A parameter in another case is another value', 'permission with a parameter in capitals', '/mcp/Alpha/call', 'caller of alpha', PERMISSION),
  demand('parameter-wildcard', 'A wildcard grants every value', 'permission with a parameter', '/mcp/gamma/call', 'admin', passes(ROOT)),
  demand('scope', 'Who has the scope passes', 'scope', '/items/a', 'token with one scope', factor('sven')),
  demand('scope-missing', 'Who lacks the scope is told which', 'scope', '/items/a', 'reader', SCOPE),
  demand('scope-key', 'Scopes of a key count', 'scope', '/items/a', 'configured key', passes(DEPLOYER)),
  demand('scope-key-missing', 'A key without the scope is refused', 'scope', '/items/a', 'imported key', SCOPE),
  demand('scopes', 'Who has all scopes passes', 'two scopes', '/items/all/a', 'token with scopes', factor('scott')),
  demand('scopes-one', 'One of two scopes is not enough', 'two scopes', '/items/all/a', 'token with one scope', SCOPE),
  demand('tenant', 'A member of the tenant in the path passes', 'path parameter as tenant', '/orgs/acme/a', 'reader', passes(ALICE)),
  demand('tenant-other', 'A member of another tenant is refused', 'path parameter as tenant', '/orgs/acme/a', 'token of umbrella', TENANT),
  demand('tenant-none', 'Who has no tenant is a member of none', 'path parameter as tenant', '/orgs/acme/a', 'token without tenant', TENANT),
  demand('tenant-capitals', 'A tenant in another case is another tenant', 'path parameter as tenant', '/orgs/acme/a', 'token with capitals in its tenant', TENANT),
  demand('tenant-key', 'A key of the tenant passes', 'path parameter as tenant', '/orgs/acme/a', 'configured key', passes(DEPLOYER)),
  demand('tenant-stored-key', 'A stored key of the tenant passes', 'path parameter as tenant', '/orgs/acme/a', 'stored key', passes(keyNamed('stored-bot', 'acme'))),
  demand('tenant-key-none', 'A key without a tenant is refused', 'path parameter as tenant', '/orgs/acme/a', 'imported key', TENANT),
  demand('method', 'A second factor opens what demands one', 'authentication methods', '/strong/method/a', 'token with a second factor', factor('otto')),
  demand('method-missing', 'A password alone is not enough', 'authentication methods', '/strong/method/a', 'token with a password', WEAK),
  demand('method-unsaid', 'A token that says no method is not enough', 'authentication methods', '/strong/method/a', 'reader', WEAK),
  demand('method-key', 'A key proves no second factor', 'authentication methods', '/strong/method/a', 'configured key', WEAK),
  demand('context', 'A context that the route names is enough', 'authentication contexts', '/strong/context/a', 'token with a password', factor('pat')),
  demand('context-other', 'Another context is not', 'authentication contexts', '/strong/context/a', 'token of a weak context', WEAK),
  demand('context-unsaid', 'A token that says no context is not', 'authentication contexts', '/strong/context/a', 'reader', WEAK),
  demand('recent', 'A recent sign-in is enough', 'authentication within', '/strong/recent/a', 'token with a second factor', factor('otto')),
  demand('recent-old', 'An old sign-in is not', 'authentication within', '/strong/recent/a', 'token of an old sign-in', WEAK),
  demand('recent-unsaid', 'A token that does not say when is not', 'authentication within', '/strong/recent/a', 'token that does not say when', WEAK),
  demand('all', 'Method, context and time are demanded together', 'all of authentication', '/strong/all/a', 'token with a second factor', factor('otto')),
  demand('all-one', 'One of them missing is enough to refuse', 'all of authentication', '/strong/all/a', 'token of a weak context', WEAK),
  demand('nothing', 'A good credential is enough where nothing is demanded', 'no demand', '/company/a', 'token without tenant', passes(identityOf({ id: 'tom', email: 'alice@example.com', roles: 'reader', permissions: 'docs:read', method: 'jwt:company' }))),
] // biome-ignore format: a table
