/** Header fields on their way through the gateway, whatever a decision has let through. */
import { describe, expect, it } from 'vitest'
import { IdentityPlan } from '../../src/core/identity.ts'
import type { Decision } from '../../src/core/model.ts'
import { relay, secure, tell } from '../../src/worker/gateway/fields.ts'

const identity = new IdentityPlan({
  id: 'X-Auth-User',
  email: 'X-Forwarded-Email',
  roles: 'X-Roles',
  permissions: 'X-Auth-Permissions',
  tenant: 'X-Auth-Tenant',
  method: 'X-Auth-Method',
})
const TOLD = { client: '192.0.2.1', scheme: 'https', host: 'app.example.com:8443', secret: null }
const SPELLINGS = [
  'X-Auth-User',
  'x-auth-user',
  'X_AUTH_USER',
  'x.auth.user',
  'X~Auth-User',
  'x_roles',
  'X-ROLES',
]

describe('a request on its way', () => {
  it.each(SPELLINGS)(
    'carries no %s of a client, even where the decision has none to put in its place',
    (name) => {
      const headers = new Headers({ [name]: 'root' })
      tell(headers, { ...TOLD, identity: {} }, identity)
      expect([...headers.keys()]).toEqual([
        'x-forwarded-for',
        'x-forwarded-host',
        'x-forwarded-proto',
        'x-real-ip',
      ])
    },
  )

  it('carries an identity header of the policy that has the name of a claim', () => {
    const headers = new Headers({ 'X-Forwarded-Email': 'root@example.com', 'X-Forwarded-User': 'root' })
    tell(headers, { ...TOLD, identity: { 'X-Forwarded-Email': 'a@example.com' } }, identity)
    expect(headers.get('x-forwarded-email')).toBe('a@example.com')
    expect(headers.get('x-forwarded-user')).toBeNull()
    expect(headers.get('x-forwarded-host')).toBe('app.example.com:8443')
  })

  it('carries no secret where the binding proves enough, not even that of a client', () => {
    const headers = new Headers({ 'X-Postern-Secret': 'guess', x_postern_secret: 'guess' })
    tell(headers, { ...TOLD, identity: {} }, identity)
    expect([...headers.keys()].filter((name) => name.includes('secret'))).toEqual([])
  })
})

describe('an answer on its way', () => {
  it.each(SPELLINGS)('carries no %s of the origin', (name) => {
    const headers = new Headers({ [name]: 'alice', 'X-Other': '1' })
    relay(headers, { quotas: [] } as unknown as Decision, identity)
    expect([...headers.keys()]).toEqual(['x-other'])
  })

  it('is told what the policy wants, once', () => {
    const headers = new Headers({ 'x-frame-options': 'SAMEORIGIN' })
    secure(headers, { 'X-Frame-Options': 'DENY', 'Referrer-Policy': 'no-referrer' })
    expect([...headers]).toEqual([
      ['referrer-policy', 'no-referrer'],
      ['x-frame-options', 'SAMEORIGIN'],
    ])
  })
})
