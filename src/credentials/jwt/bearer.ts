import type { HeaderLines } from '../../core/model.ts'
import { trimmed } from '../../core/white-space.ts'

/** What stands in Authorization: no bearer credential, one, or something that cannot be one. */
export type Bearer =
  | { readonly is: 'absent' }
  | { readonly is: 'token'; readonly token: string }
  | { readonly is: 'malformed' }
  | { readonly is: 'repeated' }

const SCHEME = 'bearer'

const ABSENT: Bearer = { is: 'absent' }
const MALFORMED: Bearer = { is: 'malformed' }
const REPEATED: Bearer = { is: 'repeated' }

/**
 * Reads `Authorization: Bearer` (RFC 6750 section 2.1). The scheme is compared without case (RFC 9110 section 11.1);
 * another scheme is somebody else's credential. Everything behind `Bearer` is presented, nothing included: a bad
 * credential must never read as none. Two lines are refused whatever they hold, since two readers may pick two.
 */
export function bearerOf(headers: HeaderLines): Bearer {
  const lines = headers.lines('authorization')
  if (lines.length > 1) return REPEATED
  const line = lines[0] ?? ''
  if (line.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return elsewhere(line)
  // What follows is part of the scheme's name only if it is a token character (RFC 9110 section 5.6.2).
  if (line[SCHEME.length] !== ' ')
    return /^[!#$%&'*+.^`|~\w-]/.test(line.slice(SCHEME.length)) ? elsewhere(line) : MALFORMED
  const token = trimmed(line, SCHEME.length)
  // No token holds a comma (RFC 6750 section 2.1): Envoy and some runtimes join two lines with one.
  if (token.includes(',')) return REPEATED
  return token === '' ? MALFORMED : { is: 'token', token }
}

/**
 * What a line of another scheme is: somebody else's credential, unless it is two lines that were joined. Outside of
 * quotes a comma parts parameters, each with its `=` (RFC 9110 section 11.2); what has none is another line's scheme.
 */
function elsewhere(line: string): Bearer {
  if (!line.includes(',')) return ABSENT
  const parts = line.split('"')
  // A quote that does not end hides nothing.
  const bare = parts.length % 2 === 1 ? parts.filter((_, at) => at % 2 === 0).join('') : line
  return /,[ \t]*[!#$%&'*+.^`|~\w-]+(?![ \t]*=|[!#$%&'*+.^`|~\w-])/.test(bare) ? REPEATED : ABSENT
}
