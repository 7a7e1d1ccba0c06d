import { createHash } from 'node:crypto'
import type { CompileOutside } from '../../src/policy/compile.ts'
import { type LocatedProblem, loadPolicy } from '../../src/policy/load.ts'
import type { Policy } from '../../src/policy/schema.ts'
import { equalText } from '../../src/ports/equal-text.ts'
import { hmacSha256, sha256, sha256Hex } from '../../src/ports/node-crypto.ts'
import type { Environment } from '../../src/schema/environment.ts'
import { noKeys } from './ports.ts'

/** An environment of variables and files that stand in the test. */
export function environmentOf(
  variables: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): Environment {
  return {
    variable: (name) => variables[name],
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw new Error('no such file')
      return text
    },
  }
}

/** The policy in `text`; throws with all problems when there are any. */
export function policyOf(text: string, environment: Environment = environmentOf()): Policy {
  const loaded = loadPolicy(text, { environment, file: 'test.yaml' })
  if (loaded.ok) return loaded.policy
  throw new Error(loaded.problems.map(printed).join('\n'))
}

/** Every problem of `text`, as `postern check` prints it. */
export function problemsOf(text: string, environment: Environment = environmentOf()): string[] {
  const loaded = loadPolicy(text, { environment, file: 'test.yaml' })
  return loaded.ok ? [] : loaded.problems.map(printed)
}

const printed = ({ file, line, column, path, message }: LocatedProblem): string =>
  `${file}:${line}:${column} ${path}: ${message}`

/** A runtime with a clock of the test's own and no network. */
export function outsideOf(part: Partial<CompileOutside> = {}): CompileOutside {
  return {
    now: Date.now,
    random: () => 0,
    sha256,
    sha256Hex,
    hmacSha256,
    equalText,
    fetchText: () => Promise.reject(new Error('there is no network in this test')),
    report: () => {},
    background: () => {},
    keys: noKeys,
    seesPeers: true,
    processes: 1,
    ...part,
  }
}

/** A secret that nobody would call weak, the same for the same name. */
export const strong = (name: string): string => createHash('sha256').update(name).digest('hex')
