import type { HeaderLines } from '../core/model.ts'
import { trimmed } from '../core/white-space.ts'

const NONE: readonly string[] = []

/**
 * The header of a check from Node's `rawHeaders`: the only view in which a repeated line is still two lines. A check
 * looks up a dozen names in a dozen lines, so comparing lengths is cheaper than building an index.
 */
export class NodeHeaderLines implements HeaderLines {
  /** Names and values by turns. */
  readonly #raw: readonly string[]
  #names: string[] | null = null

  constructor(rawHeaders: readonly string[]) {
    this.#raw = rawHeaders
  }

  lines(name: string): readonly string[] {
    const raw = this.#raw
    let found: string[] | null = null
    for (let i = 0; i < raw.length; i += 2) {
      const sent = raw[i] as string
      if (sent.length !== name.length || !spells(sent, name)) continue
      // No part of a value (RFC 9110 section 5.5). Node takes them off over HTTP/1.1 and leaves them on over h2, where
      // ` Bearer x` would be no bearer token and thus none at all.
      const value = trimmed(raw[i + 1] as string)
      if (found === null) found = [value]
      else found.push(value)
    }
    return found ?? NONE
  }

  names(): readonly string[] {
    if (this.#names !== null) return this.#names
    const names: string[] = []
    for (let i = 0; i < this.#raw.length; i += 2) {
      const name = this.#raw[i] as string
      if (!isPseudo(name)) names.push(name)
    }
    this.#names = names
    return names
  }
}

/** Fields in which HTTP/2 carries the request line (RFC 9113 section 8.3): no lines of the header. */
const isPseudo = (name: string): boolean => name.charCodeAt(0) === 0x3a

/** Whether `sent` is a spelling of `name`, which is in lower case and as long. Names differ at their ends. */
function spells(sent: string, name: string): boolean {
  if (isPseudo(name)) return false
  for (let i = name.length - 1; i >= 0; i--) {
    const wanted = name.charCodeAt(i)
    const code = sent.charCodeAt(i)
    if (code === wanted) continue
    if (wanted < 0x61 || wanted > 0x7a || code !== wanted - 0x20) return false
  }
  return true
}
