/** Attacks on the service as a whole that are no single request. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fieldsOf, serviceOf } from '../support/service.ts'
import { titled } from './attack.ts'
import { attack } from './catalogue.ts'
import { bearer, claims, hmac, KEYS, key } from './forge.ts'
import { POLICY, proxiesWith, VARIABLES } from './stage.ts'

const named = (id: string, says: string) => titled(attack(id), says)
const policy = JSON.stringify({ ...POLICY, proxies: proxiesWith({ peers: ['127.0.0.1/32'] }) })
const service = () => serviceOf(policy, { variables: VARIABLES })

it(named('X01', 'a perfect check from another address is refused before it is read'), async () => {
  const one = service()
  const lines = [
    ...fieldsOf({ target: '/public/x' }, 'traefik'),
    ['X-Auth-User', 'root'] as const,
    key(KEYS.bot),
  ]
  expect((await one.check('traefik', lines)).status).toBe(200)
  for (const peer of ['10.0.0.9', '127.0.0.2', '::1', '::ffff:10.0.0.9', '203.0.113.9']) {
    const { status, headers, reason, line } = await one.check('traefik', lines, peer)
    expect([status, reason]).toEqual([403, 'proxy_untrusted'])
    expect([...headers.keys()].filter((name) => name.startsWith('x-auth'))).toEqual([])
    expect(JSON.parse(line)).toMatchObject({ path: null, host: null, principal: null })
  }
})

it(named('X03', 'whatever stands where a credential belongs is 401'), async () => {
  const one = service()
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^[A-Za-z0-9_.=-]{0,80}$/),
    fc
      .array(
        fc.constantFrom(
          '.',
          'e30',
          'eyJhbGciOiJub25lIn0',
          '{}',
          'null',
          '"',
          ' ',
          '\0',
          'ak_',
          'A'.repeat(32),
        ),
        { maxLength: 6 },
      )
      .map((parts) => parts.join('')),
  )
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom('Authorization', 'X-API-Key'), async (value, name) => {
      const { trueStatus } = await one.ask({
        target: '/docs/x',
        headers: [[name, name === 'Authorization' ? `Bearer ${value}` : value]],
      })
      expect([400, 401]).toContain(trueStatus)
      if (!value.includes(',')) expect(trueStatus).toBe(401)
    }),
    { numRuns: 1500 },
  )
  expect((await one.ask({ target: '/docs/x', headers: [key(KEYS.bot)] })).trueStatus).toBe(200)
})

it(named('X03', 'a throw while deciding is 503, told to nobody but the record'), async () => {
  for (const fails of [
    () => {
      throw new Error('inner detail')
    },
    () => Promise.reject(new RangeError('inner detail')),
    () => {
      throw 'inner detail'
    },
  ]) {
    const broken = serviceOf(policy, { variables: VARIABLES, decide: fails as never })
    for (const proxy of ['traefik', 'nginx'] as const) {
      const { trueStatus, body, line, headers } = await broken.ask({ target: '/public/x' }, proxy)
      expect(trueStatus).toBe(503)
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect([...headers.keys()].filter((name) => name.startsWith('x-auth'))).toEqual([])
      expect(body + JSON.stringify([...headers])).not.toContain('inner detail')
      expect(line).toContain('inner detail')
    }
  }
})

it(named('X06', 'every record is one line of printable ASCII, of bounded length'), async () => {
  const one = service()
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\r\n{"verdict":"allow"}',
      '\u001b]0;x\u0007',
      '\u202e\u2066',
      '","x":"',
      '\u2028',
      'x'.repeat(100_000),
      '\\u000a',
      '\0',
    ),
  )
  await fc.assert(
    fc.asyncProperty(anything, anything, async (text, other) => {
      const token = hmac(claims({ sub: text || 'x', org: other, email: text }), { alg: 'HS256', kid: other })
      const { line } = await one.ask({
        target: `/docs/${text}`,
        host: other.length > 300 ? 'app.example.com' : other,
        headers: [bearer(token), ['User-Agent', text], ['Traceparent', other], ['X-Request-Id', text]],
      })
      expect(line).toMatch(/^\{[\x20-\x7e]*\}\n?$/)
      expect(line.length).toBeLessThan(6000)
      expect(typeof JSON.parse(line)).toBe('object')
    }),
    { numRuns: 500 },
  )
})
