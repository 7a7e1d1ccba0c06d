/** Structured fields as RFC 9651 section 4.2 has them read: lists of strings with integer parameters, strictly. */

/** One member of a list. */
export interface Item {
  readonly name: string
  readonly parameters: Readonly<Record<string, number>>
}

/** The members of a list; null when a strict reader would give the field up. */
export function itemsIn(text: string): readonly Item[] | null {
  const items: Item[] = []
  let rest = text
  while (true) {
    const member =
      /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"((?:;[a-z*][a-z0-9_.*-]*=-?\d{1,15})*)/.exec(rest)
    if (member === null) return null
    const pairs = (member[2] ?? '')
      .split(';')
      .slice(1)
      .map((pair) => pair.split('='))
    items.push({
      name: (member[1] ?? '').replace(/\\(.)/g, '$1'),
      parameters: Object.fromEntries(pairs.map(([key = '', value]) => [key, Number(value)])),
    })
    rest = rest.slice(member[0].length)
    if (rest === '') return items
    const comma = /^[ \t]*,[ \t]*/.exec(rest)
    if (comma === null) return null
    rest = rest.slice(comma[0].length)
  }
}

/** A challenge of WWW-Authenticate: one scheme, parameters in quotes (RFC 9110 section 11.6.1). */
export const isChallenge = (text: string): boolean =>
  /^[A-Za-z]+ [a-z_]+="(?:[^"\\]|\\.)*"(?:, [a-z_]+="(?:[^"\\]|\\.)*")*$/.test(text)

/** The trace id in a `traceparent` (W3C Trace Context section 3.2); null when it is none. */
export function traceIn(lines: readonly string[]): string | null {
  const [line = '', ...others] = lines
  const parts = line.split('-')
  const [version = '', trace = '', parent = '', flags = ''] = parts
  const hex = (part: string, length: number) => part.length === length && /^[0-9a-f]*$/.test(part)
  if (others.length > 0 || !hex(version, 2) || !hex(trace, 32) || !hex(parent, 16) || !hex(flags, 2))
    return null
  if (version === 'ff' || (version === '00' && parts.length !== 4)) return null
  return /[1-9a-f]/.test(trace) && /[1-9a-f]/.test(parent) ? trace : null
}
