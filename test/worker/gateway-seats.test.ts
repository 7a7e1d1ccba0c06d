/** Places that connections hold, on a clock of the test's own. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import type { Principal } from '../../src/core/model.ts'
import { type Holds, type Place, StoreFault } from '../../src/stores/contract.ts'
import { Seats as Book } from '../../src/stores/durable-object/seats.ts'
import { LIFE, placesOf, RENEWAL, Seats } from '../../src/worker/gateway/seats.ts'

/** A store's places in memory, which can be silent, forgetful or slow. */
class Memory implements Holds {
  #book = new Book(Date.now)
  down = false
  /** Set, a question waits for it before it gets there. */
  slow: Promise<void> | null = null
  asked = 0

  async take(holder: string, places: readonly Place[], life: number): Promise<number | null> {
    this.asked++
    if (this.down) throw new StoreFault('unavailable', 'down')
    await this.slow
    return this.#book.take(holder, wire(places), life)
  }

  async release(holder: string, places: readonly Place[]): Promise<void> {
    if (this.down) throw new StoreFault('unavailable', 'down')
    this.#book.release(holder, wire(places))
  }

  /** Forgets one place of a holder, as when one of several objects is restarted. */
  forgetOne(holder: string, place: Place): void {
    this.#book.release(holder, wire([place]))
  }

  forget(): void {
    this.#book = new Book(Date.now)
  }
}

const wire = (places: readonly Place[]) => places.map(({ key, most }) => [key, most] as const)

const ONE: readonly Place[] = [{ key: 'x', most: 1 }]

let holds: Memory
beforeEach(() => {
  vi.useFakeTimers()
  holds = new Memory()
})
afterEach(() => {
  vi.useRealTimers()
})

let holders = 0
const seats = (places = ONE) => new Seats(holds, `h${++holders}`, places)

/** Whether somebody else gets the place now. */
async function free(places = ONE): Promise<boolean> {
  const other = seats(places)
  const full = await other.take()
  await other.release()
  return full === null
}

describe('a place', () => {
  it('is held for as long as its connection is open, however long that is', async () => {
    const held = seats()
    expect(await held.take()).toBeNull()
    held.renew(() => {})
    await vi.advanceTimersByTimeAsync(10 * LIFE)
    expect(await free()).toBe(false)
    await held.release()
    expect(await free()).toBe(true)
    const { asked } = holds
    await vi.advanceTimersByTimeAsync(10 * LIFE)
    expect(holds.asked).toBe(asked)
  })

  it('of a Worker that died is free within a minute', async () => {
    expect(await seats().take()).toBeNull()
    expect(await free()).toBe(false)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await free()).toBe(true)
  })

  it('is renewed before the object that keeps it may be put away with its memory, which is after 10 s', () => {
    expect(RENEWAL).toBeLessThan(10_000)
  })

  it('outlives two renewals that fail', async () => {
    const held = seats()
    await held.take()
    const lost = vi.fn()
    held.renew(lost)
    holds.down = true
    await vi.advanceTimersByTimeAsync(2 * RENEWAL)
    holds.down = false
    expect(await free()).toBe(false)
    await vi.advanceTimersByTimeAsync(RENEWAL)
    expect(await free()).toBe(false)
    expect(lost).not.toHaveBeenCalled()
    await held.release()
  })

  it('that the store has forgotten is taken again, and when somebody else has it, the connection is told once', async () => {
    const held = seats()
    await held.take()
    const lost = vi.fn()
    held.renew(lost)
    holds.forget()
    await vi.advanceTimersByTimeAsync(RENEWAL)
    expect(await free()).toBe(false)
    holds.forget()
    const other = seats()
    await other.take()
    other.renew(() => {})
    await vi.advanceTimersByTimeAsync(5 * RENEWAL)
    expect(lost).toHaveBeenCalledOnce()
    await held.release()
    expect(await free()).toBe(false)
    await other.release()
    expect(await free()).toBe(true)
  })

  it('lost to somebody else takes those with it that are still held', async () => {
    const both: Place[] = [{ key: 'y', most: 1 }, ...ONE]
    const held = new Seats(holds, 'unlucky', both)
    await held.take()
    held.renew(() => void held.release())
    holds.forgetOne('unlucky', ONE[0] as Place)
    const other = seats()
    await other.take()
    await vi.advanceTimersByTimeAsync(RENEWAL)
    expect(await free([{ key: 'y', most: 1 }])).toBe(true)
  })

  it('is not there twice: a full one says which it was, and takes none of the others', async () => {
    const both: Place[] = [{ key: 'y', most: 1 }, ...ONE]
    await seats().take()
    const second = seats(both)
    expect(await second.take()).toEqual(ONE[0])
    await second.release()
    expect(await free([{ key: 'y', most: 1 }])).toBe(true)
  })

  it('given back while it is being taken is free all the same', async () => {
    let answer = () => {}
    holds.slow = new Promise((resolve) => {
      answer = resolve
    })
    const held = seats()
    const taking = held.take()
    const released = held.release()
    answer()
    holds.slow = null
    await Promise.all([taking, released])
    expect(await free()).toBe(true)
  })

  it('that cannot be given back comes back by itself', async () => {
    const held = seats()
    await held.take()
    holds.down = true
    await held.release()
    holds.down = false
    expect(await free()).toBe(false)
    await vi.advanceTimersByTimeAsync(LIFE)
    expect(await free()).toBe(true)
  })
})

describe('the places of a connection', () => {
  const principal = (part: Partial<Principal>) =>
    ({ id: 'alice', issuer: 'https://login.example.com', type: 'jwt', tenant: null, ...part }) as Principal
  const keys = (client: string, who: Principal | null, route = 'chat') =>
    placesOf({ client: 2, principal: 1 }, { client: parseAddress(client), principal: who, route }).map(
      ({ key, most }) => `${key}=${most}`,
    )

  it('are of the route, the client and the principal, and bounds that are not there take none', () => {
    const subject = {
      client: parseAddress('192.0.2.1'),
      principal: principal({ tenant: 'acme' }),
      route: 'chat',
    }
    expect(placesOf({ client: 2, principal: null }, subject)).toMatchObject([{ most: 2, tenant: undefined }])
    expect(placesOf({ client: null, principal: 1 }, subject)).toMatchObject([{ most: 1, tenant: 'acme' }])
    expect(keys('192.0.2.1', principal({}))).not.toEqual(keys('192.0.2.1', principal({}), 'desk'))
    expect(keys('192.0.2.1', principal({}))[0]).toBe(keys('192.0.2.1', principal({ id: 'bob' }))[0])
    expect(keys('192.0.2.1', principal({}))[1]).toBe(keys('192.0.2.2', principal({}))[1])
  })

  it.each([
    ['another id', principal({ id: 'bob' })],
    ['another issuer', principal({ issuer: 'https://evil.example' })],
    [
      'an id and an issuer that only look alike together',
      principal({ issuer: 'https://login.example.com:a', id: 'lice' }),
    ],
  ])('are not those of a principal with %s', (_, other) => {
    expect(keys('192.0.2.1', other)[1]).not.toBe(keys('192.0.2.1', principal({}))[1])
  })

  it("of strangers are each client's own", () => {
    const nobody = principal({ id: '', issuer: 'anonymous', type: 'anonymous' })
    expect(keys('192.0.2.1', nobody)).not.toEqual(keys('192.0.2.2', nobody))
  })

  it('of an IPv6 client are those of its network, and of the wider one sixteen times as many', () => {
    expect(keys('2001:db8:0:1::1', principal({}))).toEqual(keys('2001:db8:0:1::2', principal({})))
    expect(keys('2001:db8:0:1::1', principal({}))).toHaveLength(3)
    expect(keys('2001:db8:0:1::1', principal({}))[1]).toMatch(/\/48=32$/)
  })
})
