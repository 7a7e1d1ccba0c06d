import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../', import.meta.url)
/** Two folders below, as the package finds its manifest. */
const FOLDER = new URL('.tmp/growth/', ROOT)

/**
 * The command as it is published: JavaScript. From the sources Node strips the types itself, which no user waits for,
 * and what does it takes 40 MiB.
 */
export function builtCommand(): string {
  mkdirSync(FOLDER, { recursive: true })
  copyFileSync(new URL('package.json', ROOT), new URL('package.json', FOLDER))
  const outDir = fileURLToPath(new URL('dist', FOLDER))
  const tsc = fileURLToPath(new URL('node_modules/.bin/tsc', ROOT))
  const options = ['--noCheck', '--declaration', 'false', '--outDir', outDir]
  const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json', ...options], {
    cwd: fileURLToPath(ROOT),
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('the build failed')
  return `${outDir}/cli/main.js`
}
