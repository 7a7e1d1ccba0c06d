import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Desk, deskOf, remoteDesk } from './support.ts'

describe.each([
  ['directly on the store of the policy', async (): Promise<Desk> => deskOf('{ sqlite: ./state.db }')],
  ['through a running admin API', async (): Promise<Desk> => remoteDesk()],
])('postern revoke and postern revocations %s', (_, open) => {
  let desk: Desk
  beforeAll(async () => {
    desk = await open()
  })
  afterAll(() => desk.end())

  it('revoke each kind, list it, and lift it by its id', async () => {
    for (const [kind, value] of [
      ['token', 'jti-1'],
      ['subject', 'u 1/ä'],
      ['session', 's:1'],
    ] as const) {
      const made = await desk.json(['revoke', kind, '--issuer', 'company', value])
      expect(made).toMatchObject({ kind, value, issuer: 'https://login.example.com' })
    }
    expect(await desk.json(['revoke', 'issuer', 'company', '--reason', 'key lost'])).toMatchObject({
      kind: 'issuer',
      value: null,
      reason: 'key lost',
    })
    const all = await desk.json(['revocations', 'list'])
    expect(all).toHaveLength(4)
    for (const { id } of all) expect((await desk.run(['revocations', 'lift', id])).code).toBe(0)
    expect((await desk.run(['revocations', 'list'])).out).toBe('no revocations\n')
    expect((await desk.run(['revocations', 'lift', all[0].id])).code).toBe(1)
  })

  it('say what is wrong with 2, and do nothing', async () => {
    const typo = await desk.run(['revoke', 'subject', 'u', '--issuer', 'compny'])
    expect(typo).toEqual({
      code: 2,
      out: '',
      err: 'issuer: is not an issuer of the policy: did you mean `company`?\n',
    })
    expect((await desk.run(['revoke', 'subject', 'u'])).code).toBe(2)
    expect((await desk.run(['revoke', 'user', 'u', '--issuer', 'company'])).code).toBe(2)
    expect(await desk.json(['revocations', 'list'])).toEqual([])
  })
})
