/** Inputs on disk: those that every pass begins with, and those that once failed and must not again. */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Failure, Input } from './target.ts'

/** An input that failed. */
export interface Found {
  readonly target: string
  /** The bytes, in base64. */
  readonly input: string
  /** What was wrong when it was found. */
  readonly failure: Failure
}

const CORPUS = join(import.meta.dirname, 'corpus')
const FOUND = join(import.meta.dirname, 'found')

const corpusFile = (target: string): string => join(CORPUS, `${target}.json`)

/** The kept inputs of a target, written as Latin-1 in JSON. */
export function corpusOf(target: string): readonly Input[] {
  const file = corpusFile(target)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : []
}

/** Keeps inputs for later passes, in their order. */
export function keepCorpus(target: string, inputs: readonly Input[]): void {
  mkdirSync(CORPUS, { recursive: true })
  const lines = inputs.map((input) => `  ${JSON.stringify(input).replace(/[^\x20-\x7e]/g, escaped)}`)
  writeFileSync(corpusFile(target), lines.length === 0 ? '[]\n' : `[\n${lines.join(',\n')}\n]\n`)
}

const escaped = (byte: string): string => `\\u${byte.charCodeAt(0).toString(16).padStart(4, '0')}`

export const inputIn = ({ input }: Found): Input => Buffer.from(input, 'base64').toString('latin1')

export function foundOf(target: string): readonly Found[] {
  return globSync(`${target}/*.json`, { cwd: FOUND })
    .sort()
    .map((file) => JSON.parse(readFileSync(join(FOUND, file), 'utf8')) as Found)
}

/** Writes a fixture. @returns its file */
export function keepFound(target: string, input: Input, failure: Failure): string {
  const bytes = Buffer.from(input, 'latin1')
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  const file = join(FOUND, target, `${name}.json`)
  const found: Found = { target, input: bytes.toString('base64'), failure }
  mkdirSync(join(FOUND, target), { recursive: true })
  writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`)
  return file
}
