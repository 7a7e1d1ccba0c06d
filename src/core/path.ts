/**
 * The readings of a request path. Proxies and upstreams disagree on what `%2f`, `;x`, `//` or a capital mean, so a
 * path is judged under every common reading: nonsense is refused outright, and everything else passes only where all
 * its readings select one route (CVE-2026-33494, CVE-2026-42274, CVE-2026-34908 are what happens otherwise).
 */

/** One way in which some party may understand a path. */
export interface PathReading {
  /** Segments joined by `/`; a slash that is data within a segment is U+0001. */
  readonly text: string
  /** True when letters were folded: such a reading is compared with folded patterns. */
  readonly folded: boolean
  /** The steps that lead to it, for people. */
  readonly how: string
}

export type PathJudgement =
  | { readonly ok: true; readonly readings: readonly PathReading[] }
  | { readonly ok: false; readonly reason: 'path_malformed' | 'path_ambiguous'; readonly why: string }

/** Longer paths than any upstream of good will serves. */
const MAX_LENGTH = 8192

/** More distinct readings than an honest path ever has: beyond them the path is called ambiguous. */
const MAX_READINGS = 32

/** A decoded `%2f` that is not taken for a separator. No path can hold the character itself. */
const DATA_SLASH = '\u0001'

// Classes of raw characters: 0 plain, 1 has more than one reading, 2 refused.
const PLAIN = 0
const ODD = 1
const REFUSED = 2
const CLASS = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code)
  if (code <= 0x20 || code === 0x7f || char === '\\' || char === '#') CLASS[code] = REFUSED
  else if (char === '%' || char === ';' || (char >= 'A' && char <= 'Z')) CLASS[code] = ODD
  else CLASS[code] = PLAIN
}

const refusal = (why: string): PathJudgement => ({ ok: false, reason: 'path_malformed', why })

/**
 * Splits a request target at its first `?`. By hand: `new URL` takes `//evil/x` for a host, resolves `..` and drops
 * tabs. The query is opaque and is never judged.
 */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}

/** All common readings of a raw path, the raw one first. A plain path has exactly one and costs one pass. */
export function readPath(path: string): PathJudgement {
  if (path.length > MAX_LENGTH) return refusal(`longer than ${MAX_LENGTH} characters`)
  if (path.charCodeAt(0) !== 0x2f) return refusal('does not start with a slash')
  let odd = false
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i)
    const kind = code < 128 ? CLASS[code] : REFUSED
    if (kind === REFUSED) return refusal(`holds a raw ${describe(code)}`)
    if (kind === ODD) odd = true
    else if (code === 0x2f) {
      const before = path.charCodeAt(i - 1)
      if (before === 0x2f) {
        if (i === 1) return refusal('starts with two slashes')
        odd = true
      } else if (before === 0x2e) odd = true
    }
  }
  if (path.charCodeAt(path.length - 1) === 0x2e) odd = true
  if (!odd) return { ok: true, readings: [{ text: path, folded: false, how: 'as sent' }] }
  return closure(path)
}

const describe = (code: number): string =>
  code <= 0x20 || code === 0x7f
    ? `control character or space (0x${code.toString(16).padStart(2, '0')})`
    : code > 0x7f
      ? 'non-ASCII character'
      : `\`${String.fromCharCode(code)}\``

interface Step {
  readonly name: string
  /** Cheap test: may this step change the text at all? */
  readonly applies: (text: string) => boolean
  readonly apply: (text: string) => string | null
}

const holds = (pattern: RegExp) => (text: string) => pattern.test(text)

/** What some party somewhere does to a path before it looks for a handler. `null` means: refuse. */
const STEPS: readonly Step[] = [
  { name: 'decoded', applies: holds(/%(?:[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})/), apply: decode },
  {
    name: '%2f as slash',
    applies: (text) => text.includes(DATA_SLASH),
    apply: (text) => text.replaceAll(DATA_SLASH, '/'),
  },
  {
    name: 'backslash as slash',
    applies: (text) => text.includes('\\'),
    apply: (text) => text.replaceAll('\\', '/'),
  },
  {
    name: 'parameters stripped',
    applies: (text) => text.includes(';'),
    apply: (text) => text.replace(/;[^/]*/g, ''),
  },
  { name: 'cut at ? or #', applies: holds(/[?#]/), apply: (text) => text.slice(0, text.search(/[?#]/)) },
  {
    name: 'slashes merged',
    applies: (text) => text.includes('//'),
    apply: (text) => text.replace(/\/{2,}/g, '/'),
  },
  {
    name: 'trailing dots and spaces dropped',
    applies: holds(/[. ](?:\/|$)/),
    apply: (text) => text.replace(/[. ]+(?=\/|$)/g, ''),
  },
]

/**
 * Folds letters as a case-insensitive, normalising or best-fit upstream would: compatibility forms (`ａ`, `ſ`), default
 * ignorable characters (a soft hyphen), capitals. Also applied to route patterns.
 */
export function fold(text: string): string {
  const ascii = !/[^\0-\x7f]/.test(text)
  if (ascii) return text.toLowerCase()
  return text
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
}

/** Segments `.` and `..`, also with trailing spaces: what an upstream would resolve. */
const DOT_SEGMENT = /(?:^|\/)\.{1,2} *(?:\/|$)/

/** Applies every step to every reading until nothing new appears. */
function closure(path: string): PathJudgement {
  const raw = canonicalRaw(path)
  if (raw === null) return refusal('holds an escape that is bad, not UTF-8, or encodes a control character')
  const readings: PathReading[] = [{ text: raw, folded: false, how: 'as sent' }]
  const seen = new Set([raw])
  for (let i = 0; i < readings.length; i++) {
    const { text, folded, how } = readings[i] as PathReading
    if (DOT_SEGMENT.test(text)) return refusal(`holds a dot segment (${how})`)
    const from = i === 0 ? '' : `${how}, `
    for (const step of STEPS) {
      if (!step.applies(text)) continue
      const next = step.apply(text)
      if (next === null) return refusal(`holds an escape that no honest path does (${from}${step.name})`)
      add(next, folded, from + step.name)
    }
    if (!folded) {
      const small = fold(text)
      if (small !== text) add(small, true, `${from}letters folded`)
    }
    if (readings.length > MAX_READINGS) {
      return { ok: false, reason: 'path_ambiguous', why: `has more than ${MAX_READINGS} readings` }
    }
  }
  return { ok: true, readings }

  function add(text: string, folded: boolean, how: string): void {
    const key = folded ? `\u0002${text}` : text
    if (seen.has(key)) return
    seen.add(key)
    readings.push({ text, folded, how })
  }
}

// No escape of a control character, at any depth of encoding, belongs to an honest path.
const CONTROL = /[\0-\x1f\x7f]/

// Octets that cannot stand raw in a request line, or that some proxies encode on the way: sent escaped or not, they are
// the same character to everybody.

/** The raw reading: only octets that must be escaped are decoded, so `%61` stays another text than `a`. */
function canonicalRaw(path: string): string | null {
  if (!path.includes('%')) return path
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return null
  try {
    if (CONTROL.test(decodeURIComponent(path))) return null
  } catch {
    return null
  }
  return path.replace(/(?:%(?:20|22|3[cCeE]|5[eE]|60|7[bBcCdD]|[89a-fA-F][0-9a-fA-F]))+/g, decodeURIComponent)
}

/**
 * Decodes each run of escapes once. Null for what no honest path holds at any depth of encoding: octets that are not
 * UTF-8 (one of them would hide the run around it from a strict decoder and not from a lenient one), control characters
 * and the `%u` escapes of old servers.
 */
function decode(text: string): string | null {
  if (/%u[0-9a-fA-F]{4}/.test(text)) return null
  try {
    const decoded = text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
      decodeURIComponent(run).replaceAll('/', DATA_SLASH),
    )
    return CONTROL.test(decoded.replaceAll(DATA_SLASH, '')) ? null : decoded
  } catch {
    return null
  }
}

/** A path parameter decoded to the end: what its value is, whoever reads it. */
export function parameterValue(segment: string): string {
  let value = segment
  for (let depth = 0; depth < MAX_READINGS; depth++) {
    const next = decode(value)
    if (next === null || next === value) break
    value = next
  }
  return value.replaceAll(DATA_SLASH, '/')
}
