import { version } from './version.ts'

export interface ReadyFacts {
  /** Addresses of the listeners by name. */
  readonly listen: Readonly<Record<string, string>>
  /** The policy file as the operator named it. */
  readonly policy: string
  /** Where there are several. */
  readonly workers?: number
}

/** The first line of output: where to reach us. In ASCII like the records, whatever the file is called. */
export function readyLine({ listen, policy, ...rest }: ReadyFacts): string {
  const line = JSON.stringify({ event: 'ready', listen, version, policy, ...rest })
  return `${line.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}
