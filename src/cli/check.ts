import type { Io } from './io.ts'
import { printProblems, readPolicy } from './policy-file.ts'

/** `postern check`: says that a policy is sound, or everything that is wrong with it. @returns the exit code */
export function checkCommand(file: string, io: Io): Promise<number> {
  const loaded = readPolicy(file, io)
  if (loaded.ok) {
    const { routes, limits, roles } = loaded.policy
    const counts = Object.entries({ routes, limits, roles }).map(
      ([name, entries]) => `${Object.keys(entries).length} ${name}`,
    )
    io.stdout.write(`${file}: no problems (${counts.join(', ')})\n`)
    return Promise.resolve(0)
  }
  io.stderr.write(printProblems(loaded.problems))
  io.stderr.write(`${loaded.problems.length} ${loaded.problems.length === 1 ? 'problem' : 'problems'}\n`)
  return Promise.resolve(1)
}
