/**
 * JSON as RFC 8725 section 2.4 and RFC 7515 section 10.12 want it for tokens: a member name that stands twice in one
 * object is refused at any depth, because two readers could pick different ones. JSON.parse keeps the last one.
 */

/** No honest token or key set nests deeper. */
const MAX_DEPTH = 32

/**
 * The value of a JSON text, exactly as JSON.parse gives it; undefined for what is not JSON, holds a duplicate member
 * or nests deeper than 32. Never throws, in time linear in the text.
 *
 * Duplicates are found by counting: every member that the text has and the value has not was one.
 */
export function parseStrict(text: string): unknown {
  const members = membersOfText(text)
  if (members < 0) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return membersOfValue(value) === members ? value : undefined
  } catch {
    return undefined
  }
}

/** Colons outside of strings, which in valid JSON are its members; -1 when it nests too deep. */
function membersOfText(text: string): number {
  let depth = 0
  let members = 0
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        i = endOfString(text, i + 1)
        break
      case 0x3a: // :
        members++
        break
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MAX_DEPTH) return -1
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
    }
  }
  return members
}

/** The position of the quote that closes a string; the end of the text where there is none. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start)
  while (quote >= 0) {
    let before = quote
    while (before > start && text.charCodeAt(before - 1) === 0x5c) before--
    if ((quote - before) % 2 === 0) return quote
    quote = text.indexOf('"', quote + 1)
  }
  return text.length
}

/** Members of all objects within `value`; its depth has been judged before. */
function membersOfValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += membersOfValue(item)
    return members
  }
  for (const item of Object.values(value)) members += 1 + membersOfValue(item)
  return members
}
