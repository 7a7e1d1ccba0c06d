/**
 * What parties do to a path before they look for a handler, each in time linear in the text: a stranger chooses it.
 * Expressions and methods of strings, no loops over characters: those are as fast as the compiler's mood.
 */

/** A decoded `%2f` that is not taken for a separator. No path can hold the character itself. */
export const DATA_SLASH = '\u0001'

interface Step {
  readonly name: string
  /** Cheap test: may this step change the text at all? */
  readonly applies: (text: string) => boolean
  /** Null means: refuse. */
  readonly apply: (text: string) => string | null
}

const holds = (part: string) => (text: string) => text.includes(part)
const matches = (pattern: RegExp) => (text: string) => pattern.test(text)

/** The one step that can make of folded text what is to be folded again: `%C3%89` is an escape until then. */
export const DECODED = 'decoded'

/** What some party somewhere does. */
export const STEPS: readonly Step[] = [
  { name: DECODED, applies: holds('%'), apply: decode },
  { name: '%2f as slash', applies: holds(DATA_SLASH), apply: (text) => text.replace(/\u0001/g, '/') },
  { name: 'backslash as slash', applies: holds('\\'), apply: (text) => text.replace(/\\/g, '/') },
  { name: 'parameters stripped', applies: holds(';'), apply: (text) => text.replace(/;[^/]*/g, '') },
  {
    name: 'cut at ? or #',
    applies: matches(/[?#]/),
    apply: (text) => text.slice(0, text.search(/[?#]/)),
  },
  { name: 'slashes merged', applies: holds('//'), apply: (text) => text.replace(/\/{2,}/g, '/') },
  {
    name: 'trailing dots and spaces dropped',
    applies: (text) => /(?<=[. ])\//.test(text) || text.endsWith('.') || text.endsWith(' '),
    // A run is looked at from its start only, or a long one would cost the square of its length.
    apply: (text) => text.replace(/(?<![. ])[. ]+(?=\/|$)/g, ''),
  },
]

/**
 * What any of the steps goes by, dot segments included, but for the end of the text. Looking back from a slash costs a
 * text full of dots nothing.
 */
const REMARKABLE = /[%\u0001\\;?#]|(?<=[/. ])\//
const ALL_REMARKABLE = new RegExp(REMARKABLE, 'g')

/** Whether some step may change the text, or it holds a dot segment. */
export const isRemarkable = (text: string): boolean =>
  REMARKABLE.test(text) || text.endsWith('.') || text.endsWith(' ')

/** Places in the text that steps go by, counted to one more than `most`: each costs every step its time. */
export function oddities(text: string, most: number): number {
  let count = 0
  ALL_REMARKABLE.lastIndex = 0
  while (count <= most && ALL_REMARKABLE.test(text)) count++
  ALL_REMARKABLE.lastIndex = 0
  return count
}

/**
 * Segments `.` and `..`, also with a space and whatever dots and spaces behind them: what an upstream would resolve that
 * drops those, the dots of `..%20.` before it decodes and the space afterwards.
 */
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?: [. ]*)?(?:\/|$)/

export const holdsDotSegment = (text: string): boolean => DOT_SEGMENT.test(text)

/** Whatever has one to three dots as its compatibility form. */
const DOTS = '.\\u2024-\\u2026\\ufe19\\ufe30\\ufe52\\uff0e'

/** Where a segment begins, and where it or what counts of it ends, as it stands or in a compatibility form. */
const BEGINS = '/\\\\\\u0001\\uff0f\\uff3c\\ufe68'
const ENDS = `${BEGINS};?#\\u037e\\ufe14\\ufe54\\uff1b\\u2047\\u2048\\ufe16\\ufe56\\uff1f\\ufe5f\\uff03`

/**
 * Segments of dots, spaces and ignorable characters alone, with something beyond ASCII among them, but for those of
 * spaces alone, and of ellipses alone: somebody's text, of which no part is a dot segment. It gives up at the first
 * letter of a segment.
 */
const HIDDEN_DOTS = new RegExp(
  `(?:^|[${BEGINS}])(?!\\u2026+(?:[${ENDS}]|$))(?=[. ]*[^\\0-\\x7f])(?=\\p{Zs}*[${DOTS}\\p{DI}])[${DOTS}\\p{Zs}\\p{DI}]+(?=[${ENDS}]|$)`,
  'u',
)

/**
 * Whether a segment is a dot segment to who drops some of its dots before others are dots to it: those behind an
 * ignorable character, or before others that stand escaped beside a backslash. Folding takes all for dots at once.
 * Likewise a segment that is empty to who drops ignorable characters: who folds capitals alone has a parameter there.
 */
export const hidesDotSegment = (text: string): boolean => NON_ASCII.test(text) && HIDDEN_DOTS.test(text)

/**
 * Folds letters as a case-insensitive, normalising or best-fit upstream would: compatibility forms (`ａ`, `ſ`), default
 * ignorable characters (a soft hyphen), capitals. Also applied to route patterns.
 */
export function fold(text: string): string {
  if (!NON_ASCII.test(text)) return text.toLowerCase()
  return lowered(text.normalize('NFKC'))
}

/** The same, null where compatibility forms make more than `most` characters of a text: some stand for eighteen. */
export function foldWithin(text: string, most: number): string | null {
  if (!NON_ASCII.test(text)) return text.toLowerCase()
  const plain = text.normalize('NFKC')
  return plain.length > most ? null : lowered(plain)
}

const lowered = (text: string): string =>
  text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')

const NON_ASCII = /[^\0-\x7f]/

/** Characters that folding leaves as they are, in whatever company: most of what honest paths are written in. */
const FOLDED = /^[\0-@[-\x7fà-öø-ÿа-я一-鿿ぁ-んァ-ヴ가-힣]*$/

/** Whether folding is known to change nothing, at a fraction of its cost. */
export const isFolded = (text: string): boolean => FOLDED.test(text)

/** Ligatures and squared words: one character stands for up to eighteen. */
const WORDS = /[㈀-㏿ﷰ-﷽]/g

/** Characters that folding is worth, by the time that it takes: normalising looks at what surrounds a character. */
export const foldWork = (text: string): number =>
  NON_ASCII.test(text) ? 12 * text.length + 96 * (text.match(WORDS)?.length ?? 0) : 0

// No escape of a control character, at any depth of encoding, belongs to an honest path. Slashes as data are ours.
const CONTROL = /[\0\x02-\x1f\x7f]/

/**
 * Decodes each run of escapes once. Null for what no honest path holds at any depth of encoding: octets that are not
 * UTF-8 (one of them would hide the run around it from a strict decoder and not from a lenient one), control characters
 * and the `%u` escapes of old servers.
 */
export function decode(text: string): string | null {
  if (text.includes('%u') && /%u[0-9a-fA-F]{4}/.test(text)) return null
  if (text.includes('%01')) return null
  // First, so that the rest can be decoded in one go: a call for each of its runs would cost many times as much.
  const kept = text.replace(/%2[fF]/g, DATA_SLASH)
  const decoded = BAD_ESCAPE.test(kept) ? decodedRuns(kept) : decodedWhole(kept)
  return decoded === null || CONTROL.test(decoded) ? null : decoded
}

/** A `%` that stands for itself, as it may in what was decoded before. */
const BAD_ESCAPE = /%(?![0-9a-fA-F]{2})/

/** Null where octets are not UTF-8. */
function decodedWhole(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Null where octets are not UTF-8. */
function decodedRuns(text: string): string | null {
  try {
    return text.replace(/(?:%[0-9a-fA-F]{2})+/g, decodeURIComponent)
  } catch {
    return null
  }
}

/** An escape of what everybody takes for itself, sent raw or not: what cannot stand raw, or proxies encode on the way. */
const SETTLED = '20|22|3[cCeE]|5[eE]|60|7[bBcCdD]|[89a-fA-F][0-9a-fA-F]'
const UNSETTLED = new RegExp(`%(?!${SETTLED})`, 'g')

/** Whether a path holds an escape of what may mean something else unescaped; `%61` is another text than `a`. */
export const holdsUnsettled = (path: string): boolean => path.search(UNSETTLED) >= 0

/**
 * The reading of a path as it was sent, settled escapes decoded. Null for escapes that are bad, not UTF-8, or of control
 * characters.
 */
export function canonicalRaw(path: string): string | null {
  const decoded = BAD_ESCAPE.test(path) ? null : decodedWhole(path)
  if (decoded === null || CONTROL.test(decoded) || decoded.includes(DATA_SLASH)) return null
  // Escaping the escapes that are to stay makes one call of all the others.
  return decodeURIComponent(path.replace(UNSETTLED, '%25'))
}

/** Deeper encodings than any path that is let through has. */
const MAX_DEPTH = 32

/**
 * A path parameter decoded to the end: what its value is, whoever reads it.
 * @param known values by segment; what is decoded on the way is added, since the next reading starts from there
 */
export function parameterValue(segment: string, known: Map<string, string> = new Map()): string {
  if (!segment.includes('%')) return segment.replaceAll(DATA_SLASH, '/')
  const passed: string[] = []
  let value = segment
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const found = known.get(value)
    if (found !== undefined) {
      value = found
      break
    }
    passed.push(value)
    const next = decode(value)
    if (next === null || next === value) break
    value = next
  }
  value = value.replaceAll(DATA_SLASH, '/')
  for (const one of passed) known.set(one, value)
  return value
}
