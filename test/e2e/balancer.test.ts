/** The documented variant of each configuration for a balancer or CDN in front; here the test is the balancer. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Stand, startStand, throughEachProxy } from './stand.ts'
import { exchange, header, type Line, requestBytes } from './wire.ts'

const policy = {
  trustedHops: ['127.0.0.0/8'],
  routes: {
    public: { match: { path: '/public/**' }, credentials: ['anonymous'] },
    docs: { match: { path: '/docs/**' }, credentials: ['jwt:company'] },
    notes: { match: { path: '/notes/**', methods: ['GET'] }, credentials: ['anonymous'] },
    inside: {
      match: { path: '/inside/**' },
      networks: { allow: ['198.51.100.0/24'] },
      credentials: ['anonymous'],
    },
    elsewhere: { match: { host: 'open.example.com', path: '/**' }, credentials: ['anonymous'] },
  },
}

await throughEachProxy((kind) => {
  let stand: Stand
  beforeAll(async () => {
    stand = await startStand(kind, { policy, balancer: '127.0.0.0/8' })
  })
  afterAll(() => stand?.stop())

  const status = async (target: string, ...headers: Line[]) =>
    (await exchange(stand.port, requestBytes(target, { headers })))?.status

  const client = (chain: string): Line => ['X-Forwarded-For', chain]

  it('the client is the one that the balancer names', async () => {
    expect(await status('/inside/a', client('198.51.100.7')), stand.output()).toBe(200)
    expect(await status('/inside/a', client('203.0.113.9'))).toBe(403)
  })

  it('what a client had put before that name does not count', async () => {
    expect(await status('/inside/a', client('198.51.100.7, 203.0.113.9'))).toBe(403)
    expect(await status('/inside/a', client('203.0.113.9, 198.51.100.7'))).toBe(200)
  })

  it('whoever comes from outside its range is a client, whatever it says', async () => {
    const outside = await startStand(kind, { policy, balancer: '10.0.0.0/8' })
    try {
      for (const chain of ['198.51.100.7', '198.51.100.7, 10.0.0.1']) {
        const answer = await exchange(outside.port, requestBytes('/inside/a', { headers: [client(chain)] }))
        expect(answer?.status, `${chain}\n${outside.output()}`).toBe(403)
      }
    } finally {
      await outside.stop()
    }
  })

  it('the upstream is told the client and the scheme of the balancer', async () => {
    await status('/public/a', client('198.51.100.7'), ['X-Forwarded-Proto', 'https'])
    const lines = stand.upstream.received.at(-1)?.lines ?? []
    expect(header(lines, 'X-Forwarded-For')).toMatch(/^198\.51\.100\.7(?:$|,)/)
    expect(header(lines, 'X-Forwarded-Proto')).toBe('https')
  })

  it('a client behind the balancer still chooses neither path nor method nor host', async () => {
    const address = client('203.0.113.9')
    const before = stand.upstream.received.length
    expect(await status('/docs/a', address, ['X-Forwarded-Uri', '/public/a'])).toBe(401)
    expect(await status('/docs/a', address, ['X-Forwarded-Host', 'open.example.com'])).toBe(401)
    expect(await status('/docs/a', address, ['X-Forwarded-Prefix', '/public'])).toBe(401)
    const posted = requestBytes('/notes/1', {
      method: 'POST',
      headers: [address, ['X-Forwarded-Method', 'GET']],
    })
    expect((await exchange(stand.port, posted))?.status).toBe(403)
    expect(stand.upstream.received.slice(before)).toEqual([])
  })
})
