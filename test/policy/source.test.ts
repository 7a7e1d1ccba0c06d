import { describe, expect, it } from 'vitest'
import { readSource } from '../../src/policy/source.ts'
import { problemsOf } from '../support/policy.ts'

const ROUTES = `proxies: { traefik: { peers: [127.0.0.1/32] } }
routes: { a: { match: { path: /a }, credentials: [anonymous] } }
`

describe('places in a policy', () => {
  const text = `a:
  b: 1
  list:
    - x
    - { c: 2 }
flow: { d: [1, 2] }
nothing:
`
  const source = readSource(text)

  it.each([
    ['a value: where it is written', ['a', 'b'], '2:6'],
    ['a block: at its key', ['a'], '1:1'],
    ['a block list: at its key', ['a', 'list'], '3:3'],
    ['an item', ['a', 'list', 0], '4:7'],
    ['a field of an item', ['a', 'list', 1, 'c'], '5:12'],
    ['a flow mapping: at its brace', ['flow'], '6:7'],
    ['an item of a flow list', ['flow', 'd', 1], '6:16'],
    ['an empty value: at its key', ['nothing'], '7:1'],
    ['a missing field: at what should hold it', ['a', 'z'], '1:1'],
    ['a missing field of a flow mapping', ['flow', 'z', 'y'], '6:7'],
    ['the file', [], '1:1'],
  ])('of %s', (_, path, expected) => {
    const { line, column } = source.positionOf(path)
    expect(`${line}:${column}`).toBe(expected)
  })

  it('do not shift with a byte order mark or with CR LF', () => {
    const crlf = readSource(`\u{feff}${text.replaceAll('\n', '\r\n')}`)
    expect(crlf.positionOf(['a', 'list', 1, 'c'])).toEqual({ line: 5, column: 12 })
  })
})

describe('a text that means more than it shows', () => {
  it.each([
    ['an anchor', 'roles: &r { a: {} }', '3:11 roles: has the anchor &r'],
    ['an alias', 'roles: *r', '3:8 roles: is an alias'],
    ['a merge key', 'roles: { <<: { a: {} } }', '3:10 roles["<<"]: is a merge key'],
    ['a tag', 'store: !!str memory', '3:14 store: has the tag'],
    ['a tag of its own', 'store: !env STORE', '3:13 store: has the tag !env'],
    ['a second document', '---\nroles: {}', '3:1 : starts a second document'],
    ['a key that is a list', 'roles: { [a]: {} }', '3:10 roles[""]: is not a name'],
    ['X07 a role named constructor', 'roles: { constructor: {} }', '3:10 roles.constructor: is not a name'],
    ['X07 a field named prototype', 'prototype: {}', '3:1 prototype: is not a name'],
    [
      'a name that differs in quotes only',
      'roles: { a: {}, "a": {} }',
      '3:17 roles.a: stands here a second time',
    ],
    [
      'a name that differs in notation only',
      'roles: { 1: {}, "1": {} }',
      '3:17 roles.1: stands here a second time',
    ],
  ])('is refused for %s', (_, extra, expected) => {
    expect(problemsOf(`${ROUTES}${extra}\n`)).toEqual([expect.stringContaining(`test.yaml:${expected}`)])
  })

  it('is refused for the rules of YAML 1.1', () => {
    expect(problemsOf(`%YAML 1.1\n---\n${ROUTES}`)).toEqual([expect.stringContaining('%YAML 1.1 directive')])
  })

  it('is refused before an alias bomb can grow', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}, *l${i}]`)
    const problems = problemsOf(`l0: &l0 x\n${levels.join('\n')}\n${ROUTES}`)
    expect(problems.filter((problem) => /is an alias|has the anchor/.test(problem)).length).toBeGreaterThan(
      30,
    )
  })

  it.each([
    ['lists', '['.repeat(5000)],
    ['mappings', '{a: '.repeat(5000)],
    ['keys on one line', `a:\n  key${': e'.repeat(20_000)}\nb: c`],
    ['blocks', Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('is refused when it is nested too deep in %s', (_, text) => {
    expect(problemsOf(text).join('\n')).toContain('is nested deeper than any policy')
  })

  it('is refused beyond 4 MiB', () => {
    expect(problemsOf(`${ROUTES}# ${'x'.repeat(4 * 1024 * 1024)}`)).toEqual([
      'test.yaml:1:1 : is larger than 4 MiB: split what it guards',
    ])
  })

  it.each(['', '# nothing', '---\n', '\n\n'])('is refused when it is empty', (text) => {
    expect(problemsOf(text)).toEqual(['test.yaml:1:1 : is empty: run `postern init` for a start'])
  })
})

describe('a text that breaks off', () => {
  it('is told where, with what is wrong before it and no guess about the rest', () => {
    const text = `listen: { chek: 127.0.0.1:1 }
routes:
  a: { match: { path: b }, credentials: [jwt:later], limits: [later]
issuers:
`
    expect(problemsOf(text)).toEqual([
      'test.yaml:1:11 listen.chek: is not a known field: did you mean `check`?',
      'test.yaml:3:23 routes.a.match.path: does not start with a slash: write /x or /x/**',
      expect.stringMatching(/^test\.yaml:4:1 : is not YAML: /),
    ])
  })
})
