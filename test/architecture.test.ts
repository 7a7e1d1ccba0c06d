import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { violations } from '../scripts/architecture.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-house-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function violationsOf(file: string, text: string): string[] {
  mkdirSync(dirname(join(folder, file)), { recursive: true })
  writeFileSync(join(folder, file), text)
  return violations(folder)
}

describe('the house', () => {
  it('is built as the rule says', () => expect(violations()).toEqual([]))

  it.each([
    ['a package in the core', 'core/a.ts', "import * as z from 'zod'"],
    ['node in the core', 'core/a.ts', "import { readFileSync } from 'node:fs'"],
    ['another room in the core', 'core/a.ts', "import type { Policy } from '../policy/schema.ts'"],
    ['a re-export in the core', 'core/a.ts', "export * from '../schema/secret.ts'"],
    ['a late import in the core', 'core/a.ts', "const x = await import('../schema/secret.ts')"],
    ['a clock in the core', 'core/a.ts', 'export const now = () => Date.now()'],
    ['the process in the core', 'core/a.ts', 'export const home = process.env.HOME'],
    ['a way up', 'schema/a.ts', "import { loadPolicy } from '../policy/load.ts'"],
    ['http in the policy', 'policy/a.ts', "import { createApp } from '../http/app.ts'"],
    ['a sibling', 'credentials/a.ts', "import { jwt } from './jwt.ts'"],
    ["a sibling's part", 'credentials/a/b.ts', "import { readPem } from '../jwt/pem.ts'"],
    ['an import over several lines', 'stores/a.ts', "import {\n  memory,\n} from './memory.ts'"],
  ])('does not stand with %s', (_, file, text) => {
    expect(violationsOf(file, text)).toEqual([expect.stringMatching(`^src/${file}: `)])
  })

  it.each([
    ['its own part', 'credentials/jwt.ts', "import { readPem } from './jwt/pem.ts'"],
    ['the contract', 'credentials/jwt.ts', "import type { Outside } from './contract.ts'"],
    ['a word about the clock', 'core/a.ts', '// Date.now() would be a guess\nexport const a = 1'],
    ['the registry', 'credentials/index.ts', "import { jwt } from './jwt.ts'"],
  ])('stands with %s', (_, file, text) => expect(violationsOf(file, text)).toEqual([]))
})
