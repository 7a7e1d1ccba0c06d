/** A copy of the sources and tests in which every mutant sleeps until it is called by its number. */

import { cpSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { Instrumenter } from '@stryker-mutator/instrumenter'

/** A place where the source could have been written otherwise. */
export interface Mutant {
  readonly id: string
  /** Below the repository, such as `src/core/path.ts`. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Of Stryker: `ConditionalExpression`, `StringLiteral`, ... */
  readonly mutator: string
  readonly original: string
  readonly replacement: string
  /** Why it is not to be judged. */
  readonly ignored: string | null
}

const COPIED = [
  'src',
  'test',
  'docs',
  'examples',
  'traefik',
  'scripts',
  'postern.schema.json',
  'package.json',
]
const silent = () => {}
const LOGGER = {
  ...{ isTraceEnabled: () => false, isDebugEnabled: () => false, isInfoEnabled: () => false },
  ...{ isWarnEnabled: () => false, isErrorEnabled: () => false, isFatalEnabled: () => false },
  ...{ trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
}

/** Copies the repository to a folder, and puts the mutants of some files into it. */
export async function sandbox(
  from: string,
  to: string,
  files: readonly string[],
): Promise<readonly Mutant[]> {
  rmSync(to, { recursive: true, force: true })
  mkdirSync(to, { recursive: true })
  for (const name of COPIED) cpSync(join(from, name), join(to, name), { recursive: true })
  symlinkSync(join(from, 'node_modules'), join(to, 'node_modules'))

  const originals = files.map((file) => ({
    name: join(to, file),
    content: readFileSync(join(to, file), 'utf8'),
    mutate: true,
  }))
  const { files: instrumented, mutants } = await new Instrumenter(LOGGER).instrument(originals, {
    plugins: null,
    excludedMutations: [],
    ignorers: [],
  })
  for (const { name, content } of instrumented) writeFileSync(name, content)
  for (const path of globSync('{src,test,scripts}/**/*.ts', { cwd: to })) {
    const file = join(to, path)
    if (!file.endsWith('.d.ts')) writeFileSync(file, stripTypeScriptTypes(readFileSync(file, 'utf8')))
  }

  const texts = new Map(originals.map(({ name, content }) => [name, content.split('\n')]))
  return mutants.map(({ id, fileName, location, mutatorName, replacement, statusReason }) => ({
    id,
    file: fileName.slice(to.length + 1),
    line: location.start.line + 1,
    column: location.start.column + 1,
    mutator: mutatorName,
    original: cut(texts.get(fileName) ?? [], location),
    replacement: replacement ?? '',
    ignored: statusReason ?? null,
  }))
}

interface Position {
  readonly line: number
  readonly column: number
}

/** The text between two positions, its white space made one space each. */
function cut(
  lines: readonly string[],
  { start, end }: { readonly start: Position; readonly end: Position },
): string {
  const cutLines = lines.slice(start.line, end.line + 1)
  cutLines[cutLines.length - 1] = (cutLines.at(-1) ?? '').slice(0, end.column)
  cutLines[0] = (cutLines[0] ?? '').slice(start.column)
  return cutLines.join(' ').replace(/\s+/g, ' ').trim()
}
