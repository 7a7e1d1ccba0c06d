import { describe, expect, it } from 'vitest'
import { Flight } from '../../src/core/flight.ts'

describe('work that is shared while it is under way', () => {
  it('is begun once for all who ask, and anew once it has ended', async () => {
    const flight = new Flight<number>(() => 0)
    const { promise, resolve } = Promise.withResolvers<number>()
    let begun = 0
    const work = () => {
      begun++
      return promise
    }
    const asked = [flight.join(work), flight.join(work), flight.join(work)]
    resolve(7)
    expect(await Promise.all(asked)).toEqual([7, 7, 7])
    expect(begun).toBe(1)
    expect(flight.current).toBe(null)
    await flight.join(work)
    expect(begun).toBe(2)
  })

  it('ends for all who ask when it fails, and is begun anew after that', async () => {
    const flight = new Flight<number>(() => 0)
    const failing = flight.join(() => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await flight.join(async () => 1)).toBe(1)
  })

  it('is given up when nobody drives it any more, and what comes of it later changes nothing', async () => {
    let ticks = 0
    const flight = new Flight<string>(() => ticks)
    const abandoned = Promise.withResolvers<string>()
    const first = flight.join(() => abandoned.promise)
    ticks = 9_999
    expect(flight.current).toBe(first)
    ticks = 10_000
    expect(flight.current).toBe(null)
    const second = Promise.withResolvers<string>()
    const joined = flight.join(() => second.promise)
    abandoned.resolve('late')
    expect(await first).toBe('late')
    expect(flight.current).toBe(joined)
    second.resolve('new')
    expect(await joined).toBe('new')
  })

  it('is given up as well when the clock steps back', async () => {
    let ticks = 20_000
    const flight = new Flight<number>(() => ticks)
    const first = flight.join(() => new Promise(() => {}))
    ticks = 10_001
    expect(flight.current).toBe(first)
    ticks = 10_000
    expect(flight.current).toBe(null)
  })

  it('is nothing before anything was begun, whatever the clock says', () => {
    for (const ticks of [0, 9_999, 1e9]) expect(new Flight<number>(() => ticks).current).toBe(null)
  })
})
