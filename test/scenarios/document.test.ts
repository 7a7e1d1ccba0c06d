import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { documentOf, versionsIn } from './document.ts'

const read = (): string => readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')

describe('docs/conformance.md', () => {
  it('has exactly the rows, columns and differences of the suite: else run `npm run conformance`', () => {
    const text = read()
    expect(text).toBe(documentOf(versionsIn(text)))
  })

  it('names the versions of every column', () => {
    expect(Object.entries(versionsIn(read())).filter(([, version]) => !/\d/.test(version))).toEqual([])
  })
})
