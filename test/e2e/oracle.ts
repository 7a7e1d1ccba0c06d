/**
 * How upstreams read a path, written down a second time and from scratch: the fuzz compares what Postern let through
 * with this file, so it must not share a line of thought with Postern's own reading. It imports nothing on purpose.
 *
 * A reading is what is left of a path after some party has treated it in one or several of the ways below, in any
 * order. Each of them is done by a server or a framework that people run.
 */

/** One common way to treat a path. */
interface Treatment {
  readonly name: string
  readonly treat: (path: string) => string
}

const TREATMENTS: readonly Treatment[] = [
  // Nearly everybody, before routing.
  { name: 'percent-decoded', treat: (path) => decodeRuns(path, () => true) },
  // Who keeps an encoded slash as data: Go's EscapedPath users, Envoy and Apache with their defaults.
  {
    name: 'percent-decoded but for slashes',
    treat: (path) => decodeRuns(path, (byte) => byte !== 0x2f && byte !== 0x5c),
  },
  // Old decoders that do not ask for the shortest form: %C0%AF and %E0%80%AF are a slash to them.
  { name: 'overlong UTF-8 accepted', treat: overlong },
  // IIS and classic ASP.
  {
    name: '%uXXXX decoded',
    treat: (path) =>
      path.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  },
  // Windows, and browsers' URL parsers.
  { name: 'backslash as slash', treat: (path) => path.replaceAll('\\', '/') },
  // Servlet containers: Tomcat, Jetty, Spring.
  {
    name: 'parameters stripped',
    treat: (path) =>
      path
        .split('/')
        .map((segment) => segment.split(';')[0] ?? '')
        .join('/'),
  },
  // Who decodes before it splits the query or the fragment off.
  { name: 'cut at the question mark', treat: (path) => path.split('?')[0] ?? '' },
  { name: 'cut at the hash', treat: (path) => path.split('#')[0] ?? '' },
  // Everything in C.
  { name: 'cut at NUL', treat: (path) => path.split('\0')[0] ?? '' },
  // nginx, Apache, most frameworks.
  { name: 'slashes merged', treat: (path) => path.replace(/\/\/+/g, '/') },
  // RFC 3986 section 5.2.4, done by nearly everybody at some point.
  { name: 'dot segments resolved', treat: resolveDots },
  // Windows file names.
  { name: 'trailing dots and spaces dropped', treat: dropTails },
  // URL parsers that drop tabs and line breaks (WHATWG), and loggers that drop the rest.
  { name: 'control characters dropped', treat: (path) => path.replace(/[\u0000-\u001f\u007f]/g, '') },
  // Databases, directories and frameworks that normalise Unicode: a fullwidth slash becomes a slash.
  { name: 'compatibility forms replaced', treat: (path) => path.normalize('NFKC') },
  // Soft hyphens, zero-width spaces and joiners: dropped by identifier and host name preparation.
  {
    name: 'invisible characters dropped',
    treat: (path) => path.replace(/\p{Default_Ignorable_Code_Point}/gu, ''),
  },
]

/** Windows, macOS, IIS, Express and others find a route whatever its capitals. */
const FOLD: Treatment = { name: 'letters folded', treat: (path) => path.toUpperCase().toLowerCase() }

export interface Reading {
  /** The treatments that lead here, in order. */
  readonly how: string
  readonly path: string
  /** Whether capitals count no more: then they count no more in the patterns either. */
  readonly folded: boolean
}

/** A path that has more readings than this is a riddle, not a path; no honest one has a tenth of it. */
const RIDDLE = 5000

/** Every common reading of a path, as it stands first. */
export function readingsOf(path: string): Reading[] {
  const readings: Reading[] = [{ how: 'as it stands', path, folded: false }]
  // `//name/rest` names a host to whoever resolves it against a base URL.
  const authority = /^\/\/[^/]*(\/.*)?$/s.exec(path)
  if (authority)
    readings.push({ how: 'first segment taken for a host', path: authority[1] ?? '/', folded: false })
  const seen = new Set(readings.map((reading) => reading.path))
  // The list grows while it is walked: every new reading is treated in its turn.
  for (const { how, path: before, folded } of readings) {
    if (readings.length > RIDDLE) break
    for (const { name, treat } of folded ? [...TREATMENTS, FOLD] : TREATMENTS) {
      add(treat(before), folded, `${how}, ${name}`)
    }
    if (!folded) add(FOLD.treat(before), true, `${how}, ${FOLD.name}`)
  }
  return readings

  function add(text: string, folded: boolean, how: string): void {
    const key = folded ? `folded ${text}` : text
    if (seen.has(key)) return
    seen.add(key)
    readings.push({ how: how.replace('as it stands, ', ''), path: text, folded })
  }
}

/** A route as a policy describes it: the most specific pattern that matches wins. */
export interface Pattern {
  readonly route: string
  /** `/literal/:parameter/**`. */
  readonly path: string
}

/** The route that one reading selects; null when none does. */
export interface Selection {
  readonly reading: Reading
  readonly route: string | null
  readonly parameters: Readonly<Record<string, string>>
}

/** What every common reading of `path` selects. */
export function selectionsOf(patterns: readonly Pattern[], path: string): Selection[] {
  return readingsOf(path).map((reading) => {
    const matches = patterns
      .map((pattern) => ({ pattern, parameters: match(pattern.path, reading) }))
      .filter((each) => each.parameters !== null)
      .sort((one, other) => specificity(other.pattern.path).localeCompare(specificity(one.pattern.path)))
    const best = matches[0]
    return { reading, route: best?.pattern.route ?? null, parameters: best?.parameters ?? {} }
  })
}

function match(pattern: string, { path, folded }: Reading): Record<string, string> | null {
  const parameters: Record<string, string> = {}
  const wanted = segmentsOf(folded ? pattern.toLowerCase() : pattern)
  const given = segmentsOf(path)
  if (!path.startsWith('/')) return null
  for (const [at, segment] of wanted.entries()) {
    if (segment === '**') return parameters
    const found = given[at]
    if (found === undefined) return null
    if (segment.startsWith(':')) {
      if (found === '') return null
      parameters[segment.slice(1)] = decodeFully(found)
    } else if (found !== segment) return null
  }
  return given.length === wanted.length ? parameters : null
}

/** Segments, with a trailing slash making no difference: `/x/**` owns `/x`, `/x/` and all below. */
function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1)
  if (segments.at(-1) === '') segments.pop()
  return segments
}

/** Sorts patterns: a literal before a parameter before everything below, segment by segment. */
function specificity(pattern: string): string {
  const ranks = segmentsOf(pattern).map((segment) => {
    if (segment === '**') return '0'
    return segment.startsWith(':') ? '2' : '3'
  })
  // The end itself is more specific than "everything below".
  return [...ranks, '1'].join('')
}

function decodeFully(text: string): string {
  const next = decodeRuns(text, () => true)
  return next === text ? text : decodeFully(next)
}

/** Decodes each run of escapes whose bytes are wanted; bytes that are not UTF-8 are read as Latin-1. */
function decodeRuns(path: string, wanted: (byte: number) => boolean): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    const bytes = bytesOf(run)
    if (!bytes.every(wanted)) {
      // One escape at a time, so that an unwanted one does not keep its neighbours.
      return bytes
        .map((byte, at) =>
          byte < 0x80 && wanted(byte) ? String.fromCharCode(byte) : run.slice(at * 3, at * 3 + 3),
        )
        .join('')
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
    } catch {
      return String.fromCharCode(...bytes)
    }
  })
}

function bytesOf(run: string): number[] {
  return run
    .split('%')
    .slice(1)
    .map((hex) => Number.parseInt(hex, 16))
}

function overlong(path: string): string {
  return path
    .replace(/%c([01])%([89ab][0-9a-f])/gi, (_, high: string, low: string) =>
      String.fromCharCode((Number(high) << 6) | (Number.parseInt(low, 16) & 0x3f)),
    )
    .replace(/%e0%(8[01])%([89ab][0-9a-f])/gi, (_, high: string, low: string) =>
      String.fromCharCode(((Number.parseInt(high, 16) & 0x3f) << 6) | (Number.parseInt(low, 16) & 0x3f)),
    )
}

function resolveDots(path: string): string {
  const out: string[] = []
  const segments = path.split('/')
  for (const [at, segment] of segments.entries()) {
    const last = at === segments.length - 1
    if (segment === '.') {
      if (last) out.push('')
    } else if (segment === '..') {
      if (out.length > 1) out.pop()
      if (last) out.push('')
    } else out.push(segment)
  }
  return out.join('/')
}

/** `admin.` and `admin ` are `admin` to Windows; `.` and `..` are dot segments and stay. */
function dropTails(path: string): string {
  return path
    .split('/')
    .map((segment) => (/^\.{1,2} *$/.test(segment) ? segment.trimEnd() : segment.replace(/[. ]+$/, '')))
    .join('/')
}
