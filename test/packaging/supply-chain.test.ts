/** What runs beside Postern: the lock file, what is installed from it, and the bill of materials that is made of it. */

import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { billOf, type Lockfile, type Manifest, runtimeOf } from '../../scripts/supply-chain.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))

interface Bill {
  readonly serialNumber?: string
  readonly metadata: { readonly timestamp?: string; readonly component: { name: string; version: string } }
  readonly components: readonly {
    readonly 'bom-ref': string
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly licenses: readonly { license: { id: string } }[]
    readonly hashes: readonly { alg: string; content: string }[]
  }[]
  readonly dependencies: readonly { ref: string; dependsOn: readonly string[] }[]
}

const lock = read('package-lock.json') as Lockfile
const manifest = read('package.json') as Manifest & { readonly devDependencies: Record<string, string> }
const runtime = runtimeOf(lock, manifest)
const own = lock.packages[''] as unknown as typeof manifest

const PERMISSIVE = new Set(['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'])
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/

describe('the lock file', () => {
  it('agrees with package.json', () => {
    expect(lock.lockfileVersion).toBe(3)
    for (const field of ['name', 'version', 'license', 'dependencies', 'devDependencies'] as const)
      expect(own[field], field).toEqual(manifest[field])
  })

  it('holds exactly the versions that package.json names, which are exact', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/)
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version)
    }
  })

  it('knows what runs as we do: what it does not call development is what the dependencies lead to', () => {
    const others = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
    expect(runtime.map(({ path }) => path)).toEqual(others.map(([path]) => path).sort())
    expect(runtime.length).toBeGreaterThan(Object.keys(manifest.dependencies).length)
  })

  it.each(runtime.map(({ path, locked }) => [path, locked] as const))(
    '%s comes from the registry as it was, under a permissive licence, and runs nothing when it is installed',
    (path, { license, integrity, resolved, link, inBundle, hasInstallScript }) => {
      expect(PERMISSIVE, path).toContain(license)
      expect(integrity).toMatch(SHA512)
      // Nothing at all means the registry that npm is configured with.
      expect(resolved ?? 'https://registry.npmjs.org/').toMatch(/^https:\/\/registry\.npmjs\.org\//)
      expect([link, inBundle, hasInstallScript]).toEqual([undefined, undefined, undefined])
    },
  )

  it('lets no package go without its integrity but three builds of workerd for other systems', () => {
    const without = Object.entries(lock.packages).filter(
      ([path, { integrity }]) => path !== '' && integrity === undefined,
    )
    expect(without.map(([path]) => path).sort()).toEqual([
      'node_modules/@cloudflare/workerd-darwin-64',
      'node_modules/@cloudflare/workerd-darwin-arm64',
      'node_modules/@cloudflare/workerd-windows-64',
    ])
    for (const [, { dev, optional }] of without) expect([dev, optional]).toEqual([true, true])
    for (const [path, { integrity }] of Object.entries(lock.packages))
      if (integrity !== undefined) expect(integrity, path).toMatch(SHA512)
  })

  it('has three install scripts, all for development, of which one is allowed', () => {
    const scripts = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)
    expect(scripts.map(([path]) => path).sort()).toEqual([
      'node_modules/esbuild',
      'node_modules/node',
      'node_modules/workerd',
    ])
    expect(scripts.every(([, { dev }]) => dev)).toBe(true)
    expect(read('package.json').allowScripts).toEqual({ node: true })
  })
})

describe('what is installed', () => {
  it.each(runtime.map(({ path, locked }) => [path, locked] as const))(
    '%s is what the lock file says, without install scripts or native code',
    (path, { version, license }) => {
      const installed = read(join(path, 'package.json'))
      expect(installed.version).toBe(version)
      expect(installed.license).toBe(license)
      const scripts = Object.keys(installed.scripts ?? {})
      expect(scripts.filter((name) => /^(?:pre|post)?install$/.test(name))).toEqual([])
      expect(existsSync(join(ROOT, path, 'binding.gyp'))).toBe(false)
      expect(globSync('**/*.node', { cwd: join(ROOT, path) })).toEqual([])
    },
  )
})

describe('the bill of materials', () => {
  const text = billOf(lock, manifest)
  const bill = JSON.parse(text) as Bill

  it('names every package that runs, with version, licence and hash, and nothing else', () => {
    expect(bill.metadata.component).toMatchObject({ name: manifest.name, version: manifest.version })
    const told = bill.components.map(({ name, version, licenses, hashes: [hash] }) => [
      name,
      version,
      licenses[0]?.license.id,
      hash?.alg,
      `sha512-${Buffer.from(hash?.content ?? '', 'hex').toString('base64')}`,
    ])
    expect(told).toEqual(
      runtime.map(({ name, locked }) => [name, locked.version, locked.license, 'SHA-512', locked.integrity]),
    )
    const development = Object.keys(manifest.devDependencies)
    expect(bill.components.filter(({ name }) => development.includes(name))).toEqual([])
  })

  it('says of each what it needs, all of which it names', () => {
    const refs = new Set(bill.components.map((component) => component['bom-ref']))
    const [self, ...others] = bill.dependencies
    expect(self?.ref).toBe(`${manifest.name}@${manifest.version}`)
    expect(self?.dependsOn).toHaveLength(Object.keys(manifest.dependencies).length)
    expect(new Set(others.map(({ ref }) => ref))).toEqual(refs)
    for (const { dependsOn } of bill.dependencies) for (const ref of dependsOn) expect(refs).toContain(ref)
    expect(others.find(({ ref }) => ref.startsWith('pino@'))?.dependsOn.join()).toContain('sonic-boom@')
  })

  it('is the same bytes each time: it has no serial number and no time', () => {
    expect(billOf(read('package-lock.json'), read('package.json'))).toBe(text)
    expect([bill.serialNumber, bill.metadata.timestamp]).toEqual([undefined, undefined])
  })

  it("holds all that npm's own holds, with the same name, licence and hash", async () => {
    const { stdout } = await promisify(execFile)(
      'npm',
      ['sbom', '--omit', 'dev', '--package-lock-only', '--sbom-format', 'cyclonedx'],
      {
        cwd: ROOT,
        env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
      },
    )
    const theirs = (JSON.parse(stdout) as Bill).components
    expect(theirs.length).toBeGreaterThan(20)
    const ours = new Map(bill.components.map((component) => [component.purl, component]))
    for (const { purl, licenses, hashes } of theirs)
      expect(ours.get(purl), purl).toMatchObject({ licenses, hashes })
  })

  it('finds a nested copy before the one further out, and leaves out what only an optional peer would be', () => {
    const small = {
      lockfileVersion: 3,
      packages: {
        'node_modules/a': {
          version: '1.0.0',
          dependencies: { b: '2' },
          peerDependencies: { c: '1', d: '1' },
          peerDependenciesMeta: { d: { optional: true } },
        },
        'node_modules/a/node_modules/b': { version: '2.0.0', optionalDependencies: { c: '1', missing: '1' } },
        'node_modules/b': { version: '1.0.0', dev: true },
        'node_modules/c': { version: '1.0.0', dependencies: { b: '1' } },
        'node_modules/d': { version: '1.0.0', dev: true },
      },
    }
    const found = runtimeOf(small, { dependencies: { a: '1.0.0' } })
    expect(found.map(({ path, needs }) => [path, needs])).toEqual([
      ['node_modules/a', ['node_modules/a/node_modules/b', 'node_modules/c']],
      ['node_modules/a/node_modules/b', ['node_modules/c']],
      ['node_modules/b', []],
      ['node_modules/c', ['node_modules/b']],
    ])
    expect(() => runtimeOf(small, { dependencies: { e: '1.0.0' } })).toThrow('package-lock.json has no e')
  })
})
