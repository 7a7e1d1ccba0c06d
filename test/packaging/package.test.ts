import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')

/** As a user's shell would: this Node first, and npm without what it tells scripts about the project it runs for. */
const environment = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) && name !== 'NODE_OPTIONS'),
  ),
  PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
}

let folder = ''
let files: string[] = []
/** Bytes as they are unpacked. */
let size = 0

/** Runs a command in the folder that the package was installed into. */
async function inFolder(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run('npx', ['--no-install', ...args], { cwd: folder, env: environment })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-package-'))
  // `npm pack` builds first (prepack).
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    env: environment,
  })
  const packed: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))
  const [entry] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as {
    filename: string
    files: { path: string }[]
    unpackedSize: number
  }[]
  if (entry === undefined) throw new Error('npm pack made nothing')
  files = entry.files.map(({ path }) => path)
  size = entry.unpackedSize
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, entry.filename)], {
    cwd: folder,
    env: environment,
  })
}, 180_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the npm package, installed into an empty folder', () => {
  it('holds JavaScript and types of each source, the schema, the bill of materials and the papers, and nothing else', () => {
    const sources = globSync('**/*.ts', { cwd: join(ROOT, 'src'), exclude: ['**/*.d.ts'] })
    const built = sources.flatMap((path) =>
      ['.js', '.d.ts'].map((end) => `dist/${path.replace(/\.ts$/, end)}`),
    )
    const papers = ['LICENSE', 'README.md', 'package.json', 'postern.schema.json', 'dist/postern.cdx.json']
    expect(files.toSorted()).toEqual([...built, ...papers].sort())
  })

  it('holds no map and no hint of one, no test, no key, and is small', async () => {
    const inside = join(folder, 'node_modules', 'postern')
    for (const path of files) {
      expect(path).not.toMatch(
        /\.(?:map|tsbuildinfo|pem|key|p12|pfx|env|npmrc|db)$|\.(?:test|spec|bench)\.|(?:^|\/)\./,
      )
      const text = await readFile(join(inside, path), 'utf8')
      expect(text, path).not.toMatch(/^\/\/[#@] source(?:Mapping)?URL=/m)
      expect(text, path).not.toMatch(/-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]{16}/)
      // A compact token, and the access keys that scanners look for.
      expect(text, path).not.toMatch(
        /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|\bAKIA[A-Z0-9]{16}\b|\bgh[pousr]_\w{36}\b/,
      )
    }
    expect(size).toBeLessThan(3 * 2 ** 20)
  })

  it('brings with it what its bill of materials names, and nothing else', async () => {
    const bill = JSON.parse(
      await readFile(join(folder, 'node_modules', 'postern', 'dist', 'postern.cdx.json'), 'utf8'),
    ) as { components: { name: string }[] }
    const top = await readdir(join(folder, 'node_modules'))
    const scoped = await Promise.all(
      top
        .filter((name) => name.startsWith('@'))
        .map(async (scope) =>
          (await readdir(join(folder, 'node_modules', scope))).map((name) => `${scope}/${name}`),
        ),
    )
    const installed = [...top.filter((name) => !/^[@.]/.test(name)), ...scoped.flat()]
    expect(installed.filter((name) => name !== 'postern').sort()).toEqual(
      bill.components.map(({ name }) => name).sort(),
    )
  })

  it('writes a starter policy that passes its own check, and never over a file', async () => {
    expect((await inFolder('postern', 'init')).code).toBe(0)
    const checked = await inFolder('postern', 'check')
    expect(checked).toMatchObject({ code: 0 })
    expect(checked.stdout).toContain('no problems')
    expect(await inFolder('postern', 'init')).toMatchObject({ code: 1 })
    const [schema] = (await readFile(join(folder, 'postern.yaml'), 'utf8')).split('\n')
    const path = /\$schema=(\S+)/.exec(schema ?? '')?.[1] ?? ''
    expect(JSON.parse(await readFile(join(folder, path), 'utf8'))).toHaveProperty('properties.routes')
  })

  it('names every problem of a policy, and exits with 1', async () => {
    await writeFile(join(folder, 'bad.yaml'), 'proxies: {}\nroutes: { r: { match: { path: x } } }\n')
    const { code, stdout, stderr } = await inFolder('postern', 'check', 'bad.yaml')
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('bad.yaml:1:10 proxies: ')
    expect(stderr).toContain('bad.yaml:2:31 routes.r.match.path: ')
  })

  it('serves: it says where as its first line, answers checks, and ends when it is told to', async () => {
    const child = spawn('npx', ['--no-install', 'postern', 'serve', '--listen', '127.0.0.1:0'], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    try {
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
      const ready = JSON.parse(line) as { event: string; listen: { check: string } }
      expect(ready.event).toBe('ready')
      const headers = {
        'X-Forwarded-Method': 'GET',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'app.example.com',
        'X-Forwarded-Uri': '/health',
        'X-Forwarded-For': '203.0.113.9',
      }
      const response = await fetch(`http://${ready.listen.check}/check/traefik`, { headers })
      expect(response.status).toBe(200)
      expect(response.headers.get('x-auth-method')).toBe('anonymous')
    } finally {
      // npx starts a shell of its own: the whole group is told.
      process.kill(-(child.pid ?? 0), 'SIGTERM')
      await once(child, 'exit')
    }
  })

  it('says on an older Node what to do, instead of a syntax error', async () => {
    const main = await readFile(join(ROOT, 'dist', 'cli', 'main.js'), 'utf8')
    // What stands before the first import is all that an old Node gets to run.
    const fake = `const process = { versions: { node: '20.20.2' }, set exitCode(code) { console.log('exit', code) } };\n`
    const text = main.replace(/^#!.*\n/, '').replace(/^export \{\};?$/m, '')
    await writeFile(join(folder, 'old.mjs'), fake + text)
    const { stdout, stderr } = await run(process.execPath, ['old.mjs'], { cwd: folder })
    expect(stdout).toBe('exit 1\n')
    expect(stderr).toContain('Postern needs Node 22.18 or later, and this is 20.20.2')
  })
})
