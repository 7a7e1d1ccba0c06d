import { describe, expect, it, vi } from 'vitest'
import { LineWriter } from '../../src/node/lines.ts'

/** A sink that takes a chunk only when it is told to. */
function slowSink() {
  const taken: string[] = []
  let done: ((error?: Error) => void) | null = null
  return {
    taken,
    put: (text: string, callback: (error: Error | null | undefined) => void) => {
      taken.push(text)
      done = (error) => callback(error)
    },
    finish: (error?: Error) => done?.(error),
  }
}

describe('the line writer', () => {
  it('hands lines over together, not later than its interval', async () => {
    vi.useFakeTimers()
    try {
      const sink = slowSink()
      const writer = new LineWriter(-1, { put: sink.put, interval: 50 })
      for (const line of ['a\n', 'b\n', 'c\n']) writer.write(line)
      await vi.advanceTimersByTimeAsync(49)
      expect(sink.taken).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(sink.taken).toEqual(['a\nb\nc\n'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('hands a big batch over at once, and the next only when that one is done', async () => {
    const sink = slowSink()
    const writer = new LineWriter(-1, { put: sink.put })
    const line = `${'x'.repeat(999)}\n`
    for (let i = 0; i < 100; i++) writer.write(line)
    expect(sink.taken).toHaveLength(1)
    const flushed = writer.flush()
    sink.finish()
    expect(sink.taken).toHaveLength(2)
    sink.finish()
    await flushed
    expect(sink.taken.join('')).toBe(line.repeat(100))
    expect(writer.dropped).toBe(0)
  })

  it('drops and counts what a slow reader does not take, and holds no more than its limit', async () => {
    const sink = slowSink()
    const writer = new LineWriter(-1, { put: sink.put, limit: 10_000 })
    for (let i = 0; i < 1000; i++) writer.write(`${'x'.repeat(99)}\n`)
    expect(writer.dropped).toBe(900)
    const flushed = writer.flush()
    sink.finish()
    await flushed
    expect(sink.taken.join('')).toHaveLength(10_000)
    writer.write('again\n')
    void writer.flush()
    expect(sink.taken.at(-1)).toBe('again\n')
  })

  it('counts every line once a reader is gone, and throws nothing', async () => {
    const sink = slowSink()
    const writer = new LineWriter(-1, { put: sink.put })
    writer.write('1\n')
    void writer.flush()
    writer.write('2\n')
    sink.finish(new Error('EPIPE'))
    writer.write('3\n')
    await writer.flush()
    expect(writer.dropped).toBe(3)
    expect(sink.taken).toEqual(['1\n'])
  })

  it('does not wait for a reader beyond its patience', async () => {
    const writer = new LineWriter(-1, { put: () => {} })
    writer.write('1\n')
    await writer.flush(10)
    expect(writer.dropped).toBe(0)
  })
})

/** Takes whatever is handed over until nothing is left. */
function finishAll(sink: ReturnType<typeof slowSink>): void {
  for (let before = -1; before !== sink.taken.length; ) {
    before = sink.taken.length
    sink.finish()
  }
}

describe('the line writer beside others', () => {
  it('hands over whole lines of at most 4096 bytes together, and each only when the last has left', () => {
    const sink = slowSink()
    const writer = new LineWriter(-1, { put: sink.put, ascii: true, together: true })
    const lines = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat((i * 37) % 900)}\n`)
    for (const line of lines) writer.write(line)
    void writer.flush()
    expect(sink.taken).toHaveLength(1)
    finishAll(sink)
    for (const piece of sink.taken) {
      expect(piece.length).toBeLessThanOrEqual(4096)
      expect(piece.endsWith('\n')).toBe(true)
    }
    expect(sink.taken.length).toBeLessThan(50)
    expect(sink.taken.join('')).toBe(lines.join(''))
    expect(writer.dropped).toBe(0)
  })

  it('counts bytes, not characters, and sends a line that is too long by itself', () => {
    const sink = slowSink()
    const writer = new LineWriter(-1, { put: sink.put, together: true })
    const lines = [
      'a\n',
      `${'€'.repeat(5000)}\n`,
      ...Array.from({ length: 20 }, () => `${'€'.repeat(400)}\n`),
    ]
    for (const line of lines) writer.write(line)
    void writer.flush()
    finishAll(sink)
    expect(sink.taken.slice(0, 2).map(({ length }) => length)).toEqual([2, 5001])
    for (const piece of sink.taken.slice(2)) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(4096)
    expect(sink.taken.join('') === lines.join('')).toBe(true)
  })

  it('counts every line that did not leave once a reader is gone', async () => {
    const sink = slowSink()
    const writer = new LineWriter(-1, { put: sink.put, ascii: true, together: true })
    for (let i = 0; i < 10; i++) writer.write(`${'x'.repeat(999)}\n`)
    void writer.flush()
    sink.finish()
    sink.finish(new Error('EPIPE'))
    await writer.flush()
    expect([sink.taken.length, writer.dropped]).toEqual([2, 6])
  })
})
