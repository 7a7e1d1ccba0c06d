import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Change, type EntryDraft, type Messenger, StoreFault } from '../../src/stores/contract.ts'
import { Single } from '../../src/stores/redis/carrier.ts'
import { RedisRunner } from '../../src/stores/redis/runner.ts'
import type { Runner, ScriptCall, ScriptReply } from '../../src/stores/scripted/runner.ts'
import { ScriptedStore } from '../../src/stores/scripted.ts'
import { describeRedis, RedisServer } from '../support/redis.ts'

const random32 = () => randomBytes(4).readUInt32LE()
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
const silent: Messenger & { close(): Promise<void> } = {
  publish: async () => {},
  subscribe: async () => async () => {},
  close: async () => {},
}
const charge = (key: string, cost = 1) => ({ key, interval: 1_000_000, burst: 10, cost })

const draft = (id: string, part: Partial<EntryDraft> = {}): EntryDraft => ({
  kind: 'ban',
  id,
  body: '{}',
  owner: 'owner',
  aliases: [`alias of ${id}`],
  expires: null,
  ...part,
})
const puts = (count: number, part: Partial<EntryDraft>, prefix = 'e'): Change[] =>
  Array.from({ length: count }, (_, i) => ({
    put: draft(`${prefix}${String(i).padStart(5, '0')}`, part),
    expected: 'absent' as const,
  }))

await describeRedis('state in scripts, on a real server', () => {
  let server: RedisServer
  let store: ScriptedStore
  let calls: (readonly ScriptCall[])[] = []
  let now = 1_800_000_000_000

  beforeAll(async () => {
    server = await RedisServer.start()
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    await server.command('FLUSHALL')
    calls = []
    const micros = () => performance.now() * 1000
    const link = {
      redis: await import('@redis/client'),
      username: null,
      password: null,
      tls: null,
      database: 0,
    }
    const carrier = new Single({ ...link, micros, random32 }, { host: '127.0.0.1', port: server.port })
    const real = new RedisRunner(carrier, silent, async () => {}, sha1)
    const runner: Runner = {
      slotOf: null,
      messenger: null,
      open: () => real.open(),
      close: () => real.close(),
      run: (each) => {
        calls.push(each)
        return real.run(each)
      },
    }
    store = new ScriptedStore(runner, {
      name: 'test',
      prefix: 'p',
      sha256,
      random32,
      clock: () => now * 1000,
    })
    await store.open()
  })
  afterEach(() => store.close())

  const keys = async () => ((await server.command('KEYS', '*')) as string[]).sort()
  const size = async (command: string, key: string) => Number(await server.command(command, `{p}:${key}`))

  it('lists past thousands that have expired, in steps that are bounded', async () => {
    for (let i = 0; i < 3; i++) await store.apply(puts(1000, { expires: now + 1000 }, `a${i}`), null)
    await store.apply(puts(5, {}, 'b'), null)
    now += 1000
    calls = []
    const found = await store.list('ban', { after: null, limit: 3, owner: 'owner' })
    expect(found.map(({ id }) => id)).toEqual(['b00000', 'b00001', 'b00002'])
    for (const [call] of calls) expect(Number(call?.args.at(-1))).toBeLessThanOrEqual(1000)
    expect(await store.list('ban', { after: 'b00002', limit: 9, owner: null })).toHaveLength(2)
  })

  it('cleans up what expired a hundred at a time, and leaves nothing behind', async () => {
    await store.apply(puts(250, { kind: 'key', expires: now + 1000 }), null)
    await store.touch(new Map(Array.from({ length: 250 }, (_, i) => [`e${String(i).padStart(5, '0')}`, 7])))
    expect(await size('HLEN', 'used')).toBe(250)
    now += 1000
    for (const rest of [150, 50, 0]) {
      await store.apply([], null)
      expect(await size('HLEN', 'entries')).toBe(rest)
      expect(await size('HLEN', 'aliases')).toBe(rest)
      expect(await size('HLEN', 'used')).toBe(rest)
      for (const index of ['ids', 'owners', 'expiries']) expect(await size('ZCARD', index)).toBe(rest)
    }
  })

  it('leaves nothing of an entry that was removed', async () => {
    const empty = await keys()
    await store.apply(
      [{ put: draft('a', { kind: 'idempotency', expires: now + 1000 }), expected: 'absent' }],
      null,
    )
    await store.apply([{ remove: { kind: 'idempotency', id: 'a' }, expected: 1 }], null)
    expect(await keys()).toEqual(empty)
  })

  it('does not take an alias away with an expired entry that lost it to another', async () => {
    await store.apply([{ put: draft('old', { aliases: ['x'], expires: now + 1 }), expected: 'absent' }], null)
    // More that expire sooner, so that the old one is still there when the alias is taken.
    await store.apply(puts(150, { expires: now }), null)
    now += 1
    await store.apply([{ put: draft('new', { aliases: ['x'] }), expected: 'absent' }], null)
    for (let i = 0; i < 3; i++) await store.apply([], null)
    expect((await store.find('ban', ['x']))?.id).toBe('new')
  })

  it('has no command whose cost grows with all that is stored', async () => {
    await store.apply(puts(1000, { kind: 'key' }), 'audit')
    await server.forget()
    await store.charge([charge('a')])
    await store.apply([{ put: draft('a'), expected: 'any' }], 'audit')
    await store.get('key', ['e00001'])
    await store.find('key', ['alias of e00002'])
    await store.list('key', { after: null, limit: 2, owner: 'owner' })
    await store.changes('bans', -1)
    await store.touch(new Map([['e00001', 1]]))
    await store.history(1)
    const scans = Object.keys(await server.calls()).filter((name) =>
      /^(?:keys|scan|[hsz]scan|hgetall|hkeys|hvals|smembers|sort|flush.*)$/.test(name),
    )
    expect(scans).toEqual([])
  })

  it('gives several get calls beyond a thousand ids one turn', async () => {
    calls = []
    expect(
      await store.get(
        'key',
        Array.from({ length: 2500 }, (_, i) => `k${i}`),
      ),
    ).toHaveLength(2500)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.map(({ args }) => args.length - 3)).toEqual([1000, 1000, 500])
  })
})

describe('state in scripts, when the answers are rubbish', () => {
  const answering = (reply: ScriptReply) =>
    new ScriptedStore(
      {
        slotOf: null,
        messenger: null,
        open: async () => {},
        close: async () => {},
        run: async (calls) => calls.map(() => reply),
      },
      { name: 'test', prefix: 'p', sha256, random32, clock: null },
    )

  const rubbish: readonly ScriptReply[] = [
    null,
    'OK',
    [],
    ['a', 'b'],
    [1, 2, 3, 4, 5, 6, 'x'],
    [1, 2, 3, 4, 5, 6, 1.5],
    [[1], [2]],
    [2, 0, 'x'],
    [0, 0, 'because'],
    '<html>502</html>',
  ]

  it.each(rubbish.map((reply) => ({ reply })))('$reply is a fault, not an answer', async ({ reply }) => {
    const store = answering(reply)
    const { charged, epoch, cause } = await store.charge([charge('a')])
    expect([charged, epoch]).toEqual([[null], null])
    expect(cause).toBeInstanceOf(StoreFault)
    await expect(store.apply([], null)).rejects.toBeInstanceOf(StoreFault)
    await expect(store.open()).rejects.toBeInstanceOf(StoreFault)
    if (reply !== null) await expect(store.find('key', ['a'])).rejects.toBeInstanceOf(StoreFault)
    await expect(store.get('key', ['a'])).rejects.toBeInstanceOf(StoreFault)
    await expect(store.changes('access', 0)).rejects.toBeInstanceOf(StoreFault)
  })

  it('takes integers that were written as strings', async () => {
    const { charged, epoch } = await answering(['1', '1000', '1', '9', '1000000', '0', '77']).charge([
      charge('a'),
    ])
    expect(charged).toEqual([{ ok: true, remaining: 9, full: 1000, wait: 0 }])
    expect(epoch).toBe(77)
  })
})
