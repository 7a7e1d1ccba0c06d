import { createHash } from 'node:crypto'
import { Redis, type RedisConfigNodejs } from '@upstash/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeRedis, RedisServer } from './redis.ts'
import { faults, RestBridge } from './rest-bridge.ts'

let redis: RedisServer
let bridge: RestBridge

/** As it comes out of the box, but for retries, telemetry and timeouts. */
const client = (options: Partial<RedisConfigNodejs> = {}) =>
  new Redis({
    url: bridge.url,
    token: bridge.token,
    enableTelemetry: false,
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(500),
    ...options,
  })

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${bridge.url}${path}`, { headers: { authorization: `Bearer ${bridge.token}` }, ...init })

await describeRedis('the REST bridge', () => {
  beforeAll(async () => {
    redis = await RedisServer.start()
    bridge = await RestBridge.start(redis.port)
  })
  afterEach(() => bridge.heal())
  afterAll(async () => {
    await bridge?.close()
    await redis?.stop()
  })

  describe('speaks as Upstash does', () => {
    for (const enableAutoPipelining of [true, false]) {
      for (const responseEncoding of ['base64', false] as const) {
        const database = () => client({ enableAutoPipelining, responseEncoding })

        it(`to its client (auto-pipelining ${enableAutoPipelining}, encoding ${responseEncoding})`, async () => {
          await database().set('text', 'grün, "1"\n')
          expect(await database().get('text')).toBe('grün, "1"\n')
          expect(await database().get('nothing')).toBeNull()
          expect(await database().set('text', 'x', { nx: true, px: 1000 })).toBeNull()
          expect(await database().eval('return {1, "a", {2, "b"}}', [], [])).toEqual([1, 'a', [2, 'b']])
          await database().hset('hash', { a: 'x', b: 'y' })
          expect(await database().hgetall('hash')).toEqual({ a: 'x', b: 'y' })
        })
      }
    }

    it('a failed command is 400 alone, and stands in its place in a pipeline', async () => {
      const body = JSON.stringify([
        ['SET', 'n', 'x'],
        ['INCR', 'n'],
        ['GET', 'n'],
      ])
      const alone = await ask('/', { method: 'POST', body: '["INCR","text"]' })
      expect([alone.status, await alone.json()]).toEqual([400, { error: expect.stringContaining('ERR') }])
      const pipeline = await ask('/pipeline', { method: 'POST', body })
      expect([pipeline.status, await pipeline.json()]).toEqual([
        200,
        [{ result: 'OK' }, { error: expect.stringContaining('ERR') }, { result: 'x' }],
      ])
    })

    it('a transaction happens whole or, when a command is none, not at all', async () => {
      const good = await client().multi().set('t', '1').incr('t').exec()
      expect(good).toEqual(['OK', 2])
      const bad = await ask('/multi-exec', { method: 'POST', body: '[["SET","t","9"],["NONE"]]' })
      expect([bad.status, await bad.json()]).toEqual([400, { error: expect.stringContaining('EXECABORT') }])
      expect(await client().get('t')).toBe(2)
    })

    it('a command may stand in the path, and its last argument in the body', async () => {
      expect(await (await ask('/set/p/a%20b')).json()).toEqual({ result: 'OK' })
      expect(await (await ask('/append/p', { method: 'POST', body: '/c' })).json()).toEqual({ result: 5 })
      expect(await (await fetch(`${bridge.url}/get/p?_token=${bridge.token}`)).json()).toEqual({
        result: 'a b/c',
      })
    })

    it('without the token nothing is let in', async () => {
      const before = bridge.commands
      const answer = await ask('/', { method: 'POST', body: '["SET","x","1"]', headers: {} })
      expect([answer.status, await answer.json()]).toEqual([
        401,
        { error: expect.stringMatching(/^WRONGPASS/) },
      ])
      expect(bridge.commands).toBe(before)
    })

    it('a sync token is answered with a later one', async () => {
      const headers = { authorization: `Bearer ${bridge.token}`, 'upstash-sync-token': '' }
      const answer = await ask('/get/p', { headers })
      expect(answer.headers.get('upstash-sync-token')).toMatch(/^after-/)
    })

    it('subscribers hear what is published, and it is known when they are gone', async () => {
      const subscriber = client().subscribe<string>(['news'])
      const heard = new Promise((resolve) => subscriber.on('message', ({ message }) => resolve(message)))
      await new Promise((resolve) => subscriber.on('subscribe', resolve))
      expect(bridge.subscriptions).toBe(1)
      await client().publish('news', 'a,b')
      expect(await heard).toBe('a,b')
      await subscriber.unsubscribe()
      await vi.waitFor(() => expect(bridge.subscriptions).toBe(0))
    })
  })

  describe('spoils what it is told to', () => {
    const incremented = () => client().get<number>('count')
    const increment = () => ask('/incr/count')

    it('a request dropped before execution changes nothing, one dropped after it does', async () => {
      await ask('/set/count/0')
      bridge.inject(faults.dropBefore, 1)
      await expect(increment()).rejects.toThrow()
      expect(await incremented()).toBe(0)
      bridge.inject(faults.dropAfter, 1)
      await expect(increment()).rejects.toThrow()
      expect(await incremented()).toBe(1)
    })

    it('a request that is given up while it is held is executed all the same', async () => {
      await ask('/set/count/0')
      let release = () => {}
      bridge.inject(
        faults.held(() => new Promise<void>((resolve) => (release = resolve))),
        1,
      )
      const given = new AbortController()
      const seen = bridge.requests
      const answer = ask('/incr/count', { signal: given.signal })
      await vi.waitFor(() => expect(bridge.requests).toBe(seen + 1))
      given.abort()
      await expect(answer).rejects.toThrow()
      release()
      await vi.waitFor(async () => expect(await incremented()).toBe(1))
    })

    it('spoils as many requests as it was told, and none after it healed', async () => {
      bridge.inject(faults.html502, 1)
      const spoiled = await increment()
      expect([spoiled.status, spoiled.headers.get('content-type')]).toEqual([502, 'text/html'])
      expect((await increment()).status).toBe(200)
      bridge.inject(faults.says('rubbish'))
      expect(await (await increment()).text()).toBe('rubbish')
      bridge.heal()
      expect((await increment()).status).toBe(200)
    })

    it('scripts may begin with the line about locks where it is told so, and have a SHA of their own', async () => {
      const script = '#!lua flags=allow-key-locking\nreturn 8'
      const sha = createHash('sha1').update(script).digest('hex')
      await expect(client().eval(script, [], [])).rejects.toThrow(/Unexpected flag/)
      bridge.keyLocking = true
      try {
        await expect(client().evalsha(sha, [], [])).rejects.toThrow(/NOSCRIPT/)
        expect(await client().eval(script, [], [])).toBe(8)
        expect(await client().evalsha(sha, [], [])).toBe(8)
      } finally {
        bridge.keyLocking = false
      }
    })

    it('scripts are forgotten when they are flushed', async () => {
      const sha = await client().scriptLoad('return 7')
      expect(await client().evalsha(sha, [], [])).toBe(7)
      await bridge.flushScripts()
      await expect(client().evalsha(sha, [], [])).rejects.toThrow(/NOSCRIPT/)
    })
  })
})
