import { describe, expect, it } from 'vitest'
import type { HeaderLines, ProxyAdapter } from '../../src/core/model.ts'

/** A check as a proxy was seen to send it: header lines in order. */
export type RecordedCheck = readonly (readonly [name: string, value: string])[]

/** What an adapter's suite has to bring along. */
export interface ProxyCase {
  readonly adapter: ProxyAdapter
  /** Recorded from the real proxy: a client at 198.51.100.7 asked `POST https://app.example.com/a%2Fb?x=1,2`. */
  readonly recorded: RecordedCheck
  /** The contract's fields, in lower case. */
  readonly fields: {
    /** Those that come once and hold one value. */
    readonly plain: readonly string[]
    /** Where the path stands: it comes once, and may hold a comma. */
    readonly target: string
    /** The chain of addresses, in one line or several; null where the client's address is plain. */
    readonly chain: string | null
  }
  /** Fields of other contracts, which a client could add. */
  readonly foreign: readonly string[]
  /** The statuses that the proxy can relay, by the status we want. */
  readonly relayed: Readonly<Record<number, number>>
}

export function headerLines(lines: RecordedCheck): HeaderLines {
  return {
    lines: (name) => lines.filter(([found]) => found.toLowerCase() === name).map(([, value]) => value),
    names: () => lines.map(([name]) => name),
  }
}

/** The fields of the contracts that begin with X-Forwarded: all but the method and the path. */
const FORWARDED = ['x-forwarded-proto', 'x-forwarded-host']

/** The fields of a contract that differs from others in where the method and the path stand. */
export const forwardedFields = (method: string, target: string): ProxyCase['fields'] => ({
  plain: [method, ...FORWARDED],
  target,
  chain: 'x-forwarded-for',
})

/** What every adapter guarantees. A new one calls this with what its proxy was recorded to send. */
export function proxyConformance({ adapter, recorded, fields, foreign, relayed }: ProxyCase): void {
  const { plain, target, chain } = fields
  const single = [...plain, target]
  const required = [...single, ...(chain === null ? [] : [chain])]
  const without = (field: string): RecordedCheck => recorded.filter(([name]) => name.toLowerCase() !== field)
  const read = (lines: RecordedCheck) => adapter.read(headerLines(lines))
  const spelled = (field: string): string =>
    recorded.find(([name]) => name.toLowerCase() === field)?.[0] ?? 'not recorded'

  describe(`the ${adapter.name} adapter`, () => {
    it('reads a recorded check as it was sent', () => {
      expect(read(recorded)).toEqual({
        ok: true,
        request: {
          proxy: adapter.name,
          method: 'POST',
          scheme: 'https',
          host: 'app.example.com',
          target: '/a%2Fb?x=1,2',
          forwardedFor: '198.51.100.7',
          headers: expect.anything(),
        },
      })
    })

    it.each(required)('refuses a check without %s, and one in which it is empty', (field) => {
      expect(read(without(field))).toEqual({ ok: false, field, problem: 'missing' })
      expect(read([...without(field), [field, '']])).toEqual({ ok: false, field, problem: 'missing' })
    })

    it.each(single)('H10: refuses %s sent twice, in one spelling or two, equal or not', (field) => {
      const [, value = ''] = recorded.find(([name]) => name.toLowerCase() === field) ?? []
      for (const name of [spelled(field), field, field.toUpperCase()]) {
        for (const other of [value, 'evil', '']) {
          expect(read([...recorded, [name, other]])).toEqual({ ok: false, field, problem: 'repeated' })
          expect(read([[name, other], ...recorded])).toEqual({ ok: false, field, problem: 'repeated' })
        }
      }
    })

    it.each(plain)('H10: refuses two values of %s that a runtime has joined', (field) => {
      const joined: RecordedCheck = [...without(field), [field, 'GET, DELETE']]
      expect(read(joined)).toEqual({ ok: false, field, problem: 'repeated' })
    })

    if (chain !== null) {
      it(`joins the lines of ${chain} in order`, () => {
        const lines: RecordedCheck = [
          ...without(chain),
          [spelled(chain), '203.0.113.1, 203.0.113.2'],
          [chain, '198.51.100.7'],
        ]
        expect(read(lines)).toMatchObject({
          ok: true,
          request: { forwardedFor: '203.0.113.1, 203.0.113.2,198.51.100.7' },
        })
      })
    }

    it.each(foreign)('H04: pays no heed to %s, which belongs to another contract', (field) => {
      expect(read([...recorded, [field, '/admin']])).toMatchObject({
        ok: true,
        request: { method: 'POST', target: '/a%2Fb?x=1,2', host: 'app.example.com' },
      })
      expect(read([...without(target), [field, '/a']])).toMatchObject({ ok: false, field: target })
    })

    it('P10: reads no method override', () => {
      const lines: RecordedCheck = [
        ...recorded,
        ['X-HTTP-Method-Override', 'GET'],
        ['X-Method-Override', 'GET'],
      ]
      expect(read(lines)).toMatchObject({ ok: true, request: { method: 'POST' } })
    })

    it('answers with statuses that the proxy relays', () => {
      for (const [wanted, sent] of Object.entries(relayed)) expect(adapter.status(Number(wanted))).toBe(sent)
    })

    it('never turns a denial into something that lets a request pass', () => {
      for (let status = 400; status < 600; status++)
        expect(adapter.status(status)).toBeGreaterThanOrEqual(400)
    })
  })
}
