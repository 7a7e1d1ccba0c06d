import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Service, serviceOf } from '../support/service.ts'

const ISSUER = 'https://login.example'
const POLICY = `
proxies: { traefik: { peers: [127.0.0.1/32] } }
issuers:
  main:
    issuer: "${ISSUER}"
    audience: app
    algorithms: [ES256]
    keys: { jwks: "${ISSUER}/keys" }
    claims: { roles: roles, tenant: org }
roles: { user: { permissions: ["mail:read"] }, guest: { permissions: ["wiki:read"] } }
limits: { each: { by: principal, rate: 100/hour } }
routes:
  all: { match: { path: /** }, credentials: ["jwt:main"], require: { permissions: ["mail:read"] }, limits: [each] }
`

let token = ''
let keys = ''
let asked = 0
let service: Service

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  keys = JSON.stringify({ keys: [await exportJWK(publicKey)] })
  token = await new SignJWT({ roles: ['user', 'guest'], org: 'acme', team: 'blue' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(ISSUER)
    .setAudience('app')
    .setSubject('ann')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
})

const ask = () => service.ask({ headers: [['Authorization', `Bearer ${token}`]] })

/** The policy with something in it written otherwise. */
function changed(from: string, to: string): string {
  expect(POLICY).toContain(from)
  return POLICY.replace(from, to)
}

describe('a token that passed again and again before a reload', () => {
  beforeEach(async () => {
    asked = 0
    const fetchText = async () => {
      asked++
      return keys
    }
    service = serviceOf(POLICY, { outside: { fetchText } })
    for (let time = 0; time < 3; time++) expect((await ask()).status).toBe(200)
    expect(asked).toBe(1)
  })

  it.each([
    ['its audience', 'audience: app', 'audience: other', 401],
    ['its algorithm', 'algorithms: [ES256]', 'algorithms: [RS256]', 401],
    ['its issuer', `issuer: "${ISSUER}"`, 'issuer: "https://elsewhere.example"', 401],
    ['the claim of its roles', 'roles: roles', 'roles: groups', 403],
    ['what its role may do', '"mail:read"] }, guest', '"mail:list"] }, guest', 403],
    ['what the route demands', 'require: { permissions: ["mail:read"] }', 'require: { roles: [admin] }', 403],
  ])('is judged by the new policy when that says otherwise of %s', async (_, from, to, status) => {
    const text = changed(from, to)
    service.reload(to.includes('admin') ? text.replace('roles: { user', 'roles: { admin: {}, user') : text)
    expect((await ask()).trueStatus).toBe(status)
    service.reload(POLICY)
    expect((await ask()).trueStatus).toBe(200)
  })

  it('is told to upstreams and to the record as the new policy has it', async () => {
    const before = await ask()
    expect([before.headers.get('x-auth-roles'), before.headers.get('x-auth-tenant')]).toEqual([
      'guest,user',
      'acme',
    ])
    service.reload(
      `${changed('tenant: org', 'tenant: team')
        .replace(', guest: { permissions: ["wiki:read"] }', '')
        .replaceAll('each', 'every')}
identity: { headers: { roles: X-Groups } }
`,
    )
    const after = await ask()
    expect([after.headers.get('x-groups'), after.headers.get('x-auth-tenant')]).toEqual(['user', 'blue'])
    expect(after.headers.get('x-auth-roles')).toBeNull()
    expect(after.headers.get('ratelimit-policy')).toMatch(/^"every";/)
    expect(JSON.parse(after.line)).toMatchObject({
      principal: { id: 'ann', tenant: 'blue' },
      limits: [{ name: 'every' }],
    })
  })

  it('asks for no keys that were fetched before', async () => {
    service.reload(changed('audience: app', 'audience: [app, other]'))
    expect((await ask()).status).toBe(200)
    expect(asked).toBe(1)
  })
})
