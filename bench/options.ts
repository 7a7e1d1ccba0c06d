import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface BenchOptions {
  /** Names of groups. */
  readonly only: readonly string[]
  readonly quick: boolean
  /** Where the findings go as JSON; null: nowhere. */
  readonly json: string | null
  /** Whether the findings become those of docs/performance.md. */
  readonly write: boolean
  /** Whether, instead of all that, the processor time of a warm decision is accounted for. */
  readonly profile: boolean
}

export type ParsedOptions =
  | { readonly ok: true; readonly options: BenchOptions }
  | { readonly ok: false; readonly problem: string }

/**
 * @param args without the program's own name
 * @param groups those that there are
 */
export function parseOptions(args: readonly string[], groups: readonly string[]): ParsedOptions {
  const refused = (problem: string): ParsedOptions => ({ ok: false, problem })
  let values: ReturnType<typeof parse>
  try {
    values = parse(args)
  } catch (cause) {
    return refused((cause as Error).message)
  }
  const { only = [...groups], quick, json = null, write, profile } = values
  const unknown = only.filter((name) => !groups.includes(name))
  if (unknown.length > 0)
    return refused(`there is no group ${unknown.join(', ')}; there are ${groups.join(', ')}`)
  if (profile && (write || json !== null))
    return refused('--profile only prints; the account is published with the group node')
  if (quick && write) return refused('--quick measures nothing that could be written: leave one of both out')
  return { ok: true, options: { only, quick, json, write, profile } }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  }).values
