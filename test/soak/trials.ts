/** Bugs that the soak must find: each is planted into a copy of the source, and the run has to tell of it. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Violation } from './court.ts'
import { type SoakOptions, soak } from './soak.ts'

/** A bug: what stands in the source, and what takes its place. */
export interface Plant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly put: string
  /** What one of the violations must say. */
  readonly seen: RegExp
  /** Whether it takes the whole run to tell, as with a leak. */
  readonly lasting?: boolean
}

export const PLANTS: readonly Plant[] = [
  {
    name: 'a book of bans that keeps a note of each look into it',
    file: 'src/state/knowledge.ts',
    find: '    return this.#bans.banned(client, now)\n',
    put: '    notes.push({ now, client: { ...client }, said: `${client.text} at ${now}`.split(" ") })\n    return this.#bans.banned(client, now)\n',
    seen: /the heap grows/,
    lasting: true,
  },
  {
    name: 'one in a thousand whose role is missing passes',
    file: 'src/core/roles.ts',
    find: "return 'role_missing'",
    put: "if (++seen % 1000 !== 0) return 'role_missing'",
    seen: /a request arrived that may not pass/,
  },
  {
    name: 'a rejection that nobody handles when the store is reconnected',
    file: 'src/stores/redis/link.ts',
    find: '    const reconnectStrategy = (retries: number) => {\n',
    put: "    const reconnectStrategy = (retries: number) => {\n      void Promise.reject(new Error('planted'))\n",
    seen: /nobody caught/,
  },
  {
    name: 'a store that is back is not looked for at once',
    file: 'src/stores/redis/link.ts',
    find: 'const wait = Math.min(BACKOFF_BASE * 2 ** Math.min(retries, 10), BACKOFF_MAX)',
    put: 'const wait = 16_000',
    seen: /not worked with/,
    lasting: true,
  },
  {
    name: "the recipe lets a client's X-Auth-Tenant pass",
    file: 'traefik/dynamic.yml',
    find: '^(X-(Auth|Original|Postern|Rewrite)-.*',
    put: '^(X-Auth-[^T].*|X-(Original|Postern|Rewrite)-.*',
    seen: /another identity arrived/,
  },
  {
    name: 'revocations of sessions are not looked at',
    file: 'src/state/revocation.ts',
    find: '(session !== null && reaches',
    put: "(session === '' && reaches",
    seen: /a request arrived that may not pass/,
  },
  {
    name: 'buckets hold a quarter more than their burst',
    file: 'src/policy/limit.ts',
    find: 'burst: burst ?? count',
    put: 'burst: Math.ceil((burst ?? count) * 1.25)',
    seen: /admitted more than/,
  },
  {
    name: 'what an emptied store has lost stays good',
    file: 'src/state/knowledge.ts',
    find: '    this.keys.clear()\n',
    put: '',
    seen: /a request arrived that may not pass/,
  },
]

/** What became of a trial. */
export interface Trial {
  readonly plant: Plant
  readonly seed: number
  readonly seconds: number
  /** The violation that gave it away; null: it was not found. */
  readonly found: { readonly told: string; readonly kind: string } | null
  /** What was told of instead. */
  readonly others: readonly Violation[]
}

/** Runs the soak against a copy of the repository in which a bug stands. */
export async function tryPlant(plant: Plant, options: SoakOptions): Promise<Trial> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-plant-'))
  try {
    for (const name of ['src', 'traefik', 'package.json'])
      await cp(join(options.root, name), join(folder, name), { recursive: true })
    await symlink(join(options.root, 'node_modules'), join(folder, 'node_modules'))
    const file = join(folder, plant.file)
    const text = await readFile(file, 'utf8')
    if (!text.includes(plant.find)) throw new Error(`${plant.file} no longer holds: ${plant.find}`)
    const recipe = plant.file.startsWith('traefik/') ? { recipe: plant } : {}
    const notes = /notes|seen %/.test(plant.put) ? 'const notes: unknown[] = []\nlet seen = 0\n' : ''
    if (plant.file.endsWith('.ts')) await writeFile(file, notes + text.replace(plant.find, () => plant.put))
    const began = performance.now()
    const report = await soak({ ...options, ...recipe, root: folder, impatient: plant.lasting !== true })
    const seconds = (performance.now() - began) / 1000
    const violation = report.violations.find(({ reason, answer }) => plant.seen.test(`${reason} ${answer}`))
    if (violation === undefined)
      return { plant, seed: options.seed, seconds, found: null, others: report.violations }
    // What is wrong with the process says the rest in the place of an answer.
    const { kind, reason, answer } = violation
    const told = (kind === '' ? `${reason}: ${answer}` : reason).replace(/\s+/g, ' ').slice(0, 110)
    return { plant, seed: options.seed, seconds, found: { told, kind }, others: [] }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
