import { describe, expect, it } from 'vitest'
import { StoreFault } from '../../src/stores/contract.ts'
import { type Command, LANES, Lanes } from '../../src/stores/upstash/lanes.ts'

interface Sent {
  readonly scripts: string[]
  answer(): void
  fail(fault: StoreFault): void
}

/** Lanes whose requests are answered by hand, each command with its own script. */
function lanes() {
  const sent: Sent[] = []
  const clock = { now: 0 }
  const made = new Lanes<string>(
    (commands) =>
      new Promise((resolve, reject) => {
        const scripts = commands.map(({ script }) => script)
        sent.push({ scripts, answer: () => resolve(scripts), fail: reject })
      }),
    () => clock.now,
    100,
  )
  return { run: (...scripts: string[]) => made.run(scripts.map(command)), sent, clock }
}

const command = (script: string): Command => ({ verb: 'eval', script, keys: [], args: [] })

/** Occupies every lane. */
const fill = ({ run }: ReturnType<typeof lanes>) =>
  Array.from({ length: LANES }, (_, index) => run(`first ${index}`))

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('lanes', () => {
  it('a call goes out at once and alone while one is free', async () => {
    const { run, sent } = lanes()
    const answers = [run('a'), run('b', 'c')]
    expect(sent.map(({ scripts }) => scripts)).toEqual([['a'], ['b', 'c']])
    for (const each of sent) each.answer()
    expect(await Promise.all(answers)).toEqual([['a'], ['b', 'c']])
  })

  it('calls that find none share the next request, and each gets its own answers', async () => {
    const made = lanes()
    const first = fill(made)
    const waiting = [made.run('a', 'b'), made.run('c'), made.run()]
    expect(made.sent).toHaveLength(LANES)
    made.sent[3]?.answer()
    await settled()
    expect(made.sent.at(-1)?.scripts).toEqual(['a', 'b', 'c'])
    for (const each of made.sent) each.answer()
    expect(await Promise.all(waiting)).toEqual([['a', 'b'], ['c'], []])
    expect(await Promise.all(first)).toHaveLength(LANES)
  })

  it('never has more requests under way than lanes, however many calls there are', async () => {
    const made = lanes()
    const all = [...fill(made), ...Array.from({ length: 3000 }, (_, index) => made.run(String(index)))]
    let answered = 0
    while (answered < made.sent.length) {
      expect(made.sent.length - answered).toBeLessThanOrEqual(LANES)
      made.sent[answered++]?.answer()
      await settled()
    }
    expect((await Promise.all(all)).flat()).toHaveLength(LANES + 3000)
    expect(Math.max(...made.sent.map(({ scripts }) => scripts.length))).toBeLessThanOrEqual(256)
  })

  it('a request is bounded in characters, and a call that alone is larger goes alone', async () => {
    const made = lanes()
    const first = fill(made)
    const large = 'x'.repeat(200_000)
    const waiting = [made.run(large), made.run(large), made.run(large, large), made.run('small')]
    for (let index = 0; index < LANES; index++) made.sent[index]?.answer()
    await Promise.all(first)
    await settled()
    expect(made.sent.slice(LANES).map(({ scripts }) => scripts.length)).toEqual([1, 1, 2, 1])
    for (const each of made.sent) each.answer()
    await Promise.all(waiting)
  })

  it('what waited until nobody wants it is not sent, and says so', async () => {
    const made = lanes()
    const first = fill(made)
    const late = made.run('late')
    made.clock.now = 60
    const timely = made.run('timely')
    made.clock.now = 100
    made.sent[0]?.answer()
    await expect(late).rejects.toMatchObject({ code: 'unavailable' })
    expect(made.sent.at(-1)?.scripts).toEqual(['timely'])
    for (const each of made.sent) each.answer()
    expect(await timely).toEqual(['timely'])
    await Promise.all(first)
  })

  it('a failed request fails its own calls, and its lane goes on', async () => {
    const made = lanes()
    const [first, ...others] = fill(made)
    const waiting = [made.run('a'), made.run('b')]
    made.sent[0]?.fail(new StoreFault('timeout', 'late'))
    await expect(first).rejects.toMatchObject({ code: 'timeout' })
    made.sent.at(-1)?.fail(new StoreFault('unavailable', 'gone'))
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'unavailable' })
    const after = made.run('c')
    for (const each of made.sent) each.answer()
    expect(await after).toEqual(['c'])
    expect(await Promise.all(others)).toHaveLength(LANES - 1)
  })

  it('refuses more than it can hold instead of growing', async () => {
    const made = lanes()
    const all = [...fill(made), ...Array.from({ length: 4096 }, () => made.run('x'))]
    await expect(made.run('one too many')).rejects.toMatchObject({ code: 'unavailable' })
    for (let index = 0; index < made.sent.length; index++) {
      made.sent[index]?.answer()
      await settled()
    }
    expect(await Promise.all(all)).toHaveLength(LANES + 4096)
  })
})
