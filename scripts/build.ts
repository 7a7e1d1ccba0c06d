/**
 * `npm run build`: JavaScript and type declarations in dist/, for the npm package and the container image, and beside
 * them the bill of materials.
 */

import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { billOf } from './supply-chain.ts'

rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status === 0) {
  chmodSync('dist/cli/main.js', 0o755)
  const [lock, manifest] = ['package-lock.json', 'package.json'].map((file) =>
    JSON.parse(readFileSync(file, 'utf8')),
  )
  writeFileSync('dist/postern.cdx.json', billOf(lock, manifest))
}
process.exitCode = status ?? 1
