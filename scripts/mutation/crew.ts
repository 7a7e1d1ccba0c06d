/** The worker processes: each judges one mutant at a time; one that hangs or dies is replaced, and its mutant is told. */

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Cover, FromWorker, ToWorker, Verdict } from './protocol.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** Seconds of processor time without a word after which a process is in an endless loop. */
const SILENCE = 15

/** The same where nobody tells the processor time of others, with room for a machine that does other things. */
const WALL = 240_000

/** Seconds of processor time that a process has had; null where the system does not say (it is Linux that does). */
function cpuOf(child: ChildProcess): number | null {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return null
  }
}

const hire = (root: string, paths: readonly string[]): ChildProcess =>
  fork(WORKER, [root, ...paths], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: ['--no-warnings', '--max-old-space-size=1500'],
  })

/** What all tests pass through without a mutant. */
export async function survey(
  root: string,
  paths: readonly string[],
  progress: (text: string) => void,
): Promise<Cover> {
  const child = hire(root, paths)
  try {
    return await new Promise<Cover>((resolve, reject) => {
      child.on('message', (message: FromWorker) => {
        if (message.kind === 'progress') progress(message.text)
        if (message.kind === 'cover') resolve(message.cover)
      })
      child.on('exit', (code, signal) => reject(new Error(`the survey ended with ${code ?? signal}`)))
      child.send({ kind: 'survey' } satisfies ToWorker)
    })
  } finally {
    child.kill('SIGKILL')
  }
}

type Task = Extract<ToWorker, { kind: 'judge' }>

/** Has all tasks judged by some processes. */
export async function judgeAll(
  root: string,
  paths: readonly string[],
  tasks: Iterator<Task>,
  processes: number,
  done: (mutant: string, verdict: Verdict) => void,
): Promise<void> {
  const work = async () => {
    let child: ChildProcess | null = null
    for (let next = tasks.next(); !next.done; next = tasks.next()) {
      child ??= hire(root, paths)
      const verdict = await judgeOne(child, next.value)
      if (verdict.status === 'Timeout') {
        child.kill('SIGKILL')
        child = null
      }
      done(next.value.mutant, verdict)
    }
    child?.kill('SIGKILL')
  }
  await Promise.all(Array.from({ length: processes }, work))
}

/** A process that falls silent or dies is a mutant that never ends, or takes all memory. */
function judgeOne(child: ChildProcess, task: Task): Promise<Verdict> {
  return new Promise((resolve) => {
    const [start, cpu] = [performance.now(), cpuOf(child)]
    const end = (verdict: Verdict) => {
      clearInterval(timer)
      child.removeAllListeners()
      resolve(verdict)
    }
    const timer = setInterval(() => {
      const now = cpuOf(child)
      const hangs = cpu === null || now === null ? performance.now() - start > WALL : now - cpu > SILENCE
      if (hangs) end({ status: 'Timeout', by: 'a test that never ended' })
    }, 500)
    child.on('exit', () => end({ status: 'Timeout', by: 'a test that ended the process' }))
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'verdict' && message.mutant === task.mutant) end(message.verdict)
    })
    child.send(task)
  })
}
