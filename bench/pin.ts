import { spawnSync } from 'node:child_process'

const MARK = 'BENCH_PINNED'

/** Whether this process, and with it whatever it starts, has one processor. */
export const isPinned = (): boolean => process.env[MARK] !== undefined

/**
 * Starts this program once more on one processor, and ends with it; returns where that cannot be done. On two, the
 * subject that answers more slowly finds the load generator asleep more often and pays, in its own system calls, for
 * waking it.
 */
export function pinToOneProcessor(): void {
  if (isPinned() || process.platform !== 'linux') return
  const { status, error } = spawnSync('taskset', ['-c', '0', process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  })
  if (error === undefined && status !== null) process.exit(status)
}
