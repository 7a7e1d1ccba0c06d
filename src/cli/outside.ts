import { dirname, resolve } from 'node:path'
import { type NodeOutside, nodeOutside } from '../ports/node-outside.ts'
import type { Io } from './io.ts'

/** The runtime as a command has it: what the operator should hear of goes to standard error. */
export const outsideOf = ({ stderr }: Pick<Io, 'stderr'>): NodeOutside =>
  nodeOutside((event, details) => stderr.write(`${event} ${JSON.stringify(details)}\n`))

/** How a command opens paths of a policy: relative to its file. */
export function pathsOf(policyFile: string, { cwd }: Pick<Io, 'cwd'>): (path: string) => string {
  const folder = dirname(resolve(cwd, policyFile))
  return (path) => resolve(folder, path)
}
