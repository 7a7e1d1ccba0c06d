import type { Path } from '../schema/problem.ts'
import type { Unresolved } from './artefact.ts'
import type { Draft } from './draft.ts'
import { inspectCredentials } from './inspect/credentials.ts'
import { inspectGateway } from './inspect/gateway.ts'
import { inspectProxies } from './inspect/proxies.ts'
import { namesIn } from './names.ts'
import { textOf } from './places.ts'

/** Inspectors of sections whose secrets strangers are held against. */
const INSPECTORS = [inspectProxies, inspectGateway, inspectCredentials]

/**
 * Gives the secrets of a policy that was checked without them their values, and checks those.
 * @param variable the value of a name; undefined where there is none
 * @returns every problem as `path: what is wrong`, never with a value; empty when there is none
 */
export function resolveSecrets(
  { policy, secrets }: Unresolved,
  variable: (name: string) => string | undefined,
): string[] {
  const problems: string[] = []
  const report = (path: Path, message: string) => void problems.push(`${textOf(path)}: ${message}`)
  for (const { path, secret } of secrets) {
    const { source } = secret
    if (!('env' in source)) {
      report(path, `refers to the file ${source.file}, and a Worker has none`)
      continue
    }
    const value = variable(source.env)
    if (value === undefined)
      report(path, `refers to ${source.env}, which is not bound: wrangler secret put ${source.env}`)
    else if (value === '')
      report(path, `refers to ${source.env}, which is empty: wrangler secret put ${source.env}`)
    else secret.resolve(value)
  }
  const names = namesIn(policy)
  // A whole policy is a draft in which nothing is missing.
  for (const inspector of INSPECTORS) inspector(policy as Draft, names, report, 'workers')
  return problems
}
