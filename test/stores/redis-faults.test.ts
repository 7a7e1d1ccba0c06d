import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { portNear } from '../../scripts/free-port.ts'
import type { Charge } from '../../src/core/model.ts'
import { Secret } from '../../src/schema/secret.ts'
import { type EntryDraft, type Store, StoreFault, type StoreOutside } from '../../src/stores/contract.ts'
import { MAX_IN_FLIGHT } from '../../src/stores/redis/link.ts'
import type { settings } from '../../src/stores/redis/settings.ts'
import { redis } from '../../src/stores/redis.ts'
import { certificate, describeRedis, RedisServer, until, Wire } from '../support/redis.ts'

/** What no error may quote. */
const SENTINEL = 'sentinel-that-nobody-may-see'

const reports: { event: string; details: unknown }[] = []
let skipped = 0
const outside: StoreOutside = {
  now: () => Date.now(),
  micros: () => performance.now() * 1000 + skipped,
  random32: () => randomBytes(4).readUInt32LE(),
  sha256: (text) => createHash('sha256').update(text).digest('base64url'),
  resolvePath: (path) => path,
  binding: () => undefined,
  lasting: true,
  report: (event, details) => void reports.push({ event, details }),
}

const started: RedisServer[] = []
const opened: Store[] = []
const wires: Wire[] = []

async function server(...options: string[]): Promise<RedisServer> {
  const one = await RedisServer.start(options)
  started.push(one)
  return one
}

async function storeAt(options: Record<string, unknown>, password?: string): Promise<Store> {
  const given = password === undefined ? options : { ...options, password: '${PASSWORD}' }
  const read = redis.schema.parse(given) as z.output<typeof settings>
  if (read.password instanceof Secret) read.password.resolve(password ?? '')
  const store = await redis.create(read, outside, 100)
  opened.push(store)
  return store
}

async function openedAt(options: Record<string, unknown>, password?: string): Promise<Store> {
  const store = await storeAt(options, password)
  await store.open()
  return store
}

const charge = (key: string, cost = 1, burst = 10): Charge => ({
  key: `${SENTINEL} ${key}`,
  interval: 3_600_000_000,
  burst,
  cost,
})
const three = [charge('client'), charge('principal'), charge('tenant')]
const draft: EntryDraft = {
  kind: 'key',
  id: SENTINEL,
  body: SENTINEL,
  owner: SENTINEL,
  aliases: [SENTINEL],
  expires: null,
}

/** Units left of a bucket of ten. */
const left = async (store: Store, key: string) => (await store.charge([charge(key, 0)])).charged[0]?.remaining
const answers = async (store: Store) => (await store.charge([charge('probe', 0)])).charged[0] !== null

/** What a charge and a write say when they fail: the same fault, and nothing of what was asked. */
async function faultOf(store: Store): Promise<StoreFault> {
  const { charged, epoch, cause } = await store.charge(three)
  expect(charged).toEqual([null, null, null])
  expect(epoch).toBeNull()
  const fresh = { ...draft, id: `${SENTINEL} other`, aliases: [`${SENTINEL} other`] }
  const written = await store
    .apply([{ put: fresh, expected: 'any' }], SENTINEL)
    .catch((fault: unknown) => fault)
  for (const fault of [cause, written]) {
    expect(fault).toBeInstanceOf(StoreFault)
    expect(inspect(fault, { depth: 9, showHidden: true })).not.toContain('sentinel')
  }
  return cause as StoreFault
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (fault: unknown) => fault,
  )

afterEach(async () => {
  skipped = 0
  reports.length = 0
  for (const one of started) one.thaw()
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await Promise.all(wires.splice(0).map((wire) => wire.close()))
  await Promise.all(started.splice(0).map((one) => one.stop()))
})

await describeRedis('the redis store, by its server', () => {
  it('charges three limits and reads the epoch with exactly one EVALSHA', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    await store.charge(three)
    await one.forget()
    for (let i = 0; i < 5; i++) await store.charge(three)
    const { time, mget, set, ...calls } = await one.calls()
    expect([time, mget, set]).toEqual([5, 5, 15])
    const own = Object.keys(calls).filter((name) => !/^(?:config|info|hello|client)/.test(name))
    expect(own).toEqual(['evalsha'])
    expect(calls['evalsha']).toBe(5)
  })

  it('keeps neither keys nor owners of buckets in the clear, and nothing outside its prefix', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url, prefix: 'mine' })
    await store.charge(three)
    const keys = (await one.command('KEYS', '*')) as string[]
    expect(keys.join()).not.toContain('sentinel')
    for (const key of keys) expect(key).toMatch(/^(?:mine:|\{mine\}:)/)
  })

  it('gives a server that forgot its scripts their text, and charges once', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    await store.charge([charge('a')])
    await one.command('SCRIPT', 'FLUSH')
    expect((await store.charge([charge('a')])).charged[0]).toMatchObject({ ok: true, remaining: 8 })
    await one.command('SCRIPT', 'FLUSH')
    const many = await Promise.all(Array.from({ length: 20 }, () => store.charge([charge('b', 1, 10)])))
    expect(many.filter(({ charged }) => charged[0]?.ok)).toHaveLength(10)
    await one.forget()
    await store.charge([charge('a')])
    expect((await one.calls())['eval']).toBeUndefined()
  })

  it('says so when nobody is there, and is there as soon as the server is', async () => {
    const port = await portNear(0)
    const store = await storeAt({ url: `redis://127.0.0.1:${port}` })
    expect(await rejection(store.open())).toMatchObject({ code: 'unavailable' })
    expect((await faultOf(store)).message).toContain('ECONNREFUSED')
    started.push(await RedisServer.start([], port))
    await until(() => answers(store))
    await store.open()
  })

  it('comes back by itself from a server that was killed and restarted empty, with another epoch', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    await store.apply([{ put: draft, expected: 'absent' }], null)
    const before = await store.changes('access', -1)
    await store.charge([charge('a', 4)])
    await one.kill()
    await until(async () => !(await answers(store)))
    expect((await faultOf(store)).code).toBe('unavailable')
    await one.start()
    await until(() => answers(store))
    expect(await left(store, 'a')).toBe(10)
    const after = await store.changes('access', before.epoch)
    expect(after.entries).toBeNull()
    expect(after.store).not.toBe(before.store)
    expect(after.epoch).toBeGreaterThan(before.epoch)
  })

  it('executes a charge at most once whose answer was lost with the connection', async () => {
    const one = await server()
    const wire = await Wire.to(one)
    wires.push(wire)
    const store = await openedAt({ url: wire.url })
    await store.charge([charge('a')])
    await one.forget()
    wire.mute()
    const lost = store.charge([charge('a', 3)])
    await until(async () => (await one.calls())['evalsha'] === 1)
    wire.cut()
    const { charged, cause } = await lost
    expect(charged).toEqual([null])
    expect(cause).toMatchObject({ code: 'timeout' })
    await until(() => answers(store))
    expect(await left(store, 'a')).toBe(6)
  })

  it('executes nothing that was asked while there was no connection', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    await store.charge([charge('a')])
    await one.kill()
    await until(async () => !(await answers(store)))
    await Promise.all(Array.from({ length: 50 }, () => store.charge([charge('a')])))
    await one.start()
    await until(() => answers(store))
    expect(await left(store, 'a')).toBe(10)
  })

  it('holds a bounded number of commands for a server that froze, and refuses more at once', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    one.freeze()
    const waiting = Array.from({ length: MAX_IN_FLIGHT }, () => store.charge([charge('a', 1, 10_000)]))
    const { cause } = await store.charge([charge('a', 1, 10_000)])
    expect(cause).toMatchObject({ code: 'unavailable', message: 'too many commands wait for the server' })
    one.thaw()
    const thawed = await Promise.all(waiting)
    expect(thawed.every(({ charged }) => charged[0]?.ok)).toBe(true)
    expect((await store.charge([charge('a', 0, 10_000)])).charged[0]?.remaining).toBe(10_000 - MAX_IN_FLIGHT)
  })

  it('gives up a connection that owes an answer and stays silent, for a new one', async () => {
    const one = await server()
    const wire = await Wire.to(one)
    wires.push(wire)
    const store = await openedAt({ url: wire.url })
    await store.charge([charge('a')])
    await one.forget()
    wire.mute()
    const waiting = store.charge([charge('a')])
    await until(async () => ((await one.calls())['evalsha'] ?? 0) > 0)
    skipped += 6_000_000
    expect((await store.charge([charge('a')])).cause).toMatchObject({ code: 'unavailable' })
    expect((await waiting).cause).toMatchObject({ code: 'timeout' })
    wire.cut()
    await until(() => answers(store))
    expect(await left(store, 'a')).toBe(8)
  })

  it('reads from a replica that takes no writes, and charges again when it does', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    await store.apply([{ put: draft, expected: 'absent' }], null)
    await one.command('REPLICAOF', '127.0.0.1', '1')
    const fault = await faultOf(store)
    expect(fault).toMatchObject({ code: 'unavailable', message: 'the server is a read-only replica' })
    expect(await store.get('key', [SENTINEL])).toMatchObject([{ version: 1 }])
    expect((await store.changes('access', -1)).entries).toBeNull()
    await one.command('REPLICAOF', 'NO', 'ONE')
    expect((await store.charge(three)).charged[0]?.ok).toBe(true)
  })

  it('still reads from a server that is out of memory, and heals', async () => {
    const one = await server()
    const store = await openedAt({ url: one.url })
    await store.apply([{ put: draft, expected: 'absent' }], null)
    await one.command('CONFIG', 'SET', 'maxmemory', '1')
    expect(await faultOf(store)).toMatchObject({
      code: 'unavailable',
      message: 'the server is out of memory',
    })
    expect(await store.find('key', [SENTINEL])).toMatchObject({ version: 1 })
    await one.command('CONFIG', 'SET', 'maxmemory', '0')
    expect((await store.charge(three)).charged[0]?.ok).toBe(true)
  })

  it('says that a password is wanted, or wrong, and heals when it is right', async () => {
    const one = await server('--requirepass', 'right')
    const without = await storeAt({ url: one.url })
    expect(await rejection(without.open())).toMatchObject({
      code: 'unavailable',
      message: 'the server wants a password',
    })
    await faultOf(without)
    const store = await storeAt({ url: one.url }, `wrong ${SENTINEL}`)
    const refused = await rejection(store.open())
    expect(refused).toMatchObject({ message: 'the server refuses our name or password' })
    expect((await faultOf(store)).message).toBe('the server refuses our name or password')
    const right = await openedAt({ url: one.url }, 'right')
    expect((await right.charge(three)).charged[0]?.ok).toBe(true)
  })

  it('says that the server is busy with a script, and goes on when it is done', async () => {
    const one = await server('--busy-reply-threshold', '20')
    const store = await openedAt({ url: one.url })
    const endless = one.command('EVAL', 'while true do end', '0').catch(() => null)
    await until(async () => (await store.charge(three)).cause !== undefined)
    expect((await faultOf(store)).message).toBe('the server is busy with a script')
    await one.command('SCRIPT', 'KILL')
    await endless
    await until(() => answers(store))
  })

  it('says that the server is still loading, and goes on when it has', async () => {
    const one = await server('--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024')
    await one.command('EVAL', "for i = 1, 1000 do redis.call('SET', 'k' .. i, string.rep('x', 100)) end", '0')
    await one.command('SAVE')
    await one.kill()
    await one.start()
    const store = await storeAt({ url: one.url })
    expect(await rejection(store.open())).toMatchObject({ message: 'the server is still loading its data' })
    await until(() => answers(store))
  })

  it('warns of a policy that forgets counters, and of nothing else', async () => {
    const one = await server('--maxmemory-policy', 'allkeys-lru')
    await openedAt({ url: one.url })
    expect(reports).toMatchObject([{ event: 'store_evicts', details: { policy: 'allkeys-lru' } }])
    reports.length = 0
    await one.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await openedAt({ url: one.url })
    expect(reports).toEqual([])
  })

  it('does not open on a layout of another version, nor on what is not ours', async () => {
    const one = await server()
    await one.command('HSET', '{postern}:meta', 'store', 'x', 'schema', '2')
    expect(await rejection((await storeAt({ url: one.url })).open())).toMatchObject({
      code: 'incompatible',
      message: 'the store holds layout 2, this version reads 1',
    })
    await one.command('SET', '{other}:meta', 'a string')
    const foreign = await rejection((await storeAt({ url: one.url, prefix: 'other' })).open())
    expect(foreign).toMatchObject({ code: 'unavailable' })
  })

  it('repeats nothing of a command that the server does not know and quotes', async () => {
    const one = await server('--rename-command', 'PUBLISH', '', '--rename-command', 'EVALSHA', '')
    const store = await storeAt({ url: one.url })
    await store.open().catch(() => {})
    expect((await faultOf(store)).message).toBe('the server answered with the error ERR')
    const fault = await rejection(store.messenger?.publish(SENTINEL, SENTINEL) ?? Promise.resolve())
    expect(fault).toMatchObject({ message: 'the server answered with the error ERR' })
  })

  it('hears messages again after the connection was cut', async () => {
    const one = await server()
    const wire = await Wire.to(one)
    wires.push(wire)
    const store = await openedAt({ url: wire.url })
    const heard = new Set<string>()
    await store.messenger?.subscribe(['news'], (message) => heard.add(message))
    await store.messenger?.publish('news', 'first')
    await until(() => heard.has('first'))
    wire.cut()
    await until(async () => {
      await store.messenger?.publish('news', 'again').catch(() => {})
      return heard.has('again')
    })
    expect(await one.command('PUBSUB', 'CHANNELS')).toEqual(['postern:news'])
  })
})

await describeRedis('the redis store, over TLS and with few rights', () => {
  let folder = ''
  let files: { key: string; cert: string }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-tls-'))
    files = await certificate(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const encrypted = () =>
    server(
      ...['--tls-cert-file', files.cert, '--tls-key-file', files.key],
      ...['--tls-ca-cert-file', files.cert, '--tls-auth-clients', 'no'],
    )

  it('trusts the authority that it was given, and no other', async () => {
    const one = await encrypted()
    const store = await openedAt({ url: one.url, tls: { ca: { file: files.cert } } })
    expect((await store.charge(three)).charged[0]?.ok).toBe(true)
    const stranger = await storeAt({ url: one.url })
    expect(await rejection(stranger.open())).toMatchObject({
      code: 'unavailable',
      message: 'the server cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT)',
    })
    const misled = await storeAt({
      url: one.url,
      tls: { ca: { file: files.cert }, servername: 'elsewhere.example' },
    })
    expect(await rejection(misled.open())).toMatchObject({
      message: 'the server cannot be reached (ERR_TLS_CERT_ALTNAME_INVALID)',
    })
    expect(await rejection(storeAt({ url: one.url, tls: { ca: { file: '/nowhere' } } }))).toMatchObject({
      message: "the authority's certificate at /nowhere cannot be read (ENOENT)",
    })
  })

  it('does all that it does with the rights that its documentation names', async () => {
    const one = await server()
    const source = await readFile(new URL('../../src/stores/redis.ts', import.meta.url), 'utf8')
    const [, documented = ''] = /```\n([\s\S]*?)```/.exec(source) ?? []
    const rule = documented
      .replace(/^ \* */gm, '')
      .replaceAll('PREFIX', 'postern')
      .trim()
      .split(/\s+/)
    expect(rule.slice(0, 2)).toEqual(['user', 'postern'])
    await one.command(
      'ACL',
      'SETUSER',
      ...rule.slice(1).map((word) => (word === '>PASSWORD' ? '>right' : word)),
    )
    const store = await openedAt({ url: one.url, username: 'postern' }, 'right')
    expect(reports).toEqual([])
    await store.charge(three)
    await store.charge([charge('client', -1)])
    await store.charge([charge('client', 100)])
    const soon = { ...draft, id: 'soon', aliases: [], expires: Date.now() - 1 }
    await store.apply(
      [
        { put: draft, expected: 'absent' },
        { put: soon, expected: 'any' },
      ],
      'made',
    )
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...draft, id: `k${i}`, aliases: [] }))
    for (let i = 0; i < 11; i++)
      await store.apply(
        many.map((each) => ({ put: { ...each, id: `${each.id} ${i}` }, expected: 'any' as const })),
        'x',
      )
    await store.touch(new Map([[SENTINEL, 5]]))
    expect(await store.find('key', [SENTINEL])).toMatchObject({ used: 5 })
    expect(await store.list('key', { after: null, limit: 5, owner: SENTINEL })).toHaveLength(5)
    const { epoch } = await store.changes('access', -1)
    expect((await store.changes('access', epoch)).entries).toEqual([])
    await store.apply([{ remove: { kind: 'key', id: SENTINEL }, expected: 1 }], null)
    expect(await store.history(2)).toEqual(['x', 'x'])
    const heard: string[] = []
    const stop = await store.messenger?.subscribe(['news'], (message) => void heard.push(message))
    await store.messenger?.publish('news', 'first')
    await until(() => heard.length === 1)
    await stop?.()
    expect(await one.command('ACL', 'LOG')).toSatisfy((log) =>
      (log as unknown[][]).every((line) => /^(?:hello|info)$/.test(String(line[line.indexOf('object') + 1]))),
    )
  })

  it('names a right that it lacks by its kind alone', async () => {
    const one = await server()
    await one.command('ACL', 'SETUSER', 'poor', 'on', '>right', '~*', '&*', '+evalsha', '+eval', '+time')
    const store = await storeAt({ url: one.url, username: 'poor' }, 'right')
    expect(await rejection(store.open())).toMatchObject({ code: 'unavailable' })
    await faultOf(store)
  })
})

describe('the part of the policy', () => {
  const problems = (given: unknown): string[] => {
    const read = redis.schema.safeParse(given)
    return read.success ? [] : read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  }

  it.each([
    [{ url: 'redis://user:pw@host' }, 'url: holds a name or password'],
    [{ url: 'http://host' }, 'url: is not a URL of a Redis server'],
    [{ url: 'redis://host/x' }, 'url: is not a URL of a Redis server'],
    [{ url: '${A:-b}' }, 'url: is not a reference that can be read'],
    [{}, ': needs either `url` or `cluster`'],
    [{ url: 'redis://a', cluster: ['redis://b'] }, ': needs either `url` or `cluster`'],
    [{ cluster: [] }, 'cluster: is empty'],
    [{ url: 'redis://a', password: 'literal' }, 'password: is a literal secret'],
    [{ url: 'redis://a', prefix: 'a{b}' }, 'prefix: is not a prefix'],
    [{ url: 'redis://a', retry: true }, 'Unrecognized key'],
  ])('refuses %j', (given, start) => {
    expect(problems(given).join('\n')).toContain(start)
    expect(problems(given).join('\n')).not.toContain('pw')
  })

  it.each([
    [{ url: 'redis://[::1]:7000/3' }],
    [{ url: '${REDIS_URL}' }],
    [{ url: { file: '/run/secrets/redis' } }],
    [{ cluster: ['rediss://a:1', '${NODE}'], tls: { servername: 'redis.internal' } }],
  ])('accepts %j', (given) => {
    expect(problems(given)).toEqual([])
  })

  const inspected = (given: unknown, ...values: string[]): string[] => {
    const read = redis.schema.parse(given) as z.output<typeof settings>
    for (const each of [read.url, ...(read.cluster ?? [])])
      if (each instanceof Secret) each.resolve(values.shift() ?? '')
    const found: string[] = []
    redis.inspect?.(read, (path, message) => found.push(`${path.join('.')}: ${message}`))
    return found
  }

  it('sees what only a reference reveals, and does not repeat it', () => {
    expect(inspected({ url: '${A}' }, 'rediss://user:pw@host:1/2')).toEqual([])
    expect(inspected({ url: '${A}' }, 'not a url')).toMatchObject([
      expect.stringContaining('refers to something'),
    ])
    expect(inspected({ url: '${A}', username: 'x' }, 'redis://user:pw@host')).toMatchObject([
      expect.stringContaining('give them once'),
    ])
    expect(inspected({ url: 'redis://a', tls: {} })).toMatchObject([
      expect.stringContaining('write rediss://'),
    ])
    expect(inspected({ cluster: ['redis://a/1'] })).toMatchObject([
      expect.stringContaining('a Cluster has none'),
    ])
    expect(inspected({ cluster: ['redis://a', 'rediss://b'] })).toMatchObject([
      expect.stringContaining('differs'),
    ])
  })
})
