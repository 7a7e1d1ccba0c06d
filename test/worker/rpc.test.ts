/** Another Worker that asks Postern through a service binding, both in one real workerd. */
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { strong } from '../support/policy.ts'
import { startWorkerd, type Workerd } from './support/workerd.ts'

const SECRET = strong('jwt')

const POLICY = `
store: memory
issuers:
  company: { issuer: https://login.example.com, audience: [app], keys: { secret: "\${JWT_SECRET}" }, algorithms: [HS256], claims: { roles: roles } }
roles: { reader: { permissions: ["docs:read"] } }
limits: { few: { by: principal, rate: 2/hour } }
routes:
  public: { match: { host: shop.example.com, path: /public/** }, credentials: [anonymous] }
  docs: { match: { path: /docs/** }, credentials: [jwt:company], require: { roles: [reader] }, limits: [few] }
  inside: { match: { path: /inside/** }, networks: { allow: [10.0.0.0/8] }, credentials: [anonymous] }
  home: { match: { path: /home/** }, countries: { allow: [DE] }, credentials: [anonymous] }
`

/** Does what docs/cloudflare.md tells, and for \`/raw\` asks whatever the body says. */
const ASKING = `
import { questionOf } from './src/worker/question.ts'
export default {
  async fetch(request, env) {
    const url = new URL(request.url)
    const question = url.pathname === '/raw' ? await request.json() : questionOf(request)
    const answer = await env.POSTERN.check(question)
    if (!answer.allowed) return answer.response
    return Response.json(answer)
  },
}
`

let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd([
    { name: 'postern', entry: 'src/worker.ts', policy: POLICY, variables: { JWT_SECRET: SECRET } },
    {
      name: 'asking',
      entry: { text: ASKING },
      bindings: { serviceBindings: { POSTERN: { name: 'postern', entrypoint: 'Postern' } } },
    },
    { name: 'unready', entry: 'src/worker.ts', policy: POLICY },
    {
      name: 'asking-unready',
      entry: { text: ASKING },
      bindings: { serviceBindings: { POSTERN: { name: 'unready', entrypoint: 'Postern' } } },
    },
  ])
})
afterAll(() => workerd?.stop())

const token = (sub: string) =>
  new SignJWT({ roles: ['reader'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://login.example.com')
    .setAudience('app')
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(SECRET))

const ask = (target: string, headers: Record<string, string> = {}, worker = 'asking') =>
  fetch(`${workerd.url(worker)}${target}`, { headers: { 'cf-connecting-ip': '203.0.113.9', ...headers } })

const askRaw = (question: unknown) =>
  fetch(`${workerd.url('asking')}/raw`, { method: 'POST', body: JSON.stringify(question) })

const QUESTION = {
  method: 'GET',
  url: 'https://shop.example.com/public/x',
  headers: [],
  client: '203.0.113.9',
}

describe('a Worker that asks through a service binding', () => {
  it('learns who the client is, and what is left of its quota', async () => {
    const answer = await ask('/docs/x', { authorization: `Bearer ${await token('alice')}` })
    expect(await answer.json()).toEqual({
      allowed: true,
      identity: {
        'X-Auth-User': 'alice',
        'X-Auth-Email': '',
        'X-Auth-Roles': 'reader',
        'X-Auth-Permissions': 'docs:read',
        'X-Auth-Tenant': '',
        'X-Auth-Method': 'jwt:company',
      },
      quota: { RateLimit: expect.stringMatching(/^"few";r=1;/), 'RateLimit-Policy': '"few";q=2;w=3600' },
    })
  })

  it('gets the answer that its client should get', async () => {
    const missing = await ask('/docs/x')
    expect(missing.status).toBe(401)
    expect(missing.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(await missing.json()).toMatchObject({ reason: 'credential_missing', status: 401 })
    const bearer = { authorization: `Bearer ${await token('bob')}` }
    expect((await ask('/docs/x', bearer)).status).toBe(200)
    expect((await ask('/docs/x', bearer)).status).toBe(200)
    const spent = await ask('/docs/x', bearer)
    expect(spent.status).toBe(429)
    expect(spent.headers.get('retry-after')).toMatch(/^\d+$/)
  })

  it('is believed in where its client is', async () => {
    expect((await ask('/inside/x')).status).toBe(403)
    expect((await ask('/inside/x', { 'cf-connecting-ip': '10.1.2.3' })).status).toBe(200)
    expect((await askRaw({ ...QUESTION, url: 'https://a.example.com/home/x', country: 'DE' })).status).toBe(
      200,
    )
    expect((await askRaw({ ...QUESTION, url: 'https://a.example.com/home/x', country: 'XX' })).status).toBe(
      403,
    )
    expect((await askRaw({ ...QUESTION, url: 'https://a.example.com/home/x' })).status).toBe(403)
  })

  it('asks about the path as it stands, so that nothing resolves it first', async () => {
    expect((await askRaw(QUESTION)).status).toBe(200)
    const climbing = await askRaw({ ...QUESTION, url: 'https://shop.example.com/public/../docs/x' })
    expect(climbing.status).toBe(400)
    expect((await askRaw({ ...QUESTION, url: 'https://shop.example.com/public%2f..%2fdocs' })).status).toBe(
      400,
    )
    expect((await askRaw({ ...QUESTION, url: 'https://other.example.com/public/x' })).status).toBe(403)
  })

  it.each([
    ['nothing', null],
    ['a text', 'GET /'],
    ['no client', { ...QUESTION, client: undefined }],
    ['two clients', { ...QUESTION, client: '203.0.113.9, 10.0.0.1' }],
    ['no method', { ...QUESTION, method: 7 }],
    ['a relative URL', { ...QUESTION, url: '/public/x' }],
    ['headers that are none', { ...QUESTION, headers: { a: 'b' } }],
    ['a header without a value', { ...QUESTION, headers: [['a']] }],
    ['an odd host', { ...QUESTION, url: 'https://u@shop.example.com/public/x' }],
  ])('is refused when it asks about %s', async (_, question) => {
    const answer = await askRaw(question)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ reason: 'request_malformed' })
  })

  it('a credential that stands there twice is refused, since its lines arrive as lines', async () => {
    const answer = await askRaw({
      ...QUESTION,
      url: 'https://shop.example.com/docs/x',
      headers: [
        ['Authorization', 'Bearer a'],
        ['authorization', 'Bearer b'],
      ],
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ reason: 'credential_repeated' })
  })

  it('leaves one record of each question, in which the asker is named', async () => {
    await askRaw({ ...QUESTION, url: 'https://shop.example.com/public/once' })
    const lines = (await workerd.heard('decision')).filter(({ path }) => path === '/public/once')
    expect(lines).toEqual([
      expect.objectContaining({ verdict: 'allow', proxy: 'rpc', client: '203.0.113.9' }),
    ])
  })

  it('is told that nothing can be decided when a secret is missing', async () => {
    const answer = await ask('/public/x', {}, 'asking-unready')
    expect(answer.status).toBe(503)
    const [line] = await workerd.heard('policy_refused')
    expect(line.problems).toEqual([expect.stringContaining('refers to JWT_SECRET, which is not bound')])
  })
})
