import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { policyOf } from '../../src/policy/artefact.ts'
import { strong } from '../support/policy.ts'
import { type Desk, deskOf } from './support.ts'

const SECRET = strong('proxy')
const policy = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    proxies: { traefik: { secret: '${PROXY_SECRET}' }, caddy: { secret: '${PROXY_SECRET}' } },
    issuers: {
      company: {
        issuer: 'https://login.example.com',
        audience: ['app'],
        keys: { secret: '${JWT_SECRET}' },
        algorithms: ['HS256'],
      },
    },
    routes: { a: { match: { path: '/a' }, credentials: ['jwt:company'] } },
    ...more,
  })

let desk: Desk
beforeEach(() => {
  desk = deskOf('memory', { PROXY_SECRET: SECRET })
})
afterEach(() => desk.end())

/** A policy with many routes. */
const routes = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `r${at}`,
      {
        match: { path: `/service-${at}/:id/**` },
        credentials: ['anonymous'],
        networks: { allow: ['10.0.0.0/8'] },
      },
    ]),
  )

describe('postern compile', () => {
  it('writes what a Worker reads, secrets by name alone, and says which ones it needs', async () => {
    desk.file('worker.yaml', policy())
    const { code, out, err } = await desk.run(['compile', 'worker.yaml', '--out', 'worker.json'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^worker\.yaml: no problems\nwrote worker\.json \(\d\.\d KiB compressed\)\n/)
    expect(out).toContain(
      'the Worker needs these secrets:\n  npx wrangler secret put JWT_SECRET\n  npx wrangler secret put PROXY_SECRET\n',
    )
    const text = readFileSync(join(desk.folder, 'worker.json'), 'utf8')
    expect(text).not.toContain(SECRET)
    expect(policyOf(JSON.parse(text)).ok).toBe(true)
  })

  it.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['a store that is a file', { store: { sqlite: './postern.db' } }, /store.*/],
    ['a store behind a socket', { store: { redis: { url: 'redis://127.0.0.1' } } }, /store.*/],
    [
      'a secret in a file',
      { proxies: { traefik: { secret: { file: '/run/secret' } } } },
      /proxies\.traefik\.secret.*/,
    ],
    [
      'a proxy that proves itself by its address alone',
      { proxies: { traefik: { peers: ['10.0.0.0/8'] } } },
      /proxies\.traefik.*a Worker/,
    ],
    ['a field that is none', { routez: {} }, /routez/],
  ])('refuses %s, and writes nothing', async (_, more, says) => {
    desk.file('worker.yaml', policy(more))
    const { code, err } = await desk.run(['compile', 'worker.yaml', '--out', 'worker.json'])
    expect(code).toBe(1)
    expect(err).toMatch(says)
    expect(() => readFileSync(join(desk.folder, 'worker.json'))).toThrow('ENOENT')
  })

  it('says why a Worker with 10,000 routes starts slowly, and nothing of one with ten', async () => {
    desk.file('many.yaml', policy({ routes: routes(10_000) }))
    desk.file('few.yaml', policy({ routes: routes(10) }))
    const many = await desk.run(['compile', 'many.yaml', '--out', 'many.json'])
    expect(many.code).toBe(0)
    expect(many.err).toMatch(
      /^warning: a Worker would take about \d+ ms of processor time to start with this policy, more than 50: it has to compile 10000 routes, 10000 networks before its first answer\. /,
    )
    expect((await desk.run(['compile', 'few.yaml', '--out', 'few.json'])).err).toBe('')
  })

  it('says which file it could not write', async () => {
    desk.file('worker.yaml', policy())
    const { code, err } = await desk.run(['compile', 'worker.yaml', '--out', 'nowhere/worker.json'])
    expect(code).toBe(1)
    expect(err).toBe('nowhere/worker.json cannot be written (ENOENT): name a file in a folder that exists\n')
  })
})
