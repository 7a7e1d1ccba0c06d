import type { Loaded } from '../policy/load.ts'
import type { Finding } from '../policy/strict.ts'
import { CommandFailure } from './failure.ts'
import type { Io } from './io.ts'
import { checkText, printProblems, readText } from './policy-file.ts'

export interface CheckOptions {
  /** Whether the hardening checklist is gone through as well. */
  readonly strict?: boolean
  /** Findings that are known: the id of an item, or `ID=PATH` for one place of the file and what is in it. */
  readonly accept?: readonly string[]
}

/**
 * `postern check`: says that a policy is sound, or everything that is wrong with it; with `--strict` also everything
 * that makes it weak.
 * @returns the exit code
 */
export async function checkCommand(file: string, io: Io, options: CheckOptions = {}): Promise<number> {
  const { strict = false, accept = [] } = options
  if (!strict && accept.length > 0) throw new CommandFailure(2, '--accept has a meaning with --strict only\n')
  const table = strict ? await import('../policy/strict.ts') : null
  const accepted = accept.map((text) => acceptanceOf(text, new Set(table?.ITEMS.map(({ id }) => id))))

  const read = readText(file, io)
  const loaded: Loaded = read.ok ? checkText(read.text, file, io) : read
  if (!loaded.ok) {
    io.stderr.write(printProblems(loaded.problems))
    io.stderr.write(`${counted(loaded.problems.length, 'problem')}\n`)
    return 1
  }
  const { routes, limits, roles } = loaded.policy
  const counts = Object.entries({ route: routes, limit: limits, role: roles }).map(([name, entries]) =>
    counted(Object.keys(entries).length, name),
  )
  io.stdout.write(`${file}: no problems (${counts.join(', ')})\n`)
  if (table === null || !read.ok) return 0

  const findings = table.findingsIn(loaded.policy, read.text, file)
  const open = findings.filter((finding) => !accepted.some((one) => covers(one, finding)))
  for (const one of accepted)
    if (!findings.some((finding) => covers(one, finding)))
      io.stderr.write(`--accept ${one.text} accepts nothing here: leave it out\n`)
  if (open.length > 0) {
    io.stderr.write(
      printProblems(
        open.map((finding) => ({
          ...finding,
          message: `${finding.message} (${table.PAGE}#${finding.item})`,
        })),
      ),
    )
    io.stderr.write(`${counted(open.length, 'finding')}\n`)
    return 1
  }
  const known = findings.length === 0 ? '' : `, ${findings.length} accepted`
  const byHand = table.ITEMS.filter(({ look }) => look === null).length
  io.stdout.write(`${file}: no findings${known}; ${byHand} items of ${table.PAGE} are yours to see to\n`)
  return 0
}

interface Acceptance {
  readonly text: string
  readonly item: string
  /** Null: wherever it is. */
  readonly path: string | null
}

function acceptanceOf(text: string, known: ReadonlySet<string>): Acceptance {
  const [, item = '', path = null] = /^([^=]*)(?:=(.+))?$/.exec(text) ?? []
  if (!known.has(item))
    throw new CommandFailure(
      2,
      `--accept ${text} names no item: write ID or ID=PATH, as a finding has them\n`,
    )
  return { text, item, path }
}

function covers({ item, path }: Acceptance, finding: Finding): boolean {
  if (item !== finding.item) return false
  if (path === null || path === finding.path) return true
  return finding.path.startsWith(`${path}.`) || finding.path.startsWith(`${path}[`)
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
