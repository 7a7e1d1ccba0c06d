import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { STARTER } from '../../src/cli/init.ts'
import { REASONS } from '../../src/core/reasons.ts'
import { policyJsonSchema, policyReference, reasonReference } from '../../src/policy/reference.ts'

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** Every schema below `schema`, with where it stands. */
function* schemasIn(schema: unknown, at = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof schema !== 'object' || schema === null) return
  if (!Array.isArray(schema)) yield [at, schema as Record<string, unknown>]
  for (const [key, value] of Object.entries(schema)) yield* schemasIn(value, `${at}/${key}`)
}

describe('what derives from the schema', () => {
  it('is what stands in the repository', () => {
    expect(read('postern.schema.json')).toBe(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`)
    expect(read('docs/policy.md')).toBe(policyReference())
    expect(read('docs/reasons.md')).toBe(reasonReference())
  })

  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(policyJsonSchema())

  it.each([
    ['the starter', STARTER],
    ['the quickstart', read('examples/quickstart.yaml')],
    ['the full example', read('examples/full.yaml')],
  ])('finds nothing wrong with %s', (_, text) => {
    validate(parse(text))
    expect(validate.errors).toBeNull()
  })

  it('closes every mapping, so that an editor marks a mistyped field', () => {
    const open = [...schemasIn(policyJsonSchema())]
      .filter(([, schema]) => schema['type'] === 'object' && schema['properties'] !== undefined)
      .filter(([, schema]) => schema['additionalProperties'] !== false)
    expect(open.map(([at]) => at)).toEqual([])
  })

  it('has a meaning for every field', () => {
    const rows = policyReference()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(rows.length).toBeGreaterThan(60)
    expect(rows.filter((row) => / \| *\|$/.test(row))).toEqual([])
  })

  it('has a line for every reason', () => {
    for (const code of Object.keys(REASONS)) expect(reasonReference()).toContain(`<a id="${code}"></a>`)
  })
})
