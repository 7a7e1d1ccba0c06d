import { readdirSync, readFileSync } from 'node:fs'
import { startWorkerd } from '../test/worker/support/workerd.ts'
import type { Subject } from './subject.ts'

/** Ticks of processor time in a second, as Linux tells them to programs on every architecture of today. */
const TICKS = 100

/**
 * A Worker in a workerd of its own.
 * @param entry a file below the repository
 * @param policy the same file that the other subjects serve
 */
export async function startWorkerSubject(
  name: string,
  entry: string,
  policy: string,
  variables: Readonly<Record<string, string>>,
): Promise<Subject> {
  const before = new Set(runtimes())
  const workerd = await startWorkerd([
    { name: 'check', entry, policy: readFileSync(policy, 'utf8'), variables },
  ])
  const pid = runtimes().find((one) => !before.has(one))
  if (pid === undefined) throw new Error('no workerd runs below this process')
  return {
    name,
    port: Number(new URL(workerd.url('check')).port),
    cpu: async () => statOf(pid).cpu,
    stop: () => workerd.stop(),
  }
}

/** Processes of workerd that this one has started. */
const runtimes = (): string[] =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const { name, parent } = statOf(pid)
      return name === 'workerd' && parent === process.pid
    } catch {
      // It has ended meanwhile.
      return false
    }
  })

/** What Linux tells of a process: `cpu` is seconds, of user and system together (proc_pid_stat(5)). */
function statOf(pid: string): { readonly name: string; readonly parent: number; readonly cpu: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name may hold anything, a parenthesis too.
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ')
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    parent: Number(fields[1]),
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
  }
}
