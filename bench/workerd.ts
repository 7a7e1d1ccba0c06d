import { readdirSync } from 'node:fs'
import { startWorkerd } from '../test/worker/support/workerd.ts'
import { processFigures } from './proc.ts'
import type { Subject } from './subject.ts'

/**
 * A Worker in a workerd of its own.
 * @param entry a file below the repository
 * @param policy the text of the policy that the other subjects serve
 */
export async function startWorkerSubject(
  name: string,
  entry: string,
  policy: string,
  variables: Readonly<Record<string, string>>,
): Promise<Subject> {
  const before = new Set(runtimes())
  const workerd = await startWorkerd([{ name: 'check', entry, policy, variables }])
  const pid = runtimes().find((one) => !before.has(one))
  if (pid === undefined) throw new Error('no workerd runs below this process')
  return {
    name,
    port: Number(new URL(workerd.url('check')).port),
    tls: null,
    cpu: async () => processFigures(pid).cpu,
    stop: () => workerd.stop(),
  }
}

/** Processes of workerd that this one has started. */
const runtimes = (): number[] =>
  readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return []
    try {
      const { name, parent } = processFigures(Number(entry))
      return name === 'workerd' && parent === process.pid ? [Number(entry)] : []
    } catch {
      // It has ended meanwhile.
      return []
    }
  })
