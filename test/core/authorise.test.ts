import { describe, expect, it } from 'vitest'
import { authorise } from '../../src/core/authorise.ts'
import type { Engine, Route } from '../../src/core/engine.ts'
import { IdentityPlan } from '../../src/core/identity.ts'
import type { Limit } from '../../src/core/limit.ts'
import type { Authentication, Principal } from '../../src/core/model.ts'
import { type Requirements, RoleBook } from '../../src/core/roles.ts'
import { Standings } from '../../src/core/standing.ts'
import { portsOf, quietKnowledge, requestOf } from '../support/ports.ts'
import { principalOf } from '../support/principal.ts'

const NAMES = { id: 'I', email: 'E', roles: 'R', permissions: 'P', tenant: 'T', method: 'M' }
const engine = {
  standings: new Standings(new RoleBook(new Map()), new IdentityPlan(NAMES)),
} as unknown as Engine
const NOTHING: Requirements = { roles: [], permissions: [], scopes: [], tenant: null, authentication: null }
const limit = (name: string, by: Limit['by']) => ({ limit: { name, by } as Limit, cost: 1 })

function judge(
  answer: Authentication,
  require: Partial<Requirements> = {},
  { knowledge = {}, limits = [] }: { knowledge?: object; limits?: readonly ReturnType<typeof limit>[] } = {},
) {
  const authenticator = { type: 'x', fallback: false, authenticate: () => answer }
  const route = {
    credentials: [{ authenticator, variants: null }],
    require: { ...NOTHING, ...require },
    limits,
    furtherLimits: limits,
  } as unknown as Route
  const ports = portsOf({ knowledge: { ...quietKnowledge, ...knowledge } })
  return authorise(route, {}, requestOf({ now: 1_000_000 }), engine, ports)
}
const accepted = (part: Partial<Principal> = {}): Authentication => ({
  is: 'accepted',
  principal: principalOf(part),
})

describe('who may pass', () => {
  it('is told with identity and limits', () => {
    const limits = [limit('a', ['principal'])]
    expect(judge(accepted(), {}, { limits })).toEqual({
      principal: principalOf(),
      identity: { I: 'ann', E: '', R: '', P: '', T: '', M: 'jwt:a' },
      further: limits,
    })
  })

  it('is nobody without a credential, with a bad one, or with one of which nobody can tell, and why', () => {
    expect(judge({ is: 'absent' })).toEqual({ reason: 'credential_missing' })
    expect(judge({ is: 'rejected', reason: 'key_expired' })).toEqual({
      reason: 'key_expired',
      cause: undefined,
    })
    const cause = new Error('down')
    expect(judge({ is: 'unavailable', reason: 'key_unavailable', cause })).toEqual({
      reason: 'key_unavailable',
      cause,
    })
  })

  it('is nobody whose credential was revoked, or of whom nobody can say, however much else is wrong', () => {
    const demanding = { roles: ['admin'] }
    const told = (revoked: unknown) => judge(accepted(), demanding, { knowledge: { revoked: () => revoked } })
    expect(told(true)).toEqual({ reason: 'credential_revoked', principal: principalOf() })
    expect(told(null)).toEqual({ reason: 'revocations_unavailable', principal: principalOf() })
  })

  it('is nobody without a tenant where a limit counts by one, and nobody else', () => {
    const limits = [limit('a', ['principal']), limit('b', ['client', 'tenant'])]
    expect(judge(accepted(), {}, { limits })).toEqual({ reason: 'tenant_missing', principal: principalOf() })
    expect(judge(accepted({ tenant: 'acme' }), {}, { limits })).toMatchObject({ further: limits })
    expect(judge(accepted(), {}, { limits: limits.slice(0, 1) })).toMatchObject({
      further: limits.slice(0, 1),
    })
  })

  it('is nobody whose identity does not fit into headers', () => {
    const large = { id: 'x'.repeat(4000) }
    expect(judge(accepted(large))).toEqual({ reason: 'identity_too_large', principal: principalOf(large) })
  })
})

describe('what a principal is told that may not pass', () => {
  const challenge = (require: Partial<Requirements>) => {
    const found = judge(accepted(), require)
    return 'challenge' in found ? found.challenge : null
  }
  const strength = { methods: ['otp'], contexts: [], within: null }

  it('are the scopes that the route demands, where it demands any', () => {
    expect(challenge({ scopes: ['a', 'b'] })).toEqual({ scopes: ['a', 'b'], contexts: null, maxAge: null })
    expect(challenge({ roles: ['admin'] })).toEqual({ scopes: null, contexts: null, maxAge: null })
  })

  it('are the contexts, and how recent a sign-in must be in whole seconds', () => {
    expect(challenge({ authentication: strength })).toEqual({ scopes: null, contexts: null, maxAge: null })
    expect(challenge({ authentication: { ...strength, contexts: ['gold'] } })).toMatchObject({
      contexts: ['gold'],
    })
    expect(challenge({ authentication: { ...strength, within: 1999 } })).toMatchObject({ maxAge: 1 })
    expect(challenge({ authentication: { ...strength, within: 0 } })).toMatchObject({ maxAge: 0 })
  })
})
