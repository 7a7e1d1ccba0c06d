/** Checks that are too large, too many at a time, or asked while the clock stands still. */

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkOf } from '../http/support.ts'
import { bytesOf, Wire } from '../node/support.ts'
import { ask, bearer, policyWith, portOf, recordOf, send, startCheck, VARIABLES } from './support/check.ts'
import type { Workerd } from './support/workerd.ts'

describe('what is too large', () => {
  let workerd: Workerd
  beforeAll(async () => {
    workerd = await startCheck()
  })
  afterAll(() => workerd?.stop())

  it.each([
    ['a target of 60 KiB', `/public/${'a'.repeat(60_000)}`, [], 400],
    ['a token of 20 KiB', '/docs/x', [['Authorization', `Bearer ${'a'.repeat(20_000)}.b.c`]], 401],
    [
      'a thousand forwarded addresses, of which none is believed',
      '/public/x',
      [['X-Forwarded-For', '203.0.113.9, '.repeat(1000)]],
      200,
    ],
    ['a secret of 30 KiB beside the real one', '/public/x', [['X-Postern-Secret', 's'.repeat(30_000)]], 403],
    [
      '500 headers',
      '/public/x',
      Array.from({ length: 500 }, (_, at) => [`X-Other-${at}`, 'x'] as const),
      200,
    ],
  ] as const)(
    '%s has an outcome of its own, and a record of bounded length',
    async (_, target, lines, status) => {
      const record = await recordOf(workerd, async () => {
        expect((await ask(workerd, target, lines)).status).toBe(status)
      })
      expect(JSON.stringify(record).length).toBeLessThan(2000)
    },
  )

  it('a megabyte of headers is refused by the runtime, and nothing is decided', async () => {
    const before = workerd.events('decision').length
    const wire = await Wire.open(portOf(workerd))
    const lines = [...checkOf('traefik', '/public/x'), ['X-Other', 'x'.repeat(2 ** 20)] as [string, string]]
    wire.send(bytesOf(lines))
    const answer = await wire.answer()
    wire.close()
    expect(answer?.status ?? 431).toBeGreaterThanOrEqual(400)
    await recordOf(workerd, () => ask(workerd, '/public/x'))
    expect(workerd.events('decision')).toHaveLength(before + 1)
  })

  it.each(['GET', 'POST'])(
    'the body of a check by %s is not waited for: it may be any size, and says nothing',
    async (method) => {
      const lines = [
        ...checkOf('traefik', '/public/x'),
        ['Content-Length', String(10 * 2 ** 20)] as [string, string],
      ]
      const wire = await Wire.open(portOf(workerd))
      try {
        // A part of what was announced; the rest never comes.
        wire.send(`${bytesOf(lines, `${method} /check/traefik HTTP/1.1`)}{"uri":"/admin"}`)
        expect((await wire.answer())?.status).toBe(200)
      } finally {
        wire.close()
      }
    },
  )

  it('a body of 10 MB is not read: the connection ends behind the answer', async () => {
    const socket = connect(portOf(workerd), '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += String(data)
    })
    // The end may overtake the answer on its way, as ever where somebody closes who has not read everything.
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const lines = [
      ...checkOf('traefik', '/public/x'),
      ['Content-Length', String(2 ** 30)] as [string, string],
    ]
    socket.write(bytesOf(lines, 'POST /check/traefik HTTP/1.1'))
    const writing = setInterval(() => socket.write(Buffer.alloc(2 ** 20, 'x')), 1)
    await closed
    clearInterval(writing)
    expect(answer === '' || answer.startsWith('HTTP/1.1 200 ')).toBe(true)
    expect((await ask(workerd, '/public/x')).status).toBe(200)
  })

  it('what is no HTTP gets no answer that allows', async () => {
    const texts = ['GET\r\n\r\n', 'GET /check/traefik HTTP/9.9\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00']
    const answers = await Promise.all(
      texts.map((text) => send(workerd, `${text}${'\r\n'.repeat(4)}`).catch(() => null)),
    )
    expect(answers.filter((one) => one?.status === 200)).toEqual([])
  })
})

describe('a hundred first requests at once', () => {
  it('are all answered, and a limit of 40 admits 40 of them', async () => {
    const workerd = await startCheck()
    try {
      const answers = await Promise.all(Array.from({ length: 100 }, () => ask(workerd, '/many')))
      const count = (status: number) => answers.filter((answer) => answer.status === status).length
      expect([count(200), count(429)]).toEqual([40, 60])
      const records = await workerd.heard('decision', 100)
      expect(records.filter(({ degraded }) => degraded.length > 0)).toEqual([])
      expect(workerd.events().filter(({ event }) => event !== 'decision')).toEqual([])
    } finally {
      await workerd.stop()
    }
  })
})

describe.each([
  ['memory', { store: 'memory' }],
  ['durableObject', {}],
])('while the clock stands still, with state in %s', (_, more) => {
  it('tokens are judged, limits count, and nobody waits for a time that does not come', async () => {
    const workerd = await startCheck(policyWith(more), {
      entry: {
        text: `import './test/worker/support/still-clock.ts'
          export { default, PosternState } from './src/worker.ts'`,
      },
      variables: { ...VARIABLES, STILL: String(Date.now() + 1000) },
    })
    try {
      const token = await bearer()
      for (let round = 0; round < 3; round++)
        expect((await ask(workerd, '/docs/x', [token])).status).toBe(200)
      const statuses: number[] = []
      for (let round = 0; round < 4; round++) statuses.push((await ask(workerd, '/few')).status)
      expect(statuses).toEqual([200, 200, 429, 429])
    } finally {
      await workerd.stop()
    }
  })
})

describe('the log', () => {
  it('holds no secret, no token and no key, whatever is presented and wherever', async () => {
    const workerd = await startCheck()
    try {
      const [, token] = await bearer()
      const good = token.slice('Bearer '.length)
      const secrets = [...Object.values(VARIABLES), good, good.split('.')[2] as string]
      await ask(workerd, '/docs/x', [['Authorization', token]])
      await ask(workerd, '/docs/x', [['Authorization', `${token}x`]])
      await ask(workerd, '/docs/x', [['Authorization', good]])
      await ask(workerd, `/public/x?token=${good}`, [['X-Forwarded-Method', good]])
      await ask(workerd, `/public/x?token=${good}`)
      await ask(workerd, '/public/x', [['X-Postern-Secret', VARIABLES.JWT_SECRET]])
      await workerd.heard('decision', 6)
      const text = workerd.logs.map((one) => one.text).join('\n')
      for (const secret of secrets) expect(text.includes(secret), secret.slice(0, 6)).toBe(false)
    } finally {
      await workerd.stop()
    }
  })
})
