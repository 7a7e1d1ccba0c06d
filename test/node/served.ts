import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** A running `postern`. */
export interface Served {
  readonly child: ChildProcess
  /** What it has printed so far. */
  readonly out: () => string
  readonly err: () => string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>
}

export interface Ready {
  readonly event: string
  readonly listen: Record<string, string>
  readonly workers?: number
}

/** A folder of its own with the processes that run in it. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-serve-'))
  readonly #children = new Set<ChildProcess>()

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text)
  }

  /** Runs a command here. @param stdout a descriptor for standard output, instead of a pipe that is read */
  postern(args: readonly string[], stdout: 'pipe' | number = 'pipe'): Served {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.folder,
      stdio: ['ignore', stdout, 'pipe'],
    })
    this.#children.add(child)
    let out = ''
    let err = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    const ended = once(child, 'close').then(([code, signal]) => (code as number | null) ?? (signal as string))
    return { child, out: () => out, err: () => err, ended }
  }

  /** Serves a policy; resolves when it is ready. */
  async serve(policy: string, ...args: string[]): Promise<Served & { readonly ready: Ready }> {
    this.write('postern.yaml', policy)
    const served = this.postern(['serve', ...args])
    await vi.waitFor(() => {
      if (!served.out().includes('\n')) throw new Error(`not ready: ${served.err()}`)
    }, 20_000)
    return { ...served, ready: JSON.parse(served.out().split('\n')[0] ?? '') as Ready }
  }

  /** Ends what still runs, workers included. */
  leave(): void {
    for (const child of this.#children) {
      const workers = child.pid === undefined ? [] : childrenOf(child.pid)
      for (const pid of workers) signal(pid, 'SIGKILL')
      child.kill('SIGKILL')
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Processes that a process has started and that still run. */
export function childrenOf(pid: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number)
  } catch {
    // It has none.
    return []
  }
}

/** Sends a signal to a process, if there still is one. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

/** Whether a process does anything yet; one that nobody has collected after its end does not. */
export function runs(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z')
  } catch {
    return false
  }
}

/** Lines of JSON. */
export const parsed = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** The value of one series, labels written as the endpoint writes them. */
export function figure(metrics: string, series: string): number {
  const line = metrics.split('\n').find((text) => text.startsWith(`${series} `))
  if (line === undefined) throw new Error(`no ${series}`)
  return Number(line.slice(series.length + 1))
}
