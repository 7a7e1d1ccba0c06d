/** The admin Worker as `wrangler deploy` would send it. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
)
const run = promisify(execFile)

/** What is bound and how, without comments. */
const configuration = (name: string) => readFileSync(join(ROOT, name), 'utf8').replaceAll(/^#.*$/gm, '')
const valueIn = (text: string, name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(text)?.[1]

it('is bound to the objects of the check Worker, runs as it does, and needs nothing of Node', async () => {
  const [check, admin] = [configuration('wrangler.toml'), configuration('wrangler-admin.toml')]
  expect(valueIn(admin, 'script_name')).toBe(valueIn(check, 'name'))
  for (const shared of ['class_name', 'compatibility_date', '"postern-policy"', 'command'])
    expect(valueIn(admin, shared), shared).toBe(valueIn(check, shared))
  expect(valueIn(admin, 'name')).not.toBe(valueIn(check, 'name'))
  expect(valueIn(admin, 'preview_urls')).toBe('false')

  const folder = mkdtempSync(join(tmpdir(), 'postern-admin-'))
  try {
    const metafile = join(folder, 'meta.json')
    const { stdout } = await run(
      process.execPath,
      [
        ...[WRANGLER, 'deploy', '--dry-run', '--config', 'wrangler-admin.toml'],
        ...['--outdir', folder, '--metafile', metafile],
      ],
      { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' } },
    )
    expect(stdout).toContain(`PosternState, defined in ${valueIn(check, 'name')?.slice(1, -1)}`)
    const { outputs } = JSON.parse(readFileSync(metafile, 'utf8')) as {
      outputs: Record<
        string,
        {
          entryPoint?: string
          exports: string[]
          imports: { path: string; external?: boolean }[]
          inputs: Record<string, { bytesInOutput: number }>
        }
      >
    }
    const [output] = Object.values(outputs).filter(({ entryPoint }) => entryPoint !== undefined)
    const outer = output?.imports.flatMap(({ path, external }) => (external === true ? [path] : []))
    expect(new Set(outer)).toEqual(new Set(['cloudflare:workers']))
    expect(gzipSync(readFileSync(join(folder, 'worker-admin.js'))).length).toBeLessThanOrEqual(150 * 1024)
    // No check is answered here, and no object lives here.
    const files = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    )
    expect(
      files.filter((file) =>
        /src\/(?:http\/app|core\/decide|stores\/durable-object\/object|cli|node)/.test(file),
      ),
    ).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
