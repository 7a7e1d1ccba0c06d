/** The house rule: who may import whom (docs/adr/0003). Prints each violation as `file: why`. */

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** What a room may import from, itself aside; entries may import everything. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  schema: ['core'],
  credentials: ['core', 'schema'],
  stores: ['core', 'schema'],
  proxies: ['core', 'schema'],
  state: ['core', 'schema', 'credentials', 'stores'],
  ports: ['core', 'schema', 'credentials'],
  policy: ['core', 'schema', 'credentials', 'stores', 'proxies'],
  http: ['core', 'schema', 'credentials', 'stores', 'proxies', 'policy'],
  admin: ['core', 'schema', 'credentials', 'stores', 'proxies', 'policy', 'state'],
  cli: [
    ...['core', 'schema', 'credentials', 'stores', 'proxies', 'policy'],
    ...['state', 'ports', 'http', 'admin', 'node'],
  ],
  node: [
    ...['core', 'schema', 'credentials', 'stores', 'proxies', 'policy'],
    ...['state', 'ports', 'http', 'admin'],
  ],
  worker: [
    ...['core', 'schema', 'credentials', 'stores', 'proxies', 'policy'],
    ...['state', 'ports', 'http', 'admin'],
  ],
}

/** Rooms in which one file is one thing, and none knows its neighbours. */
const REGISTRIES = ['credentials', 'stores', 'proxies']
/** What the files of a registry share. */
const SHARED = [
  ...['index.ts', 'contract.ts', 'fields.ts', 'key-record.ts'],
  ...['scripted.ts', 'scripted', 'counting', 'tables'],
]

/** What the core must be given instead of taking it. */
const OUTSIDE =
  /\b(?:process\.|Date\.now|new Date\(\)|fetch\(|crypto\.|setTimeout|setInterval|performance\.|console\.|Math\.random|globalThis)/

/** Every violation in the sources below `folder`. */
export function violations(folder: string = join(ROOT, 'src')): string[] {
  const found: string[] = []
  for (const file of globSync('**/*.ts', { cwd: folder }).sort()) {
    const text = readFileSync(join(folder, file), 'utf8')
    const room = roomOf(file)
    const report = (why: string) => found.push(`src/${file}: ${why}`)
    for (const target of importsOf(text)) {
      const inside = target.startsWith('.')
      if (room === 'core' && !inside) report(`the core imports ${target}, and it imports nothing`)
      if (!inside) continue
      const path = normalize(join(dirname(file), target))
      const other = roomOf(path)
      if (room !== null && other === null) report(`imports the entry ${path}`)
      if (room === null || other === null) continue
      if (other !== room && !(ALLOWED[room] ?? []).includes(other))
        report(`${room} imports ${path}, against the direction of the house`)
      if (other === room && REGISTRIES.includes(room) && !mayShare(file, path))
        report(`imports its sibling ${path}`)
    }
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    if (room === 'core' && OUTSIDE.test(code))
      report(`the core uses ${OUTSIDE.exec(code)?.[0]}, which must be handed to it`)
  }
  return found
}

/** The folder below src; null for an entry. */
const roomOf = (file: string): string | null => (file.includes(sep) ? (file.split(sep)[0] ?? null) : null)

/** `jwt.ts` and `jwt/**` are one thing; the registry knows all, all know the contract. */
function mayShare(from: string, to: string): boolean {
  const thing = (file: string) => file.split(sep)[1]?.replace(/\.ts$/, '')
  const shared = (file: string) => SHARED.includes(file.split(sep)[1] ?? '')
  return thing(from) === thing(to) || shared(to) || from.endsWith('index.ts')
}

const importsOf = (text: string): string[] =>
  [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^'";]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|import\('([^']+)'\)/gm,
    ),
  ].map(([, a, b, c]) => a ?? b ?? c ?? '')

if (import.meta.main) {
  const found = violations()
  for (const line of found) console.error(line)
  process.exitCode = found.length === 0 ? 0 : 1
}
