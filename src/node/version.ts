import { readFileSync } from 'node:fs'

/** This package's version. Two folders up in the sources as in the package. */
export const version: string = String(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version,
)
