import type { Command } from 'commander'

/** Where a command finds what it manages. */
export interface Where {
  readonly policy: string
  readonly admin?: string
  readonly tokenFile?: string
}

/** What every command that manages something takes. */
export interface Common extends Where {
  readonly json?: boolean
}

export const TOKEN_VARIABLE = 'POSTERN_ADMIN_TOKEN'

/** Adds the options that say where. */
export const located = (command: Command): Command =>
  command
    .option('--policy <file>', 'policy file: work directly on the store that it names', './postern.yaml')
    .option('--admin <url>', `admin API to ask instead; its token stands in ${TOKEN_VARIABLE}`)
    .option('--token-file <file>', `file of the token, instead of ${TOKEN_VARIABLE}`)

/** The same with a choice between people and programs. */
export const common = (command: Command): Command => located(command).option('--json', 'print JSON')

/** `a,b` as a list; an empty text is an empty list, and no text is none. */
export const listOf = (text: string | undefined): string[] | undefined =>
  text
    ?.split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

/** An empty text takes a value away. */
export const textOrNull = (text: string | undefined): string | null | undefined => (text === '' ? null : text)

/** Without what was not given. */
export const defined = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
