import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import type { Figure } from '../figure.ts'
import type { Account } from '../profile/index.ts'

/** Where and of what a group was measured. */
export interface Provenance {
  readonly date: string
  /** Of the tree; `-dirty` where it had changes that are in no commit. Null outside a repository. */
  readonly commit: string | null
  readonly postern: string
  readonly node: string
  readonly processor: string
  readonly processors: number
  /** GiB. */
  readonly memory: number
  readonly system: string
  /** Whether everything ran on one processor. */
  readonly pinned: boolean
}

/** What one group has found. */
export interface GroupFindings extends Provenance {
  readonly figures: readonly Figure[]
  /** What a reader should know beside the figures, a sentence each. */
  readonly notes: readonly string[]
  readonly seconds: number
  /** Where the time of a warm decision goes; of the group that measures one. */
  readonly account?: Account
}

/** What stands in docs/performance.json, by group. */
export type Findings = Readonly<Record<string, GroupFindings>>

/** Findings as JSON; six digits tell more than any of them knows. */
export const jsonOf = (findings: Findings): string =>
  `${JSON.stringify(findings, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value), 2)}\n`

export function provenance(now: Date, pinned: boolean): Provenance {
  return {
    date: now.toISOString().slice(0, 10),
    commit: commitOf(),
    postern: version(),
    node: process.versions.node,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    pinned,
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version

/** The benchmark's own findings are no change of what was measured. */
const OWN = [':!docs/performance.md', ':!docs/performance.json', ':!docs/performance']

function commitOf(): string | null {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/', ...OWN.map(rooted))
    return git('rev-parse', '--short', 'HEAD') + (changed === '' ? '' : '-dirty')
  } catch {
    return null
  }
}

/** From the repository's root, wherever git is asked. */
const rooted = (path: string): string => path.replace(':!', ':(top,exclude)')
