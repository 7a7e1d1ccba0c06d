import { describe, expect, it } from 'vitest'
import { revocationView } from '../../src/admin/revocations.ts'
import { MAX_REVOCATIONS, revocation } from '../../src/state/revocation.ts'
import { type Admin, adminOf, READER } from './support.ts'

const revoke = (admin: Admin, body: object) => admin.ask('POST', '/v1/revocations', { body })

describe('a revocation', () => {
  it('reaches what was issued up to now, by the name of the issuer or its exact iss', async () => {
    const admin = adminOf()
    for (const issuer of ['company', 'https://login.example.com']) {
      const { status, body } = await revoke(admin, { kind: 'subject', issuer, value: 'u1' })
      expect([200, 201]).toContain(status)
      expect(revocationView.parse(body)).toMatchObject({
        issuer: 'https://login.example.com',
        before: '2026-11-21T12:00:00.000Z',
        by: 'ops',
      })
    }
    const entries = await admin.store.list('revocation', { after: null, limit: 10, owner: null })
    expect(entries).toHaveLength(1)
    expect(revocation.parse(JSON.parse(entries[0]?.body ?? ''))).toMatchObject({
      what: 'subject',
      value: 'u1',
      before: Date.parse('2026-11-21T12:00:00Z') / 1000,
    })
  })

  it('is never weakened by saying it again', async () => {
    const admin = adminOf()
    const earlier = { kind: 'session', issuer: 'company', value: 's', before: '2026-01-01T00:00:00Z' }
    await revoke(admin, { kind: 'session', issuer: 'company', value: 's' })
    const again = await revoke(admin, { ...earlier, until: '2026-12-01T00:00:00Z' })
    expect(again.body).toMatchObject({ before: '2026-11-21T12:00:00.000Z', until: null })
    admin.pass(60_000)
    const later = await revoke(admin, { kind: 'session', issuer: 'company', value: 's' })
    expect(later.body).toMatchObject({ before: '2026-11-21T12:01:00.000Z' })
    expect([again.status, later.status]).toEqual([200, 200])
  })

  it('takes all kinds, api-key as an issuer, and refuses what makes no sense, with the reason', async () => {
    const admin = adminOf()
    for (const body of [
      { kind: 'token', issuer: 'company', value: 'jti-1' },
      { kind: 'issuer', issuer: 'company' },
      { kind: 'subject', issuer: 'api-key', value: 'bot' },
      { kind: 'token', issuer: 'company', value: 'ä/?#%2f ' },
    ])
      expect((await revoke(admin, body)).status).toBe(201)
    const refused: [object, string][] = [
      [{ kind: 'user', issuer: 'company', value: 'x' }, 'kind'],
      [{ kind: 'token', issuer: 'company' }, 'value'],
      [{ kind: 'issuer', issuer: 'company', value: 'x' }, 'value'],
      [{ kind: 'token', issuer: 'company', value: 'x', before: '2026-01-01T00:00:00Z' }, 'before'],
      [{ kind: 'subject', issuer: 'company', value: 'x', before: '2027-01-01T00:00:00Z' }, 'before'],
      [{ kind: 'subject', issuer: 'company', value: 'x', until: '2026-01-01T00:00:00Z' }, 'until'],
      [{ kind: 'subject', issuer: 'company', value: 'a\u0000b' }, 'value'],
      [{ kind: 'subject', issuer: 'company', value: 'x'.repeat(512) }, 'value'],
    ]
    for (const [body, path] of refused) {
      const answer = await revoke(admin, body)
      expect([answer.status, answer.body.problems[0]?.path]).toEqual([400, path])
    }
    const { body } = await revoke(admin, { kind: 'issuer', issuer: 'compny' })
    expect(body.problems).toEqual([
      { path: 'issuer', message: 'is not an issuer of the policy: did you mean `company`?' },
    ])
  })

  it('is forgotten at its end, and lifted by the id that the list shows', async () => {
    const admin = adminOf()
    const until = '2026-11-21T13:00:00Z'
    await revoke(admin, { kind: 'token', issuer: 'company', value: 'one', until })
    const { body } = await revoke(admin, { kind: 'token', issuer: 'company', value: 'two' })
    expect((await admin.ask('GET', '/v1/revocations', { token: READER })).body.items).toHaveLength(2)
    admin.pass(3_600_000)
    expect((await admin.ask('GET', '/v1/revocations')).body.items).toEqual([body])
    expect((await admin.ask('DELETE', `/v1/revocations/${body.id}`)).status).toBe(204)
    expect((await admin.ask('DELETE', `/v1/revocations/${body.id}`)).status).toBe(404)
    const actions = admin.lines.map((line) => JSON.parse(line).action)
    expect(actions).toEqual(['revocation.create', 'revocation.create', 'revocation.lift'])
  })

  it('stays within what every instance can hold, and still takes what is known already', async () => {
    const admin = adminOf()
    const known = { kind: 'token', issuer: 'company', value: 'first' }
    await revoke(admin, known)
    const body = JSON.stringify({
      v: 1,
      what: 'token',
      issuer: 'x',
      value: 'y',
      before: null,
      reason: null,
      by: 'x',
      created: 0,
    })
    for (let i = 1; i < MAX_REVOCATIONS; i += 1000) {
      const changes = Array.from({ length: Math.min(1000, MAX_REVOCATIONS - i) }, (_, k) => ({
        put: { kind: 'revocation' as const, id: `z${i + k}`, body, owner: null, aliases: [], expires: null },
        expected: 'any' as const,
      }))
      await admin.store.apply(changes, null)
    }
    admin.pass(61_000)
    const full = await revoke(admin, { kind: 'token', issuer: 'company', value: 'one too many' })
    expect([full.status, full.body.detail]).toEqual([409, expect.stringContaining('100000 revocations')])
    expect((await revoke(admin, known)).status).toBe(200)
  })
})
