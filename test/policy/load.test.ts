import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadPolicy } from '../../src/policy/load.ts'
import { environmentOf, policyOf, strong } from '../support/policy.ts'

const environment = environmentOf({
  POSTERN_SECRET: strong('proxy'),
  JWT_SECRET: strong('jwt'),
  API_KEY_PEPPER: strong('pepper'),
})
const full = readFileSync(new URL('../../examples/full.yaml', import.meta.url), 'utf8')

describe('loading a policy', () => {
  it('reads the example that shows every section', () => {
    expect(Object.keys(policyOf(full, environment).routes).length).toBeGreaterThan(3)
  })

  it('reads what a person writes as what the program counts with', () => {
    const { limits } = policyOf(
      `proxies: { nginx: { peers: [10.0.0.1] } }
limits: { a: { by: client, rate: 300/minute }, b: { by: [tenant, route], rate: 100/10m, burst: 7, ipv6: 56 } }
routes: { r: { match: { host: App.Example.COM., path: / }, credentials: [anonymous] } }`,
    )
    expect(limits['a']).toEqual({
      by: ['client'],
      rate: { count: 300, window: 60_000_000 },
      ipv6: 64,
      onOutage: 'local',
    })
    expect(limits['b']).toEqual({
      by: ['tenant', 'route'],
      rate: { count: 100, window: 600_000_000 },
      burst: 7,
      ipv6: 56,
      onOutage: 'local',
    })
  })

  it('never throws and never shows a secret, whatever the text holds', () => {
    const values = [strong('proxy'), strong('jwt'), strong('pepper')]
    const lines = full.split('\n')
    const broken = fc
      .array(
        fc.record({
          at: fc.nat(lines.length - 1),
          how: fc.constantFrom('drop', 'double', 'cut', 'null', 'number', 'junk'),
          junk: fc.string({ maxLength: 8 }),
        }),
        { minLength: 1, maxLength: 4 },
      )
      .map((edits) => {
        const text = [...lines]
        for (const { at, how, junk } of edits) {
          const line = text[at] ?? ''
          const key = /^(\s*[\w-]+:)/.exec(line)?.[1] ?? '- '
          text[at] = {
            drop: '',
            double: `${line}\n${line}`,
            cut: line.slice(0, line.length / 2),
            null: `${key} null`,
            number: `${key} 5`,
            junk: line + junk,
          }[how]
        }
        return text.join('\n')
      })
    fc.assert(
      fc.property(fc.oneof(fc.string(), broken), (text) => {
        const loaded = loadPolicy(text, { environment, file: 'p' })
        if (loaded.ok) return
        expect(loaded.problems.length).toBeGreaterThan(0)
        for (const { message, path, line, column } of loaded.problems) {
          for (const value of values) expect(message + path).not.toContain(value)
          expect(message).not.toMatch(/Invalid input|undefined|\[object/)
          expect(line).toBeGreaterThan(0)
          expect(column).toBeGreaterThan(0)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('does not let a policy reach the prototype of anything', () => {
    loadPolicy('__proto__: { polluted: 1 }\nroles: { __proto__: { polluted: 1 } }', {
      environment,
      file: 'p',
    })
    loadPolicy('{"constructor": {"prototype": {"polluted": 1}}}', { environment, file: 'p' })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  it('keeps a secret out of everything that prints a policy', () => {
    const policy = policyOf(full, environment)
    expect(JSON.stringify(policy)).not.toContain(strong('pepper'))
    expect(`${JSON.stringify(policy)}`).toContain('${API_KEY_PEPPER}')
  })
})
