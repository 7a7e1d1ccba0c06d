/** `npm run generate` writes what derives from the source; with `--check` it only says what has drifted, and exits 1. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { policyJsonSchema, policyReference, reasonReference } from '../src/policy/reference.ts'
import { attackReference } from './attacks.ts'
import { hardeningPage } from './hardening.ts'
import { withTables } from './operations.ts'
import { PAGE, withPackages } from './supply-chain.ts'

const root = join(import.meta.dirname, '..')
const [lock, manifest] = ['package-lock.json', 'package.json'].map((file) =>
  JSON.parse(readFileSync(join(root, file), 'utf8')),
)
const FILES: Readonly<Record<string, () => string>> = {
  'postern.schema.json': () => `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
  'docs/policy.md': policyReference,
  'docs/reasons.md': reasonReference,
  'docs/security/hardening.md': hardeningPage,
  'docs/security/attacks.md': attackReference,
  [PAGE]: () => withPackages(readFileSync(join(root, PAGE), 'utf8'), lock, manifest),
  'docs/operations.md': () => withTables(readFileSync(join(root, 'docs/operations.md'), 'utf8')),
}

const check = process.argv.includes('--check')
for (const [file, make] of Object.entries(FILES)) {
  const path = join(root, file)
  const text = make()
  const same = existsSync(path) && readFileSync(path, 'utf8') === text
  if (same) continue
  if (check) {
    console.error(`${file} is not what the source says: run \`npm run generate\``)
    process.exitCode = 1
  } else {
    writeFileSync(path, text)
    console.log(`wrote ${file}`)
  }
}
