import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkCommand } from '../../src/cli/check.ts'
import { WRITER } from '../admin/support.ts'
import { type Desk, deskOf, remoteDesk, VARIABLES } from './support.ts'

const SQLITE = '{ sqlite: ./state.db }'

/** The same life of a key, on the store itself and through a running admin API. */
describe.each([
  ['directly on the store of the policy', async (): Promise<Desk> => deskOf(SQLITE)],
  ['through a running admin API', async (): Promise<Desk> => remoteDesk()],
])('postern keys %s', (_, open) => {
  let desk: Desk
  beforeAll(async () => {
    desk = await open()
  })
  afterAll(() => desk.end())

  it('creates, lists, shows, updates, rotates, verifies, revokes and deletes', async () => {
    const made = await desk.json(['keys', 'create', '--owner', 'bot', '--id', 'k1', '--roles', 'user'])
    expect(made).toMatchObject({ id: 'k1', owner: 'bot', roles: ['user'], status: 'active' })
    expect(made.key).toMatch(/^ak_live_[0-9A-Za-z]{51}$/)
    await desk.run(['keys', 'create', '--owner', 'other', '--id', 'k2'])
    expect((await desk.json(['keys', 'list'])).map(({ id }: { id: string }) => id)).toEqual(['k1', 'k2'])
    expect(await desk.json(['keys', 'list', '--owner', 'other'])).toHaveLength(1)
    expect(await desk.json(['keys', 'list', '--status', 'revoked'])).toEqual([])

    const { key, ...view } = made
    expect(await desk.json(['keys', 'show', 'k1'])).toEqual(view)
    await desk.run(['keys', 'update', 'k1', '--description', 'for builds', '--tenant', 'acme'])
    const changed = await desk.json(['keys', 'update', 'k1', '--tenant', '', '--roles', ''])
    expect(changed).toMatchObject({ tenant: null, roles: [], description: 'for builds', version: 3 })
    const late = await desk.run(['keys', 'update', 'k1', '--tenant', 'x', '--if-version', '2'])
    expect([late.code, late.err]).toEqual([1, expect.stringContaining('version 3')])

    const turned = await desk.json(['keys', 'rotate', 'k1', '--overlap', '1h'])
    expect(turned.secrets).toHaveLength(2)
    const check = (text: string) => desk.json(['keys', 'verify'], `${text}\n`)
    expect(await check(key)).toMatchObject({ verdict: 'good', source: 'store', id: 'k1' })
    expect(await check(turned.key)).toMatchObject({ verdict: 'good' })

    expect((await desk.run(['keys', 'revoke', 'k1'])).code).toBe(0)
    const refused = await desk.run(['keys', 'verify', '--json'], turned.key)
    expect([refused.code, JSON.parse(refused.out).verdict]).toEqual([1, 'revoked'])
    expect(await desk.json(['keys', 'delete', 'k1'])).toEqual({ deleted: 'k1' })
    const gone = await desk.run(['keys', 'show', 'k1'])
    expect(gone).toEqual({ code: 1, out: '', err: 'There is no key with this id.\n' })
  })

  it('gives the same key again for the same idempotency key', async () => {
    const create = () => desk.json(['keys', 'create', '--owner', 'twice', '--idempotency-key', 'deploy-7'])
    expect(await create()).toEqual(await create())
  })

  it('says everything that is wrong with the arguments, and ends with 2', async () => {
    const ended = await desk.run([
      'keys',
      'create',
      '--owner',
      'bot',
      '--roles',
      'usr,user',
      '--networks',
      'x',
    ])
    expect(ended.code).toBe(2)
    expect(ended.err.trim().split('\n').sort()).toEqual([
      expect.stringMatching(/^networks\[0\]: is not a network/),
      'roles[0]: `usr` is not a role: did you mean `user`?',
    ])
  })

  it('prints tables for people, in which nothing can pass for a command of the terminal', async () => {
    await desk.run(['keys', 'create', '--owner', 'shown', '--id', 'k9', '--description', 'a\u001b[2Jb'])
    const { out } = await desk.run(['keys', 'list', '--owner', 'shown'])
    expect(out.split('\n')[0]).toMatch(/^ID {2}OWNER {2}STATUS/)
    const shown = await desk.run(['keys', 'show', 'k9'])
    expect(shown.out).toContain('a\\u001b[2Jb')
    expect((await desk.run(['keys', 'list', '--owner', 'nobody'])).out).toBe('no keys\n')
  })
})

describe('postern keys', () => {
  const desk = deskOf(SQLITE)
  afterAll(() => desk.end())

  it('verifies offline by form, checksum and tag, without touching the store', async () => {
    const { key } = await desk.json(['keys', 'create', '--owner', 'bot'])
    desk.file(
      'other.yaml',
      readFileSync(join(desk.folder, 'postern.yaml'), 'utf8').replace('state.db', 'no/such.db'),
    )
    const offline = (text: string) =>
      desk.run(['keys', 'verify', '--offline', '--json', '--policy', 'other.yaml'], text)
    const sound = await offline(key)
    expect([sound.code, JSON.parse(sound.out)]).toMatchObject([0, { verdict: 'sound', pepper: 'v2' }])
    const typo = await offline(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)
    expect([typo.code, JSON.parse(typo.out).verdict]).toEqual([1, 'checksum'])
    expect((await offline('')).code).toBe(2)
    expect((await offline(`${key}\n${key}`)).code).toBe(2)
  })

  it('names the account in the audit', async () => {
    const { key, id } = await desk.json(['keys', 'create', '--owner', 'audited'])
    const file = readFileSync(join(desk.folder, 'state.db'))
    const wal = (() => {
      try {
        return readFileSync(join(desk.folder, 'state.db-wal'))
      } catch {
        return Buffer.alloc(0)
      }
    })()
    const kept = Buffer.concat([file, wal]).toString('latin1')
    expect(kept).toContain(`"actor":"cli:alice","action":"key.create","target":"${id}"`)
    expect(kept).not.toContain(key)
    expect(kept).not.toContain(VARIABLES.PEPPER)
  })

  it('prints the line for the policy where the store is memory, and the policy takes it', async () => {
    const memory = deskOf('memory')
    try {
      const { id, key, entry } = await memory.json(['keys', 'create', '--owner', 'bot', '--roles', 'user'])
      expect([id, entry.roles]).toEqual(['bot', ['user']])
      const text = readFileSync(join(memory.folder, 'postern.yaml'), 'utf8')
      const { out } = await memory.run(['keys', 'create', '--owner', 'bot'])
      const line = out.trim().split('\n').at(-1)?.trim()
      memory.file('postern.yaml', text.replace('prefix: ak_live,', `prefix: ak_live, keys: { ${line} },`))
      const io = {
        stdout: { write: () => {} },
        stderr: { write: () => {} },
        env: VARIABLES,
        cwd: memory.folder,
      }
      expect(await checkCommand('postern.yaml', { ...io, isTerminal: false })).toBe(0)
      const again = out.split('\n').find((one) => /^ {2}ak_live_/.test(one))
      expect(await memory.json(['keys', 'verify'], again)).toMatchObject({ verdict: 'good', id: 'bot' })
      expect((await memory.run(['keys', 'verify'], key)).code).toBe(1)
      const list = await memory.run(['keys', 'list'])
      expect([list.code, list.err]).toEqual([1, expect.stringContaining('--admin URL')])
    } finally {
      memory.end()
    }
  })

  it('takes a token from the environment or a file, and never from the command line', async () => {
    const remote = await remoteDesk()
    try {
      const bare = deskOf('memory')
      const list = (...more: string[]) => bare.run(['keys', 'list', '--admin', remote.url, ...more])
      const without = await list()
      expect([without.code, without.err]).toEqual([2, expect.stringContaining('POSTERN_ADMIN_TOKEN')])
      writeFileSync(join(bare.folder, 'token'), `${WRITER}\n`)
      expect((await list('--token-file', 'token')).code).toBe(0)
      writeFileSync(join(bare.folder, 'token'), 'wrong')
      const wrong = await list('--token-file', 'token')
      expect([wrong.code, wrong.err]).toEqual([1, 'The token is not one of this policy.\n'])
      expect((await list('--token', WRITER)).code).toBe(2)
      const withUser = await bare.run(['keys', 'list', '--admin', remote.url.replace('//', '//u:pass@')])
      expect([withUser.code, withUser.err.includes('pass@')]).toEqual([2, false])
      bare.end()
    } finally {
      remote.end()
    }
    const dead = deskOf('memory', { POSTERN_ADMIN_TOKEN: WRITER })
    const { code, err } = await dead.run(['keys', 'list', '--admin', remote.url])
    expect([code, err.replace(/\(\w+\)/, '(why)')]).toEqual([1, `${remote.url} cannot be reached (why)\n`])
    dead.end()
  })

  it('ends with 1 and a reason when the store cannot be opened', async () => {
    const broken = deskOf('{ sqlite: ./no/such/folder/state.db }')
    const { code, err } = await broken.run(['keys', 'list'])
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^The store of \.\/postern\.yaml cannot be used: /),
    ])
    broken.end()
  })

  it('ends although a server cannot be reached, and names no password', async () => {
    const port = await closedPort()
    const dead = deskOf(`{ redis: { url: "\${REDIS}" } }`)
    const main = join(import.meta.dirname, '../../src/cli/main.ts')
    const REDIS = `redis://:pass-of-mine@127.0.0.1:${port}`
    const ended = await promisify(execFile)(process.execPath, [main, 'keys', 'list'], {
      cwd: dead.folder,
      env: { ...process.env, ...VARIABLES, REDIS },
      timeout: 25_000,
    }).catch((error: unknown) => error as { code: number; stdout: string; stderr: string })
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('cannot be used: ')
    expect(ended.stderr).not.toContain('pass-of-mine')
    dead.end()
  })
})

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
