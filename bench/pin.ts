import { spawnSync } from 'node:child_process'

/** The processors that this process was started with, as taskset lists them; null where that cannot be known. */
const all = affinity()

/**
 * Puts this process, and whatever it starts from now on, on one processor or on all it may use. On two, the subject
 * that answers more slowly finds the load generator asleep more often and pays, in its own system calls, for waking it.
 * @returns whether it has one processor now; without taskset (of util-linux) everything stays as it is
 */
export function pin(one: boolean): boolean {
  if (all === null) return false
  const list = one ? (/^\d+/.exec(all)?.[0] ?? all) : all
  return taskset('--all-tasks', '--cpu-list', '--pid', list, String(process.pid)) !== null && one
}

function affinity(): string | null {
  const told = process.platform === 'linux' ? taskset('--cpu-list', '--pid', String(process.pid)) : null
  return /: ([\d,-]+)\s*$/.exec(told ?? '')?.[1] ?? null
}

/** @returns what it printed; null where it is not there or refuses */
function taskset(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync('taskset', args, { encoding: 'utf8' })
  return status === 0 ? stdout : null
}
