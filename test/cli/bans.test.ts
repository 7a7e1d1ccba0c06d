import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { sha256Hex } from '../../src/ports/node-crypto.ts'
import { type Desk, deskOf, remoteDesk } from './support.ts'

describe.each([
  ['directly on the store of the policy', async (): Promise<Desk> => deskOf('{ sqlite: ./state.db }')],
  ['through a running admin API', async (): Promise<Desk> => remoteDesk()],
])('postern bans %s', (_, open) => {
  let desk: Desk
  beforeAll(async () => {
    desk = await open()
  })
  afterAll(() => desk.end())

  it('adds, lists and lifts', async () => {
    expect(
      await desk.json(['bans', 'add', '192.0.2.7', '--for', '1h', '--reason', 'guessing']),
    ).toMatchObject({
      network: '192.0.2.7/32',
      reason: 'guessing',
    })
    await desk.run(['bans', 'add', '2001:db8::/32', '--forever'])
    const { out } = await desk.run(['bans', 'list'])
    expect(out.split('\n').map((line) => line.split(/ {2,}/)[0])).toEqual([
      'NETWORK',
      '192.0.2.7/32',
      '2001:db8::/32',
      '',
    ])
    expect(out).toContain('for ever')
    expect(await desk.json(['bans', 'lift', '2001:db8::/32'])).toEqual({ lifted: '2001:db8::/32' })
    expect(await desk.json(['bans', 'list'])).toHaveLength(1)
    expect((await desk.run(['bans', 'lift', '2001:db8::/32'])).code).toBe(1)
  })

  it('wants to know how long, and for which network', async () => {
    for (const args of [[], ['--for', '1h', '--forever'], ['--for', 'long']])
      expect((await desk.run(['bans', 'add', '192.0.2.9', ...args])).code).toBe(2)
    expect((await desk.run(['bans', 'add', '192.0.2.9/8', '--for', '1h'])).code).toBe(2)
    expect((await desk.run(['bans', 'lift', 'nonsense'])).code).toBe(2)
    expect(await desk.json(['bans', 'list'])).toHaveLength(1)
  })
})

describe('postern token', () => {
  it('shows a token once, with the line whose digest is its own', async () => {
    const desk = deskOf('memory')
    const { token, entry } = await desk.json(['token', '--name', 'ops', '--role', 'writer'])
    expect(token).toMatch(/^postern_[0-9A-Za-z]{43}$/)
    expect(entry).toEqual({ digest: `sha256:${sha256Hex(token)}`, role: 'writer' })
    const { out } = await desk.run(['token', '--name', 'board'])
    const shown = /^ {2}(postern_\w+)$/m.exec(out)?.[1] ?? ''
    const line = parse(out.trim().split('\n').at(-1) ?? '')
    expect(line).toEqual({ board: { digest: `sha256:${sha256Hex(shown)}`, role: 'reader' } })
    expect((await desk.run(['token', '--name', '-'])).code).toBe(2)
    expect((await desk.run(['token', '--name', 'x', '--role', 'admin'])).code).toBe(2)
    desk.end()
  })
})
