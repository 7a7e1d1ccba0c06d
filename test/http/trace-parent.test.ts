import { expect, it } from 'vitest'
import { traceIdOf } from '../../src/http/trace-parent.ts'
import { headerLines } from '../proxies/conformance.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'
const read = (...lines: string[]) =>
  traceIdOf(headerLines(lines.map((line) => ['traceparent', line] as const)))

it('continues a trace that is written as the standard says', () => {
  expect(read(`00-${trace}-${parent}-01`)).toBe(trace)
  expect(read(`00-${trace}-${parent}-00`)).toBe(trace)
})
it('reads what later versions have in common with version 00', () => {
  expect(read(`cc-${trace}-${parent}-01`)).toBe(trace)
  expect(read(`cc-${trace}-${parent}-01-more`)).toBe(trace)
})
it.each([
  ['none', []],
  ['two', [`00-${trace}-${parent}-01`, `00-${trace}-${parent}-01`]],
  ['capitals', [`00-${trace.toUpperCase()}-${parent}-01`]],
  ['zero trace', [`00-${'0'.repeat(32)}-${parent}-01`]],
  ['zero parent', [`00-${trace}-${'0'.repeat(16)}-01`]],
  ['version ff', [`ff-${trace}-${parent}-01`]],
  ['more after version 00', [`00-${trace}-${parent}-01-x`]],
  ['too short', [`00-${trace}-${parent}`]],
  ['a line feed', [`00-${trace}-${parent}-01\n`]],
  ['a megabyte', [`cc-${trace}-${parent}-01-${'x'.repeat(1_000_000)}`]],
])('takes no trace from %s', (_what, lines) => {
  expect(read(...lines)).toBeNull()
})
