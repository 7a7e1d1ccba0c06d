import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Environment } from '../schema/environment.ts'

/** A policy file's references: variables of the process, and files relative to the policy. */
export function nodeEnvironment(
  policyFile: string,
  variables: Readonly<Record<string, string | undefined>>,
): Environment {
  const folder = dirname(resolve(policyFile))
  return {
    variable: (name) => variables[name],
    readFile: (path) => readFileSync(resolve(folder, path), 'utf8'),
  }
}
