/**
 * The readings of a request path. Proxies and upstreams disagree on what `%2f`, `;x`, `//` or a capital mean, so a
 * path is judged under every common reading: nonsense is refused outright, and everything else passes only where all
 * its readings select one route (CVE-2026-33494, CVE-2026-42274, CVE-2026-34908 are what happens otherwise).
 */

import {
  canonicalRaw,
  DECODED,
  foldWithin,
  foldWork,
  hidesDotSegment,
  holdsDotSegment,
  holdsUnsettled,
  isFolded,
  isRemarkable,
  oddities,
  STEPS,
} from './path-steps.ts'

export { fold, parameterValue } from './path-steps.ts'

/** One way in which some party may understand a path. */
export interface PathReading {
  /** Segments joined by `/`; a slash that is data within a segment is U+0001. */
  readonly text: string
  /** True when letters were folded: such a reading is compared with folded patterns. */
  readonly folded: boolean
  /** Whether folding its letters makes another text of it; that one is a reading too. */
  readonly foldable: boolean
  /** The steps that lead to it, for people. */
  readonly how: string
}

export type PathJudgement =
  | { readonly ok: true; readonly readings: readonly PathReading[] }
  | { readonly ok: false; readonly reason: 'path_malformed' | 'path_ambiguous'; readonly why: string }

/** Longer paths than any upstream of good will serves. */
const MAX_LENGTH = 8192

/** The same of paths with more to read otherwise than capitals: with letters escaped, and with them decoded. */
const MAX_ODD_LENGTH = 4096
const MAX_ODD_TEXT = 2048

/** More distinct readings than an honest path ever has: beyond them the path is called ambiguous. */
const MAX_READINGS = 32

/** More escapes, parameters and the like than an honest path holds. */
const MAX_ODDITIES = 96

/**
 * Characters that all steps to the readings of one path may go through, each step counting for STEP more and each
 * oddity of the path for ODDITY, so that the longer and the odder a path is the fewer readings it may have.
 */
const MAX_WORK = 12_288
const STEP = 60
const ODDITY = 4

/** What no request target can hold as it is. */
const UNSENDABLE = /[^!"$-[\]-~]/

/** What in a path leads to another reading, but for a dot at its end: one look at what nearly every path is. */
const UNUSUAL = /[^!"$&-:<-@[\]-~]|(?<=[/.])\//
/** The same but for capitals, which lead to one more and no further. */
const ODD = /[%;]|(?<=[/.])\//

const refusal = (why: string): PathJudgement => ({ ok: false, reason: 'path_malformed', why })
const riddle = (why: string): PathJudgement => ({ ok: false, reason: 'path_ambiguous', why })
const tooLong = (): PathJudgement =>
  riddle('is too long, or holds too much that is odd, to be read in every way')

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
  if (!path.startsWith('/')) return refusal('does not start with a slash')
  if (path.startsWith('//')) return refusal('starts with two slashes')
  const dotted = path.endsWith('.')
  if (!UNUSUAL.test(path) && !dotted) return { ok: true, readings: [new Reading(path)] }
  const unsendable = path.search(UNSENDABLE)
  if (unsendable >= 0) return refusal(`holds a raw ${describe(path.charCodeAt(unsendable))}`)
  if (!ODD.test(path) && !dotted) {
    const reading = new Reading(path)
    return { ok: true, readings: [reading, reading.foldedTo(path.toLowerCase())] }
  }
  if (path.length > MAX_ODD_TEXT && (path.length > MAX_ODD_LENGTH || holdsUnsettled(path))) return tooLong()
  const raw = canonicalRaw(path)
  if (raw === null) return refusal('holds an escape that is bad, not UTF-8, or encodes a control character')
  const odd = oddities(raw, MAX_ODDITIES)
  return raw.length > MAX_ODD_TEXT || odd > MAX_ODDITIES ? tooLong() : closure(new Reading(raw), odd)
}

const describe = (code: number): string =>
  code <= 0x20 || code === 0x7f
    ? `control character or space (0x${code.toString(16).padStart(2, '0')})`
    : code > 0x7f
      ? 'non-ASCII character'
      : `\`${String.fromCharCode(code)}\``

/** A reading that knows where it comes from, so that it is put into words only for somebody who asks. */
class Reading implements PathReading {
  readonly text: string
  readonly folded: boolean
  foldable = false
  readonly #before: Reading | null
  readonly #step: string

  constructor(text: string, folded = false, before: Reading | null = null, step = 'as sent') {
    this.text = text
    this.folded = folded
    this.#before = before
    this.#step = step
  }

  get how(): string {
    return this.#before === null ? this.#step : this.#before.andThen(this.#step)
  }

  /** The steps that lead to what a further step makes of it. */
  andThen(step: string): string {
    return this.#before === null ? step : `${this.how}, ${step}`
  }

  /** Whether folding may change it: folded text stays so but for what was escaped in it. */
  get mayFold(): boolean {
    return (!this.folded || this.#step === DECODED) && !isFolded(this.text)
  }

  foldedTo(small: string): Reading {
    this.foldable = true
    return new Reading(small, true, this, 'letters folded')
  }
}

/** Applies every step to every reading until nothing new appears. @param odd oddities of the path: no reading has more */
function closure(raw: Reading, odd: number): PathJudgement {
  const step = STEP + ODDITY * odd
  const readings: Reading[] = [raw]
  const seen = new Set([raw.text])
  const seenFolded = new Set<string>()
  let work = 0
  for (let i = 0; i < readings.length; i++) {
    const reading = readings[i] as Reading
    const { text, folded } = reading
    const known = folded ? seenFolded : seen
    // Whether any step applies is looked for in the whole of it.
    work += text.length
    if (isRemarkable(text)) {
      if (holdsDotSegment(text)) return refusal(`holds a dot segment (${reading.how})`)
      for (const { name, applies, apply } of STEPS) {
        if (!applies(text)) continue
        work += step + text.length
        if (work > MAX_WORK) return tooLong()
        const next = apply(text)
        if (next === null)
          return refusal(`holds an escape that no honest path does (${reading.andThen(name)})`)
        if (!known.has(next)) {
          known.add(next)
          readings.push(new Reading(next, folded, reading, name))
        }
      }
    }
    if (reading.mayFold) {
      work += step + foldWork(text)
      if (work > MAX_WORK) return tooLong()
      if (hidesDotSegment(text)) return refusal(`hides a dot or empty segment (${reading.how})`)
      const small = foldWithin(text, 2 * MAX_ODD_TEXT)
      if (small === null || oddities(small, MAX_ODDITIES) > MAX_ODDITIES) return tooLong()
      if (small !== text) {
        const other = reading.foldedTo(small)
        if (!seenFolded.has(small)) {
          seenFolded.add(small)
          readings.push(other)
        }
      }
    }
    if (readings.length > MAX_READINGS) return riddle(`has more than ${MAX_READINGS} readings`)
  }
  return { ok: true, readings }
}
