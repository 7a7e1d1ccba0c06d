import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Desk, deskOf } from '../cli/support.ts'
import { type Duo, policyOf, startDuo, TOKENS, WRITER } from './support/duo.ts'

describe('commands that ask the admin Worker', () => {
  let [duo, desk]: [Duo?, Desk?] = []
  const started = () => {
    if (duo === undefined || desk === undefined) throw new Error('nothing was started')
    return { duo, desk, url: duo.workerd.url('postern-admin') }
  }
  const run = (args: readonly string[], stdin?: string | AsyncIterable<string>) => {
    const { desk, url } = started()
    return desk.run([...args, '--admin', url], stdin)
  }
  const json = (args: readonly string[]) => {
    const { desk, url } = started()
    return desk.json([...args, '--admin', url])
  }
  beforeAll(async () => {
    duo = await startDuo(policyOf(TOKENS))
    desk = deskOf('memory', { POSTERN_ADMIN_TOKEN: WRITER })
  })
  afterAll(async () => {
    desk?.end()
    await duo?.stop()
  })

  it('make, show, rotate, verify and revoke keys', async () => {
    const { duo } = started()
    const { key } = await json(['keys', 'create', '--owner', 'bot', '--id', 'ci', '--roles', 'user'])
    expect(await duo.keyed(key)).toBe(200)
    expect((await run(['keys', 'list'])).out).toMatch(/^ID .*\nci /)
    expect((await run(['keys', 'show', 'ci'])).out).toMatch(/^id +ci\n/)
    const rotated = await json(['keys', 'rotate', 'ci', '--overlap', '0s'])
    expect([await duo.keyed(rotated.key), await duo.keyed(key)]).toEqual([200, 401])
    expect((await run(['keys', 'verify'], rotated.key)).code).toBe(0)
    expect((await run(['keys', 'revoke', 'ci'])).code).toBe(0)
    expect(await duo.keyed(rotated.key)).toBe(401)
    expect((await run(['keys', 'peppers', 'list'])).out).toContain('v1')
  })

  it('revoke subjects, and take that back', async () => {
    const { duo } = started()
    const { key } = await json(['keys', 'create', '--owner', 'laptop'])
    expect(await duo.keyed(key)).toBe(200)
    const { id } = await json(['revoke', 'subject', 'laptop', '--issuer', 'api-key'])
    expect(await duo.keyed(key)).toBe(401)
    expect((await run(['revocations', 'list'])).out).toContain(id)
    expect((await run(['revocations', 'lift', id])).code).toBe(0)
    expect(await duo.keyed(key)).toBe(200)
  })

  it('ban clients, and lift that', async () => {
    expect((await run(['bans', 'add', '198.51.100.0/24', '--for', '1h'])).code).toBe(0)
    expect((await run(['bans', 'list'])).out).toContain('198.51.100.0/24')
    expect((await run(['bans', 'lift', '198.51.100.0/24'])).code).toBe(0)
  })

  it('import five thousand digests, a thousand at a time, and the same again changes nothing', {
    timeout: 120_000,
  }, async () => {
    const { duo, desk } = started()
    const keys = Array.from({ length: 5000 }, (_, index) => `ak_live_${hex(`key ${index}`).slice(0, 32)}`)
    const lines = keys.map((key, index) =>
      JSON.stringify({ owner: `owner-${index}`, digest: `sha256:${hex(key)}`, roles: ['user'] }),
    )
    desk.file('keys.jsonl', `${lines.join('\n')}\n`)
    const first = await run(['keys', 'import', 'keys.jsonl'])
    expect([first.code, first.out]).toEqual([0, '5000 records: 5000 new, 0 known before\n'])
    const again = await run(['keys', 'import', 'keys.jsonl'])
    expect(again.out).toBe('5000 records: 0 new, 5000 known before\n')
    for (const at of [0, 2500, 4999]) expect(await duo.keyed(keys[at] ?? '')).toBe(200)
  })

  it('import in smaller batches where a Worker may not work that long, and skip what came in larger ones', async () => {
    const { duo, desk } = started()
    const line = (text: string) => JSON.stringify({ owner: text, digest: `sha256:${hex(`ak_live_${text}`)}` })
    const lines = Array.from({ length: 7 }, (_, index) => line(hex(`small ${index}`).slice(0, 32)))
    desk.file('small.jsonl', lines.join('\n'))
    const before = duo.workerd.events('admin').length
    const { code, out } = await run(['keys', 'import', 'small.jsonl', '--batch', '3'])
    expect([code, out]).toEqual([0, '7 records: 7 new, 0 known before\n'])
    await duo.workerd.heard('admin', before + 3)
    const acts = duo.workerd.events('admin').slice(before)
    expect(acts.map(({ target }) => target)).toEqual(['3 keys', '3 keys', '1 keys'])
    const again = await run(['keys', 'import', 'small.jsonl'])
    expect(again.out).toBe('7 records: 0 new, 7 known before\n')
    for (const batch of ['0', '1001', '-1', 'many', ''])
      expect(await run(['keys', 'import', 'small.jsonl', '--batch', batch])).toMatchObject({
        code: 2,
        err: expect.stringContaining('is not a number from 1 to 1000'),
      })
  })

  it('say what a refusal says, and end with its code', async () => {
    const { code, err } = await run(['keys', 'create', '--owner', 'bot', '--roles', 'usr'])
    expect([code, err]).toEqual([2, expect.stringContaining('did you mean `user`?')])
  })
})

describe('postern compile', () => {
  it('names the secrets of the admin Worker, which are fewer, where the policy has tokens', async () => {
    const desk = deskOf('memory')
    const put = (name: string, option = '') => `  npx wrangler secret put ${name}${option}\n`
    const all = `the Worker needs these secrets:\n${['ISSUER_SECRET', 'PEPPER', 'PROXY_SECRET'].map((name) => put(name)).join('')}`
    try {
      desk.file('with.yaml', policyOf(TOKENS))
      desk.file('without.yaml', policyOf())
      const admin = `the admin Worker needs these secrets:\n${put('PEPPER', ' --config wrangler-admin.toml')}`
      expect((await desk.run(['compile', 'with.yaml'])).out).toMatch(new RegExp(`\\n${all}${admin}$`))
      expect((await desk.run(['compile', 'without.yaml'])).out).toMatch(new RegExp(`\\n${all}$`))
    } finally {
      desk.end()
    }
  })
})

describe('commands on the store of a policy', () => {
  it.each([
    [
      'names Durable Objects',
      'store: durableObject',
      /^The store of worker\.yaml is durableObject, which Workers alone/,
    ],
    [
      'has a gateway, and with it Durable Objects',
      'gateway: { binding: ORIGIN }',
      /^worker\.yaml is for Workers/,
    ],
    [
      'has a shield, and with it Durable Objects',
      'shield: { binding: SHIELD }',
      /^worker\.yaml is for Workers/,
    ],
  ])('say that they need the address of the admin Worker when it %s', async (_, section, why) => {
    const desk = deskOf('memory', { PROXY_SECRET: hex('proxy'), ISSUER_SECRET: hex('issuer') })
    try {
      desk.file('worker.yaml', policyOf(TOKENS, section))
      for (const args of [
        ['keys', 'list'],
        ['bans', 'list'],
        ['revocations', 'list'],
        ['keys', 'peppers', 'list'],
      ]) {
        const { code, out, err } = await desk.run([...args, '--policy', 'worker.yaml'])
        expect([code, out]).toEqual([1, ''])
        expect(err).toMatch(why)
        expect(err).toMatch(/ask the admin Worker with --admin URL, its token in POSTERN_ADMIN_TOKEN\n$/)
      }
      expect(existsSync(join(desk.folder, 'postern.db'))).toBe(false)
    } finally {
      desk.end()
    }
  })

  it('say that they begin a new store when the policy names none, since that of a Worker is elsewhere', async () => {
    const desk = deskOf('memory', { PROXY_SECRET: hex('proxy'), ISSUER_SECRET: hex('issuer') })
    try {
      desk.file('plain.yaml', policyOf())
      const [first, second] = [
        await desk.run(['keys', 'list', '--policy', 'plain.yaml']),
        await desk.run(['keys', 'list', '--policy', 'plain.yaml']),
      ]
      expect([first.code, first.err]).toEqual([
        0,
        expect.stringMatching(/^plain\.yaml names no store: .*--admin URL/),
      ])
      expect([second.code, second.err]).toEqual([0, ''])
    } finally {
      desk.end()
    }
  })
})

const hex = (text: string): string => createHash('sha256').update(text).digest('hex')
