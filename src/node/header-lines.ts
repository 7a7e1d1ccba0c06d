import type { HeaderLines } from '../core/model.ts'

const NONE: readonly string[] = []

/** Spellings of header names that are remembered, and the longest one worth it. */
const SPELLINGS = 512
const LONGEST = 48

const spellings = new Map<string, string>()

/** A name in lower case. A proxy sends the same dozen names with every check, so most are only looked up. */
function lowerCase(name: string): string {
  const known = spellings.get(name)
  if (known !== undefined) return known
  // As a property key it becomes the one copy of its text, which is compared by its address.
  const lower = Object.keys({ [name.toLowerCase()]: 0 })[0] ?? ''
  if (name.length > LONGEST) return lower
  if (spellings.size >= SPELLINGS) spellings.clear()
  spellings.set(name, lower)
  return lower
}

/**
 * The header of a check from Node's `rawHeaders`: the only view in which a repeated line is still two lines.
 * Pseudo-header fields of HTTP/2 (RFC 9113 section 8.3) are no lines of it.
 */
export class NodeHeaderLines implements HeaderLines {
  readonly #names: string[] = []
  readonly #lower: string[] = []
  readonly #values: string[] = []

  constructor(rawHeaders: readonly string[]) {
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string
      if (name.charCodeAt(0) === 0x3a) continue
      this.#names.push(name)
      this.#lower.push(lowerCase(name))
      this.#values.push(rawHeaders[i + 1] as string)
    }
  }

  lines(name: string): readonly string[] {
    const at = this.#lower.indexOf(name)
    if (at < 0) return NONE
    const values = this.#values
    const found = [values[at] as string]
    for (
      let next = this.#lower.indexOf(name, at + 1);
      next >= 0;
      next = this.#lower.indexOf(name, next + 1)
    ) {
      found.push(values[next] as string)
    }
    return found
  }

  names(): readonly string[] {
    return this.#names
  }
}
