import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Loaded, type LocatedProblem, loadPolicy } from '../policy/load.ts'
import { nodeEnvironment } from '../ports/node-environment.ts'
import type { Runtime } from '../stores/contract.ts'
import type { Io } from './io.ts'

type Surroundings = Pick<Io, 'env' | 'cwd'>

/** Reads and checks a policy file; one that cannot be read is a problem at its first character. */
export function readPolicy(file: string, io: Surroundings, runtime?: Runtime): Loaded {
  const read = readText(file, io)
  return read.ok ? checkText(read.text, file, io, runtime) : read
}

/** A policy file as it stands, whatever it says. */
export function readText(
  file: string,
  { cwd }: Pick<Io, 'cwd'>,
): { readonly ok: true; readonly text: string } | (Loaded & { readonly ok: false }) {
  try {
    return { ok: true, text: readFileSync(resolve(cwd, file), 'utf8') }
  } catch (error) {
    const message = `cannot be read (${codeOf(error)}): name an existing file, or make one with \`postern init\``
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message }] }
  }
}

/** Checks what was read from a policy file. @param runtime where it is to hold; absent: wherever it can */
export const checkText = (
  text: string,
  file: string,
  { env, cwd }: Surroundings,
  runtime?: Runtime,
): Loaded =>
  loadPolicy(text, {
    // A Worker has secrets of its own, which are bound to it when it is deployed.
    environment: runtime === 'workers' ? null : nodeEnvironment(resolve(cwd, file), env),
    file,
    ...(runtime === undefined ? {} : { runtime }),
  })

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
