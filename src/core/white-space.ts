/**
 * What stands behind `from`, without the spaces and tabs around it: the optional white space of a header field (RFC
 * 9110 section 5.6.3). `trim` takes more away, a no-break space for one, and no other reader does.
 */
export function trimmed(text: string, from = 0): string {
  let [start, end] = [from, text.length]
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09
