import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Loaded, type LocatedProblem, loadPolicy } from '../policy/load.ts'
import { nodeEnvironment } from '../ports/node-environment.ts'
import type { Io } from './io.ts'

/** Reads and checks a policy file; one that cannot be read is a problem at its first character. */
export function readPolicy(file: string, { env, cwd }: Pick<Io, 'env' | 'cwd'>): Loaded {
  const path = resolve(cwd, file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const message = `cannot be read (${codeOf(error)}): name an existing file, or make one with \`postern init\``
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message }] }
  }
  return loadPolicy(text, { environment: nodeEnvironment(path, env), file })
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'

/** One line for each problem: `file:line:column path: what is wrong: what would be right`. */
export const printProblems = (problems: readonly LocatedProblem[]): string =>
  problems
    .map(
      ({ file, line, column, path, message }) =>
        `${file}:${line}:${column} ${path === '' ? 'policy' : path}: ${message}\n`,
    )
    .join('')
