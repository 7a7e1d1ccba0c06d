/** What Postern is made of, read from the lock file alone: the closure of its dependencies, as a bill of materials and as a table. */

/** An entry of `packages` in package-lock.json (version 3), as far as it is looked at. */
export interface Locked {
  readonly version: string
  readonly license?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The package itself, as its manifest and the first entry of its lock file have it. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly description: string
  readonly dependencies: Readonly<Record<string, string>>
}

export interface Lockfile {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, Locked>>
}

/** A package that runs, and what it needs of the others. */
export interface Component {
  readonly name: string
  /** Its place, such as `node_modules/pino`. */
  readonly path: string
  readonly locked: Locked
  /** Places of what it depends on. */
  readonly needs: readonly string[]
}

const FOLDER = 'node_modules/'

/** `node_modules/a/node_modules/@b/c` is `@b/c`. */
const nameAt = (path: string): string => path.slice(path.lastIndexOf(FOLDER) + FOLDER.length)

/** Where Node finds `name` from a package's place: in its own folder, else in one further out. */
function found(lock: Lockfile, from: string, name: string): string | null {
  const path = `${from === '' ? '' : `${from}/`}${FOLDER}${name}`
  if (lock.packages[path] !== undefined) return path
  if (from === '') return null
  const outer = from.lastIndexOf(`/${FOLDER}`)
  return found(lock, outer < 0 ? '' : from.slice(0, outer), name)
}

/** An optional peer is there because somebody else needs it, or not at all. */
function needsOf(lock: Lockfile, path: string, entry: Locked): string[] {
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta } = entry
  const peers = Object.keys(peerDependencies).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  )
  const names = [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]
  return names.map((name) => found(lock, path, name)).filter((place) => place !== null)
}

/**
 * Everything that runs, by name: what the dependencies of the manifest lead to. Walked here, since a flag in the lock
 * file or npm's own bill of materials (`npm sbom --omit dev` leaves out what a dev dependency needs as well) is somebody
 * else's idea of it.
 */
export function runtimeOf(lock: Lockfile, manifest: Pick<Manifest, 'dependencies'>): readonly Component[] {
  const seen = new Map<string, Component>()
  const visit = (path: string): void => {
    const locked = lock.packages[path]
    if (locked === undefined || seen.has(path)) return
    const needs = needsOf(lock, path, locked)
    seen.set(path, { name: nameAt(path), path, locked, needs })
    needs.forEach(visit)
  }
  for (const name of Object.keys(manifest.dependencies)) {
    const path = found(lock, '', name)
    if (path === null) throw new Error(`package-lock.json has no ${name}: run \`npm install\``)
    visit(path)
  }
  return [...seen.values()].sort((one, other) => (one.path < other.path ? -1 : 1))
}

/** https://github.com/package-url/purl-spec */
const purl = (name: string, version: string): string => `pkg:npm/${name.replace('@', '%40')}@${version}`

/**
 * The bill of materials in CycloneDX 1.5. The same lock file makes the same bytes: it has neither a serial number nor a
 * time, which the format allows.
 */
export function billOf(lock: Lockfile, manifest: Manifest): string {
  const parts = runtimeOf(lock, manifest)
  const refs = new Map(parts.map(({ name, path, locked }) => [path, `${name}@${locked.version}`]))
  const refsOf = (paths: readonly string[]) => [...new Set(paths.map((path) => refs.get(path) ?? ''))].sort()
  const self = `${manifest.name}@${manifest.version}`
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      lifecycles: [{ phase: 'build' }],
      component: {
        'bom-ref': self,
        type: 'application',
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        purl: purl(manifest.name, manifest.version),
        licenses: [{ license: { id: manifest.license } }],
      },
    },
    components: parts.map(({ name, locked: { version, license = '', integrity } }) => ({
      'bom-ref': `${name}@${version}`,
      type: 'library',
      name,
      version,
      scope: 'required',
      purl: purl(name, version),
      hashes: hashesOf(integrity),
      licenses: [{ license: { id: license } }],
    })),
    dependencies: [
      {
        ref: self,
        dependsOn: refsOf(Object.keys(manifest.dependencies).map((name) => found(lock, '', name) ?? '')),
      },
      ...parts.map(({ path, needs }) => ({ ref: refs.get(path), dependsOn: refsOf(needs) })),
    ],
  }
  return `${JSON.stringify(bill, null, 2)}\n`
}

/** Subresource integrity (base64) as CycloneDX has hashes (hex). */
function hashesOf(integrity: string | undefined): { alg: string; content: string }[] {
  const [algorithm, digest = ''] = (integrity ?? '').split('-')
  if (algorithm !== 'sha512') return []
  return [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }]
}

/** What each dependency is for. */
const PURPOSE: Readonly<Record<string, string>> = {
  '@hono/node-server':
    'turns Node’s requests into web requests for the admin API and health; checks do without',
  '@redis/client': 'the `redis` store: protocol, reconnecting, Cluster',
  '@stablelib/hmac': 'HMAC at once on Workers, whose own is asynchronous',
  '@stablelib/sha256': 'SHA-256 at once on Workers',
  '@upstash/redis': 'the `upstash` store, over REST',
  commander: 'the command line',
  hono: 'routing of the admin API and health, and of checks on Workers',
  jose: 'signatures of tokens, import of keys',
  pino: 'log and audit lines on Node',
  'prom-client': 'metrics in the format of Prometheus',
  yaml: 'reads the policy, with the place of each problem',
  zod: 'the policy’s only description: types, checks, schema and reference',
}

export const PAGE = 'docs/security/supply-chain.md'
const BEGIN = '<!-- Made from package-lock.json by `npm run generate`: change it there. -->\n'
const END = '<!-- end of what is made -->\n'

/** The page with its table of packages. @param page the whole text of the page */
export function withPackages(page: string, lock: Lockfile, manifest: Manifest): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`${PAGE} has lost its marks`)
  return `${before}${BEGIN}\n${tableOf(runtimeOf(lock, manifest), manifest)}\n${END}${after}`
}

function tableOf(parts: readonly Component[], { dependencies }: Manifest): string {
  const names = new Map(parts.map(({ path, name }) => [path, name]))
  const dependents = (path: string) =>
    [...parts].filter(({ needs }) => needs.includes(path)).map(({ path: from }) => names.get(from))
  const direct = parts.filter(({ name, path }) => Object.hasOwn(dependencies, name) && path === FOLDER + name)
  const rows = parts.map((part) => {
    const { name, path, locked } = part
    const purpose = PURPOSE[name]
    if (direct.includes(part) && purpose === undefined)
      throw new Error(`say in scripts/supply-chain.ts what ${name} is for`)
    const why = direct.includes(part) ? purpose : `of ${dependents(path).join(', ')}`
    return `| ${direct.includes(part) ? `**${name}**` : name} | ${locked.version} | ${locked.license ?? 'none'} | ${why} |`
  })
  const licences = Map.groupBy(parts, ({ locked }) => locked.license ?? 'none')
  const counts = [...licences].map(([name, some]) => `${some.length} ${name}`).join(', ')
  return [
    `${parts.length} packages run beside Postern, ${direct.length} of them its own choice (bold), the others what those need. Licences: ${counts}. None runs a script when it is installed.`,
    '',
    '| package | version | licence | why |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
