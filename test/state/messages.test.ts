import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { equalText } from '../../src/ports/equal-text.ts'
import { hmacSha256 } from '../../src/ports/node-crypto.ts'
import { Lane } from '../../src/state/messages/lane.ts'
import { read, textOf } from '../../src/state/messages/notice.ts'
import { type NoticeKey, type NoticeOptions, Notices } from '../../src/state/messages.ts'
import type { Feed, Listener, Messenger } from '../../src/stores/contract.ts'

const V1: NoticeKey = { version: 'v1', secret: 'a secret of at least thirty-two bytes' }
const V2: NoticeKey = { version: 'v2', secret: 'another one of at least thirty-two bytes' }
const NOW = Date.parse('2026-11-21T12:00:00Z')

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Carries messages in this process, and lets a test listen, lose, repeat and say anything. */
class Wire implements Messenger {
  readonly said: { channel: string; message: string }[] = []
  readonly listeners = new Map<Listener, readonly string[]>()
  down = false

  async publish(channel: string, message: string) {
    if (this.down) throw new Error('the wire is down')
    this.said.push({ channel, message })
    this.say(channel, message)
  }

  say(channel: string, message: string) {
    for (const [listener, channels] of this.listeners) if (channels.includes(channel)) listener(message)
  }

  async subscribe(channels: readonly string[], listener: Listener) {
    if (this.down) throw new Error('the wire is down')
    this.listeners.set(listener, channels)
    return async () => {
      this.listeners.delete(listener)
    }
  }
}

let seed = 1
function instance(wire: Messenger, options: Partial<NoticeOptions> = {}) {
  const notices = new Notices(wire, {
    keys: [V1],
    namespace: 'postern',
    now: () => Date.now(),
    random: () => 1,
    random32: () => (seed = (seed * 48271) % 0x7fffffff),
    hmacSha256,
    equal: equalText,
    ...options,
  })
  const heard: Feed[] = []
  return { notices, heard, start: () => notices.start((feed) => heard.push(feed)) }
}

/** One that speaks and one that listens. */
async function pair() {
  const wire = new Wire()
  const speaker = instance(wire)
  const listener = instance(wire)
  await speaker.start()
  await listener.start()
  /** Says what was last said once more, changed. */
  const repeat = (change: (message: string) => string) => {
    const { channel, message } = wire.said.at(-1) ?? { channel: '', message: '' }
    wire.say(channel, change(message))
  }
  return { wire, speaker, listener, repeat }
}

describe('notices between instances', () => {
  it('tell all others of the feed at once, and not the one who speaks', async () => {
    const { wire, speaker, listener } = await pair()
    const third = instance(wire)
    await third.start()
    speaker.notices.announce('access')
    listener.notices.announce('bans')
    expect(listener.heard).toEqual(['access'])
    expect(speaker.heard).toEqual(['bans'])
    expect(third.heard).toEqual(['access', 'bans'])
    await vi.advanceTimersByTimeAsync(0)
    expect(speaker.notices.figures()).toEqual({
      subscribed: true,
      sent: 1,
      failed: 0,
      heard: 1,
      dropped: { malformed: 0, unknown_key: 0, forged: 0, stale: 0, replayed: 0 },
    })
  })

  it('carry no more than where, when and by whom', async () => {
    const { wire, speaker } = await pair()
    speaker.notices.announce('bans')
    expect(wire.said[0]?.message).toMatch(/^1 v1 [0-9a-f]{32} 1 1795262400000 bans [0-9a-f]{64}$/)
  })

  it('are one for fifty milliseconds and feed, however much happens, and the last is never lost', async () => {
    const { wire, speaker, listener } = await pair()
    for (let i = 0; i < 1000; i++) speaker.notices.announce('bans')
    speaker.notices.announce('access')
    expect(listener.heard).toEqual(['bans', 'access'])
    await vi.advanceTimersByTimeAsync(49)
    expect(wire.said).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(listener.heard).toEqual(['bans', 'access', 'bans'])
    for (let i = 0; i < 1000; i++) {
      speaker.notices.announce('bans')
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(wire.said.length).toBeLessThanOrEqual(3 + 20)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('wait for one another while the messenger is slow', async () => {
    const publish = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, 2000)))
    const { notices } = instance({ publish, subscribe: async () => async () => {} })
    for (let i = 0; i < 100; i++) {
      notices.announce('access')
      await vi.advanceTimersByTimeAsync(30)
    }
    expect(publish).toHaveBeenCalledTimes(2)
  })

  it('that cannot be sent are counted, and hold nothing up', async () => {
    const { wire, speaker, listener } = await pair()
    wire.down = true
    speaker.notices.announce('access')
    await vi.advanceTimersByTimeAsync(50)
    wire.down = false
    speaker.notices.announce('access')
    await vi.advanceTimersByTimeAsync(0)
    expect(listener.heard).toEqual(['access'])
    expect(speaker.notices.figures()).toMatchObject({ sent: 1, failed: 1 })
    const thrower = instance({
      publish: () => {
        throw new Error('at once')
      },
      subscribe: async () => async () => {},
    })
    thrower.notices.announce('bans')
    expect(thrower.notices.figures()).toMatchObject({ sent: 0, failed: 1 })
  })
})

describe('a message', () => {
  const flip = (text: string, at: number) =>
    text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1)

  it('is forged when any part of it was changed', async () => {
    const { speaker, listener, repeat } = await pair()
    speaker.notices.announce('access')
    repeat((message) => message.replace(' 1 1795', ' 2 1795'))
    repeat((message) => message.replace('1795262400000', '1795262400001'))
    repeat((message) => message.replace('access', 'bans'))
    repeat((message) => flip(message, 5))
    repeat((message) => flip(message, message.length - 1))
    expect(listener.heard).toEqual(['access'])
    expect(listener.notices.figures().dropped).toEqual({
      malformed: 0,
      unknown_key: 0,
      forged: 5,
      stale: 0,
      replayed: 0,
    })
  })

  it('is forged when it was made for another deployment with the same secret', async () => {
    const { wire, listener } = await pair()
    const elsewhere = new Wire()
    const other = instance(elsewhere, { namespace: 'staging' })
    other.notices.announce('access')
    const [said] = elsewhere.said
    const [channel] = [...wire.listeners.values()][0] ?? []
    expect(said?.channel).not.toBe(channel)
    wire.say(channel ?? '', said?.message ?? '')
    expect(listener.heard).toEqual([])
    expect(listener.notices.figures().dropped.forged).toBe(1)
  })

  it('is forged under a key that only bears the name of ours, and unknown under another', async () => {
    const { wire, listener } = await pair()
    const [channel] = [...wire.listeners.values()][0] ?? []
    for (const key of [{ ...V1, secret: V2.secret }, V2]) {
      const elsewhere = new Wire()
      instance(elsewhere, { keys: [key] }).notices.announce('access')
      wire.say(channel ?? '', elsewhere.said[0]?.message ?? '')
    }
    expect(listener.heard).toEqual([])
    expect(listener.notices.figures().dropped).toMatchObject({ forged: 1, unknown_key: 1 })
  })

  it.each([-30_001, -30_000, 30_000, 30_001])('is stale when it is of another time (%d ms)', async (step) => {
    const wire = new Wire()
    const speaker = instance(wire, { now: () => Date.now() + step })
    const listener = instance(wire)
    await listener.start()
    speaker.notices.announce('access')
    const stale = Math.abs(step) > 30_000
    expect(listener.heard).toEqual(stale ? [] : ['access'])
    expect(listener.notices.figures().dropped.stale).toBe(stale ? 1 : 0)
  })

  it('is replayed when it comes again, or after a later one of the same sender', async () => {
    const { wire, speaker, listener } = await pair()
    speaker.notices.announce('access')
    speaker.notices.announce('bans')
    for (const { channel, message } of [...wire.said]) wire.say(channel, message)
    expect(listener.heard).toEqual(['access', 'bans'])
    expect(listener.notices.figures()).toMatchObject({ heard: 2, dropped: { replayed: 2 } })
    instance(wire).notices.announce('access')
    expect(listener.heard).toEqual(['access', 'bans', 'access'])
  })

  it('is malformed when it is anything else, however long, and throws nothing', async () => {
    const { wire, listener, repeat, speaker } = await pair()
    speaker.notices.announce('access')
    const [channel] = [...wire.listeners.values()][0] ?? []
    const odd = [
      '',
      ' ',
      '1',
      'x'.repeat(1_000_000),
      '1 '.repeat(128),
      '{"feed":"access"}',
      `1 v1 ${'0'.repeat(32)} 1 ${NOW} constructor ${'0'.repeat(64)}`,
    ]
    for (const message of odd) wire.say(channel ?? '', message)
    repeat((message) => `${message}\n`)
    repeat((message) => message.replace('1 v1', '2 v1'))
    repeat((message) => message.replace('access', 'ACCESS'))
    repeat((message) => message.slice(0, -1))
    expect(listener.heard).toEqual(['access'])
    expect(listener.notices.figures().dropped).toMatchObject({ malformed: odd.length + 4, forged: 0 })
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: 'binary' }), (message) => {
        wire.say(channel ?? '', message)
        return listener.heard.length === 1
      }),
    )
  })

  it('reads as it was written', () => {
    const notice = {
      key: 'v_1-',
      sender: '0f'.repeat(16),
      sequence: 999_999_999_999_999,
      time: 0,
      feed: 'bans' as const,
    }
    expect(read(`${textOf(notice)} ${'a'.repeat(64)}`)?.notice).toEqual(notice)
  })

  it('of thousands of senders is known by the last number of the latest two thousand, and no table grows', async () => {
    const { wire, listener } = await pair()
    for (let i = 0; i < 10_000; i++) instance(wire).notices.announce('access')
    expect(listener.heard).toHaveLength(10_000)
    for (const { channel, message } of wire.said.slice(-2000)) wire.say(channel, message)
    expect(listener.notices.figures().dropped.replayed).toBe(2000)
    // Of the first ones nothing is kept: within its thirty seconds such a one may cost one question more.
    wire.say(wire.said[0]?.channel ?? '', wire.said[0]?.message ?? '')
    expect(listener.heard).toHaveLength(10_001)
  })
})

describe('keys of notices', () => {
  it('change without a moment in which instances do not hear each other', async () => {
    const wire = new Wire()
    const stages = [[V1], [V1, V2], [V2, V1], [V2]]
    for (const [at, keys] of stages.entries()) {
      for (const others of [keys, stages[at + 1] ?? keys]) {
        // From one stage to the next, each side may be first; a key signs only when all verify it.
        if (at === 0 && others.at(-1) === V2) continue
        const speaker = instance(wire, { keys: others })
        const listener = instance(wire, { keys })
        await listener.start()
        speaker.notices.announce('access')
        expect(listener.heard, `${at}`).toEqual(['access'])
        await listener.notices.stop()
      }
    }
  })

  it('name one channel each, which tells nothing of the secret; the last one is spoken on', async () => {
    const wire = new Wire()
    const { notices, start } = instance(wire, { keys: [V1, V2] })
    await start()
    const [channels] = [...wire.listeners.values()]
    expect(channels).toHaveLength(2)
    for (const channel of channels ?? []) expect(channel).toMatch(/^postern:[0-9a-f]{32}$/)
    notices.announce('access')
    expect(wire.said[0]?.channel).toBe(channels?.[1])
    expect(() => instance(wire, { keys: [] })).toThrow(RangeError)
  })
})

describe('listening', () => {
  it('begins as soon as the messenger is there, and asks then for what was missed', async () => {
    const wire = new Wire()
    wire.down = true
    const subscribe = vi.spyOn(wire, 'subscribe')
    const { notices, heard, start } = instance(wire)
    await start()
    expect(notices.figures().subscribed).toBe(false)
    const attempts = []
    for (let second = 1; second <= 95; second++) {
      await vi.advanceTimersByTimeAsync(1000)
      if (subscribe.mock.calls.length > attempts.length + 1) attempts.push(second)
    }
    expect(attempts).toEqual([1, 3, 7, 15, 31, 61, 91])
    expect(heard).toEqual([])
    wire.down = false
    await vi.advanceTimersByTimeAsync(30_000)
    expect(notices.figures().subscribed).toBe(true)
    expect(heard).toEqual(['access', 'bans'])
    await vi.advanceTimersByTimeAsync(300_000)
    expect(subscribe).toHaveBeenCalledTimes(9)
  })

  it('holds no start up for ever when the messenger is frozen, and takes what comes later', async () => {
    let thaw: (end: () => Promise<void>) => void = () => {}
    const { notices, start } = instance({
      publish: async () => {},
      subscribe: () => new Promise((resolve) => (thaw = resolve)),
    })
    const started = vi.fn()
    void start().then(started)
    await vi.advanceTimersByTimeAsync(4999)
    expect(started).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(started).toHaveBeenCalled()
    thaw(async () => {})
    await vi.advanceTimersByTimeAsync(0)
    expect(notices.figures().subscribed).toBe(true)
  })

  it('ends with stop, also when it only begins then, and never begins again', async () => {
    const { wire, listener, speaker } = await pair()
    await listener.notices.stop()
    await listener.notices.stop()
    speaker.notices.announce('access')
    expect(listener.heard).toEqual([])
    await speaker.notices.stop()
    expect(wire.listeners.size).toBe(0)

    let thaw: (end: () => Promise<void>) => void = () => {}
    const end = vi.fn(async () => {})
    const late = instance({
      publish: async () => {},
      subscribe: () => new Promise((resolve) => (thaw = resolve)),
    })
    void late.start()
    await late.notices.stop()
    thaw(end)
    await vi.advanceTimersByTimeAsync(0)
    expect(end).toHaveBeenCalledTimes(1)
    expect(late.notices.figures().subscribed).toBe(false)

    wire.down = true
    const failing = instance(wire)
    await failing.start()
    await failing.notices.stop()
    expect(vi.getTimerCount()).toBe(0)
    wire.down = false
    await vi.advanceTimersByTimeAsync(100_000)
    const never = instance(wire)
    await never.notices.stop()
    await never.start()
    expect(wire.listeners.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('survives a messenger that cannot end it', async () => {
    const { notices, start } = instance({
      publish: async () => {},
      subscribe: async () => () => Promise.reject(new Error('gone')),
    })
    await start()
    await expect(notices.stop()).resolves.toBeUndefined()
  })
})

describe('stopping', () => {
  it('sends at once what still waited for its turn, and nothing after', async () => {
    const { wire, speaker, listener } = await pair()
    speaker.notices.announce('access')
    speaker.notices.announce('access')
    await speaker.notices.stop()
    expect(listener.heard).toEqual(['access', 'access'])
    speaker.notices.announce('access')
    await vi.advanceTimersByTimeAsync(1000)
    expect(wire.said).toHaveLength(2)
    speaker.notices.announce('bans')
    expect(wire.said).toHaveLength(2)
  })

  it('leaves no timer behind', async () => {
    const { speaker, listener } = await pair()
    expect(vi.getTimerCount()).toBe(0)
    speaker.notices.announce('access')
    expect(vi.getTimerCount()).toBe(1)
    await Promise.all([speaker.notices.stop(), listener.notices.stop()])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps no process alive', () => {
    vi.useRealTimers()
    const spy = vi.spyOn(globalThis, 'setTimeout')
    new Lane(async () => {}).announce()
    const [timer] = spy.mock.results.map(({ value }) => value as NodeJS.Timeout)
    spy.mockRestore()
    expect(timer?.hasRef()).toBe(false)
    clearTimeout(timer)
  })
})
