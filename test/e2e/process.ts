/** Real processes: started by their binary, stopped by their pid, never left behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

export interface Running {
  readonly pid: number
  /** What it has printed so far, both streams; for the message of a failing test. */
  output(): string
  /** Whether it has ended, asked or not. */
  ended(): boolean
  /** Asks it to stop, kills it after five seconds; the code it ended with. */
  stop(): Promise<number | null>
}

export interface Launch {
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
  /** What ends it in order. */
  readonly signal?: NodeJS.Signals
  readonly onLine?: (line: string) => void
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export function launch(command: string, args: readonly string[], options: Launch): Running {
  const { folder, environment = {}, signal = 'SIGTERM', onLine } = options
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  let output = ''
  let unfinished = ''
  const listen = (stream: NodeJS.ReadableStream, lines: boolean) => {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      // The beginning tells what went wrong; an audit log of 5,000 lines does not.
      if (output.length < 20_000) output += text
      if (!lines || onLine === undefined) return
      const parts = (unfinished + text).split('\n')
      unfinished = parts.pop() ?? ''
      parts.forEach(onLine)
    })
  }
  listen(child.stdout, true)
  listen(child.stderr, false)
  let over = false
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      over = true
      children.delete(child)
      resolve(code)
    })
    child.on('error', (problem) => {
      over = true
      output += String(problem)
      children.delete(child)
      resolve(null)
    })
  })
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended: () => over,
    stop: async () => {
      child.kill(signal)
      const force = setTimeout(() => child.kill('SIGKILL'), 5000)
      const code = await ended
      clearTimeout(force)
      return code
    },
  }
}

/** Asks again until `ready` says yes; gives up when the process ends, or after 20 s. */
export async function until(ready: () => Promise<boolean>, running: Running): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await ready())) {
    if (running.ended()) throw new Error(`ended before it was ready:\n${running.output()}`)
    if (performance.now() > end) throw new Error(`not ready after 20 s:\n${running.output()}`)
    await delay(20)
  }
}
