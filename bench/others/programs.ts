import { randomBytes } from 'node:crypto'
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program that users would otherwise pick, with the configuration that verifies the token of the benchmark. */
export interface Program {
  readonly name: string
  /** Where it is asked, as Traefik would ask it. */
  readonly path: string
  /** Files of this folder; the first is the configuration, another one its rules. */
  readonly files: readonly string[]
  /** @param configuration the first file, filled in */
  arguments(configuration: string): readonly string[]
}

export const PROGRAMS: readonly Program[] = [
  {
    name: 'oauth2-proxy',
    path: '/oauth2/auth',
    files: ['oauth2-proxy.cfg'],
    arguments: (configuration) => [`--config=${configuration}`],
  },
  {
    name: 'heimdall',
    path: '/',
    files: ['heimdall.yaml', 'heimdall-rules.yaml'],
    // Its keys come over loopback, and so do its checks.
    arguments: (configuration) => [
      ...['serve', 'decision', '--config', configuration],
      ...['--insecure-skip-ingress-tls-enforcement', '--insecure-skip-egress-tls-enforcement'],
    ],
  },
  {
    name: 'oathkeeper',
    path: '/decisions',
    files: ['oathkeeper.yaml', 'oathkeeper-rules.yaml'],
    arguments: (configuration) => ['serve', '--config', configuration],
  },
]

/** What the files call by `@NAME@`. */
export type Places = Readonly<Record<string, string | number>>

/** The program on the PATH; null when it is not there. */
export function onPath(name: string, path = process.env['PATH'] ?? ''): string | null {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not in this folder.
    }
  }
  return null
}

/**
 * Writes the files of a program, filled in.
 * @param folder an empty one
 * @returns the path of its configuration
 * @throws when a file calls what nobody has named
 */
export function writeFiles({ files }: Program, folder: string, places: Places): string {
  const [, rules = ''] = files
  const all: Places = {
    ...places,
    RULES: join(folder, rules),
    COOKIE_SECRET: randomBytes(16).toString('hex'),
  }
  for (const file of files) {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8')
    const filled = text.replace(/@([A-Z_]+)@/g, (call, name: string) => {
      const value = all[name]
      if (value === undefined) throw new Error(`${file} calls ${call}, which has no value`)
      return String(value)
    })
    writeFileSync(join(folder, file), filled)
  }
  return join(folder, files[0] ?? '')
}
