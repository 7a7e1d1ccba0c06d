import { readFileSync } from 'node:fs'

/** Ticks of processor time in a second, as Linux tells them to programs on every architecture of today. */
const TICKS = 100

/** What Linux tells of a process: `cpu` is seconds, of user and system together (proc_pid_stat(5)). */
export interface ProcessFigures {
  readonly name: string
  readonly parent: number
  readonly cpu: number
}

/** @throws when there is no such process, or no such file system */
export function processFigures(pid: number): ProcessFigures {
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
