import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))

/** A running `postern serve`. */
export interface PosternProcess {
  readonly child: ChildProcess
  /** Addresses by listener, as the ready line names them. */
  readonly listen: Readonly<Record<string, string>>
}

/**
 * Starts `postern serve` on a policy and waits for its ready line.
 * @param onLine gets every later line of standard output; errors go to this process's standard error
 */
export async function startPostern(
  policy: string,
  options: {
    listen?: string
    environment?: Readonly<Record<string, string>>
    onLine?: (line: string) => void
  },
): Promise<PosternProcess> {
  const args = [MAIN, 'serve', policy, ...(options.listen === undefined ? [] : ['--listen', options.listen])]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const listen = await new Promise<Record<string, string>>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`postern serve ended with ${code} before it was ready`)))
    lines.once('line', (line) => {
      const ready: unknown = JSON.parse(line)
      if (typeof ready === 'object' && ready !== null && 'listen' in ready)
        resolve(ready.listen as Record<string, string>)
      else reject(new Error(`not a ready line: ${line}`))
    })
  })
  if (options.onLine !== undefined) lines.on('line', options.onLine)
  return { child, listen }
}
