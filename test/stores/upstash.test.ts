import { createHash, randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type * as z from 'zod'
import type { Charge } from '../../src/core/model.ts'
import type { Secret } from '../../src/schema/secret.ts'
import { type EntryDraft, type Store, StoreFault, type StoreOutside } from '../../src/stores/contract.ts'
import { LANES } from '../../src/stores/upstash/lanes.ts'
import { upstash } from '../../src/stores/upstash.ts'
import { describeRedis, RedisServer, until } from '../support/redis.ts'
import { type Fault, faults, RestBridge } from '../support/rest-bridge.ts'

/** For what is meant to end in time, on a busy machine too. */
const PATIENT = 5000
/** For what is meant not to. */
const HASTY = 150

const TOKEN = 'token-that-nobody-may-see'

let redis: RedisServer
let bridge: RestBridge

const reports: { event: string; details: Readonly<Record<string, unknown>> }[] = []

const outside: StoreOutside = {
  now: () => Date.now(),
  micros: () => performance.now() * 1000,
  random32: () => randomBytes(4).readUInt32LE(),
  sha256: (text) => createHash('sha256').update(text).digest('base64url'),
  resolvePath: (path) => path,
  binding: () => undefined,
  lasting: true,
  report: (event, details) => reports.push({ event, details }),
}

/** A new name for each store, so that none sees another's keys. */
const anyPrefix = () => `test-${randomBytes(6).toString('hex')}`

interface Making {
  readonly prefix?: string
  readonly token?: string
  readonly deadline?: number
  readonly to?: RestBridge
  readonly outside?: Partial<StoreOutside>
}

function make({
  prefix = anyPrefix(),
  token = TOKEN,
  deadline = PATIENT,
  to = bridge,
  outside: own,
}: Making = {}): Promise<Store> {
  const options = upstash.schema.parse({ url: to.url, token: '${TOKEN}', prefix }) as { token: Secret }
  options.token.resolve(token)
  return upstash.create(options, { ...outside, ...own }, deadline)
}

async function opened(making?: Making): Promise<Store> {
  const store = await make(making)
  await store.open()
  return store
}

/** What the block asks of the bridge. */
async function asked<T>(block: () => Promise<T>): Promise<{ value: T; requests: number; commands: number }> {
  const [requests, commands] = [bridge.requests, bridge.commands]
  const value = await block()
  return { value, requests: bridge.requests - requests, commands: bridge.commands - commands }
}

const charge = (key: string, cost = 1): Charge => ({ key, interval: 3_600_000_000, burst: 10, cost })
const three = [charge('client'), charge('principal'), charge('tenant')]

/** Units left, as the server has them. */
async function left(store: Store, key: string): Promise<number | undefined> {
  return (await store.charge([charge(key, 0)])).charged[0]?.remaining
}

const draft: EntryDraft = {
  kind: 'key',
  id: 'build-bot',
  body: '{"x":"grün"}',
  owner: 'somebody',
  aliases: ['sha256:digest-that-nobody-may-see'],
  expires: null,
}

async function faultOf(promise: PromiseLike<unknown> | unknown): Promise<StoreFault> {
  const problem = await Promise.resolve(promise).then(
    () => null,
    (rejection: unknown) => rejection,
  )
  if (!(problem instanceof StoreFault)) throw new Error(`not a fault: ${inspect(problem)}`)
  return problem
}

it('upstash: nothing that it loads is of Node alone', () => {
  const folder = join(import.meta.dirname, '../../src/stores')
  const files = globSync(['{upstash,scripted}.ts', '{upstash,scripted}/**/*.ts', 'contract.ts'], {
    cwd: folder,
  })
  expect(files.length).toBeGreaterThan(6)
  for (const file of files)
    expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/'node:|\bprocess\.|Buffer/)
})

describe('upstash: what a policy may say', () => {
  const parse = (options: object) => upstash.schema.safeParse({ token: '${TOKEN}', ...options })

  it.each([
    'https://name.upstash.io',
    'https://name.upstash.io/',
    'https://gateway.example.com:8443/redis',
    'http://localhost:8080',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    '${URL}',
    { file: '/run/secrets/url' },
  ])('takes %j', (url) => {
    expect(parse({ url }).error).toBeUndefined()
  })

  it.each([
    ['http://name.upstash.io', 'in the clear'],
    ['http://127.0.0.1.example.com', 'in the clear'],
    ['http://localhost.example.com', 'in the clear'],
    ['redis://name.upstash.io:6379', 'is not a URL'],
    ['name.upstash.io', 'is not a URL'],
    ['', 'is not a URL'],
    ['https://', 'is not a URL'],
    ['https://a b', 'is not a URL'],
    ['https://user:password@name.upstash.io', 'holds a user or password'],
    ['https://name.upstash.io?_token=abc', 'more than an address'],
    ['${URL:-https://name.upstash.io}', 'no fallback value'],
    [7, 'is not a URL'],
  ])('refuses %j', (url, why) => {
    const { error } = parse({ url })
    expect(error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [['url'], expect.stringContaining(why)],
    ])
    expect(JSON.stringify(error?.issues)).not.toMatch(/password@|abc/)
  })

  it.each([
    [{ token: 'a-literal-token' }, 'is a literal secret'],
    [{ prefix: 'a{b}' }, 'is not a prefix'],
    [{ prefix: '' }, 'is not a prefix'],
    [{ region: 'eu' }, 'region'],
  ])('refuses %j', (options, why) => {
    const { error } = parse({ url: 'https://name.upstash.io', ...options })
    expect(error?.issues[0]?.message).toContain(why)
    expect(error?.issues[0]?.message).not.toContain('a-literal-token')
  })

  it('says what is wrong with a URL or token that stands elsewhere, without showing it', () => {
    const inspected = (url: string, token: string) => {
      const options = upstash.schema.parse({ url: '${URL}', token: '${TOKEN}' }) as {
        url: Secret
        token: Secret
      }
      options.url.resolve(url)
      options.token.resolve(token)
      const found: string[] = []
      upstash.inspect?.(options as z.output<typeof upstash.schema>, (path, message) =>
        found.push(`${path.join('.')} ${message}`),
      )
      return found
    }
    expect(inspected('https://name.upstash.io', 'AXv-token=')).toEqual([])
    const found = inspected('http://name.upstash.io', 'two\nlines')
    expect(found).toEqual([
      expect.stringMatching(/^url .*in the clear/),
      expect.stringMatching(/^token .*one line/),
    ])
    expect(found.join()).not.toMatch(/name\.upstash|two/)
  })
})

interface Outcome {
  readonly fault: Fault
  /** Whether the server executed what was asked. */
  readonly executed: boolean
  readonly code?: StoreFault['code'] | RegExp
}

/** A reply of the charge script for three limits, with `change` done to it. */
const reply = (change: (parts: unknown[]) => unknown[]): Fault =>
  faults.says(
    JSON.stringify([{ result: change([1, 1, ...[1, 9, 1, 0], ...[1, 9, 1, 0], ...[1, 9, 1, 0], 1]) }]),
  )

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  'an answer after the deadline': { fault: faults.delay(2 * HASTY), executed: true, code: 'timeout' },
  'no answer at all': { fault: faults.hang, executed: true, code: 'timeout' },
  'an answer that stops in the middle': { fault: faults.stall, executed: true, code: 'timeout' },
  'a connection that breaks before execution': { fault: faults.dropBefore, executed: false },
  'a connection that breaks after execution': { fault: faults.dropAfter, executed: true },
  'an HTML page with 502': { fault: faults.html502, executed: false },
  'half a document': { fault: faults.says('[{"result":[1,'), executed: false },
  nothing: { fault: faults.says(''), executed: false },
  'no list': { fault: faults.says('null'), executed: false },
  'one result where a list is due': { fault: faults.says('{"result":1}'), executed: false },
  'an empty list': { fault: faults.says('[]'), executed: false },
  'two answers for one question': { fault: faults.says('[{"result":1},{"result":1}]'), executed: false },
  'null in the list': { fault: faults.says('[null]'), executed: false },
  'neither result nor error': { fault: faults.says('[{}]'), executed: false },
  'a truth value': { fault: faults.says('[{"result":true}]'), executed: false },
  'an object': { fault: faults.says('[{"result":{"ok":1}}]'), executed: false },
  'a list in a list': { fault: faults.says('[{"result":[[1,1]]}]'), executed: false },
  fractions: { fault: reply((parts) => parts.map(() => 0.5)), executed: false },
  'numbers past what is exact': { fault: reply((parts) => parts.map(() => 1e300)), executed: false },
  'a list that is too short': { fault: reply((parts) => parts.slice(0, -1)), executed: false, code: /./ },
  'a list that is too long': { fault: reply((parts) => [...parts, 1]), executed: false, code: /./ },
  'words for numbers': { fault: reply((parts) => parts.map(() => 'yes')), executed: false, code: /./ },
  'a text of a million characters': { fault: faults.huge(1_000_000), executed: false, code: /./ },
  'an error that quotes': {
    fault: faults.says(`[{"error":"${TOKEN} is what you sent"}]`),
    executed: false,
  },
  'a quota that is used up': { fault: faults.says('{"error":"ERR max requests"}', 429), executed: false },
}

await describeRedis('upstash, over a bridge to a real Redis', () => {
  beforeAll(async () => {
    redis = await RedisServer.start()
    bridge = await RestBridge.start(redis.port, TOKEN)
  })
  afterEach(() => bridge.heal())
  afterAll(async () => {
    await bridge?.close()
    await redis?.stop()
  })

  describe('round trips', () => {
    it('a charge of three limits and the epoch is one request with one command', async () => {
      const store = await opened()
      await store.charge(three)
      const { value, requests, commands } = await asked(async () => store.charge(three))
      expect([requests, commands]).toEqual([1, 1])
      expect(value.charged.map((each) => each?.remaining)).toEqual([8, 8, 8])
      expect(value.epoch).toBeGreaterThan(0)
    })

    it('a look-up and a charge that are under way together do not wait for each other', async () => {
      const store = await opened()
      await store.apply([{ put: draft, expected: 'absent' }], null)
      await Promise.all([store.charge(three), store.find('key', draft.aliases)])
      let release = () => {}
      bridge.inject(
        faults.held(() => new Promise<void>((resolve) => (release = resolve))),
        1,
      )
      const { requests, commands } = await asked(async () => {
        const held = store.find('key', draft.aliases)
        expect((await store.charge(three)).charged).not.toContain(null)
        release()
        expect(await held).toMatchObject({ id: 'build-bot' })
      })
      expect([requests, commands]).toEqual([2, 2])
    })

    it('a request says nothing of who sends it', async () => {
      const store = await opened()
      let sent: string[] = []
      bridge.inject((exchange) => {
        sent = Object.keys(exchange.headers)
        return faults.none(exchange)
      }, 1)
      await store.charge(three)
      expect(sent).toContain('authorization')
      expect(sent.filter((name) => /telemetry|^x-/.test(name))).toEqual([])
    })

    it('scripts that the server forgot are sent again, and charge once', async () => {
      const store = await opened()
      await store.charge(three)
      await bridge.flushScripts()
      const { value, requests } = await asked(async () => store.charge(three))
      expect(requests).toBe(2)
      expect(value.charged.map((each) => each?.remaining)).toEqual([8, 8, 8])
      expect((await asked(async () => store.charge(three))).requests).toBe(1)
    })

    it('a thousand decisions at once open no more connections than there are lanes, and are exact', async () => {
      const own = await RestBridge.start(redis.port, TOKEN)
      try {
        const store = await opened({ to: own })
        const all = await Promise.all(Array.from({ length: 1000 }, async () => store.charge([charge('one')])))
        expect(all.filter(({ charged }) => charged[0]?.ok)).toHaveLength(10)
        expect(all.filter(({ charged }) => charged[0] === null)).toHaveLength(0)
        // One that has just answered may not be free yet when its lane is.
        expect(own.mostConnections).toBeLessThanOrEqual(32)
      } finally {
        await own.close()
      }
    })
  })

  describe('whatever the bridge does is a fault, and nothing is sent twice', () => {
    const printed: unknown[] = []
    beforeEach(() => {
      for (const method of ['log', 'warn', 'error', 'info', 'debug'] as const)
        vi.spyOn(console, method).mockImplementation((...args) => printed.push(args))
    })
    afterEach(() => {
      vi.restoreAllMocks()
      expect(printed.splice(0)).toEqual([])
    })

    it.each(Object.entries(OUTCOMES))('%s', async (_, { fault, executed, code = 'unavailable' }) => {
      const prefix = anyPrefix()
      const sound = await opened({ prefix })
      await sound.apply([{ put: draft, expected: 'absent' }], null)
      await sound.charge(three)
      await Promise.all([sound.find('key', draft.aliases), sound.get('key', [draft.id])])
      const store = code === 'timeout' ? await opened({ prefix, deadline: HASTY }) : sound

      bridge.inject(fault)
      const start = performance.now()
      const charging = await asked(async () => store.charge(three))
      expect(charging.value.charged).toEqual([null, null, null])
      expect(charging.value.epoch).toBeNull()
      expect(charging.value.cause).toBeInstanceOf(StoreFault)
      expect(charging.requests).toBe(1)
      // A look-up that went wrong is never "there is no such key".
      const lookups = await asked(() =>
        Promise.all([faultOf(store.find('key', draft.aliases)), faultOf(store.get('key', [draft.id]))]),
      )
      expect(lookups.requests).toBe(2)
      expect(performance.now() - start).toBeLessThan(PATIENT)

      for (const problem of [charging.value.cause as StoreFault, ...lookups.value]) {
        expect(problem.code).toMatch(code)
        expect(`${inspect(problem, { depth: 9 })} ${JSON.stringify(problem)}`).not.toMatch(
          /nobody-may-see|build-bot|sha256:|evalsha|html|test-/i,
        )
      }

      bridge.heal()
      await until(async () => (await left(sound, 'client')) === (executed ? 8 : 9))
      expect((await sound.charge(three)).charged.map((each) => each?.ok)).toEqual([true, true, true])
      expect(await sound.find('key', draft.aliases)).toMatchObject({ id: draft.id, body: draft.body })
    })

    it('a wrong token is a fault that names the reason and not the token', async () => {
      const store = await make({ token: 'wrong-token-that-nobody-may-see' })
      const problem = await faultOf(store.open())
      expect(problem).toMatchObject({ code: 'unavailable', message: 'the store refuses: WRONGPASS' })
      expect((await store.charge(three)).charged).toEqual([null, null, null])
      expect(inspect(problem)).not.toContain('nobody-may-see')
    })

    it('a store that is not there is a fault', async () => {
      const own = await RestBridge.start(redis.port, TOKEN)
      const store = await opened({ to: own })
      await own.close()
      expect((await store.charge(three)).cause).toMatchObject({ code: 'unavailable' })
      expect((await faultOf(store.open())).message).toBe('the store cannot be reached: ECONNREFUSED')
    })

    it('what waits behind requests that hang ends as well, and it heals', async () => {
      const store = await opened({ deadline: HASTY })
      bridge.inject(faults.hang)
      const all = await Promise.all(
        Array.from({ length: 10 * LANES }, async () => store.charge([charge('peek', 0)])),
      )
      expect(all.every(({ charged }) => charged[0] === null)).toBe(true)
      bridge.heal()
      await until(async () => !(await store.charge(three)).charged.includes(null))
    })
  })

  describe('what the server can do is found out when the store opens', () => {
    beforeEach(() => reports.splice(0))

    it('where scripts lock the whole database, it says so', async () => {
      await opened()
      expect(reports).toEqual([
        { event: 'upstash_scripts', details: { locks: 'the whole database', clock: 'of the store' } },
      ])
    })

    it('where they can lock their keys alone, they do', async () => {
      bridge.keyLocking = true
      try {
        await bridge.flushScripts()
        const store = await opened()
        expect(reports[0]?.details).toMatchObject({ locks: 'the keys of the script' })
        expect((await store.charge(three)).charged.map((each) => each?.remaining)).toEqual([9, 9, 9])
        expect((await asked(async () => store.charge(three))).requests).toBe(1)
        await store.apply([{ put: draft, expected: 'absent' }], null)
        expect(await store.find('key', draft.aliases)).toMatchObject({ id: draft.id })
      } finally {
        bridge.keyLocking = false
      }
      // Had the line not been there, Redis would have known the scripts.
      const store = await opened()
      expect((await store.charge(three)).charged).not.toContain(null)
    })

    it('where scripts may not ask for the time, the clock of the instance counts', async () => {
      await redis.command('ACL', 'SETUSER', 'default', '-time')
      try {
        let now = 1_800_000_000_000
        const store = await opened({ outside: { now: () => now } })
        expect(reports[0]?.details['clock']).toContain('of this instance')
        const hourly = { ...charge('hourly'), burst: 1 }
        expect((await store.charge([hourly])).charged[0]).toMatchObject({ ok: true })
        expect((await store.charge([hourly])).charged[0]).toMatchObject({ ok: false, wait: 3_600_000 })
        now += 3_600_000
        expect((await store.charge([hourly])).charged[0]).toMatchObject({ ok: true })
      } finally {
        await redis.command('ACL', 'SETUSER', 'default', '+time')
      }
    })

    it('a server that runs no scripts is refused', async () => {
      bridge.inject(faults.says(JSON.stringify(Array(3).fill({ error: 'NOPERM no scripts' }))), 1)
      expect((await faultOf((await make()).open())).message).toBe('the store refuses: NOPERM')
    })
  })
})
