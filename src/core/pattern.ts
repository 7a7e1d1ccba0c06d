import { fold } from './path.ts'

/** One segment of a pattern: a literal text, or a parameter that takes any one segment. */
export type Segment = { readonly literal: string } | { readonly parameter: string }

/** A path or host pattern, taken apart. */
export interface Pattern {
  readonly segments: readonly Segment[]
  /** Whether any number of further segments, none included, may follow (a final `**`). */
  readonly rest: boolean
}

/** `/mcp/:server/**` → its segments. The form has been checked by the policy's schema. */
export function pathPattern(path: string): Pattern {
  const parts = path.split('/').slice(1)
  if (parts.at(-1) === '') parts.pop()
  const rest = parts.at(-1) === '**'
  if (rest) parts.pop()
  return { segments: parts.map(segmentOf), rest }
}

/** `:org.example.com` → its labels. A bracketed address is one label. */
export function hostPattern(host: string): Pattern {
  const labels = host.startsWith('[') ? [host] : host.split('.')
  return { segments: labels.map(segmentOf), rest: false }
}

const segmentOf = (part: string): Segment =>
  part.startsWith(':') ? { parameter: part.slice(1) } : { literal: part }

export const parametersOf = (pattern: Pattern): string[] =>
  pattern.segments.flatMap((segment) => ('parameter' in segment ? [segment.parameter] : []))

/** The same pattern with folded literals, for readings whose letters are folded; itself where they are folded already. */
export function foldPattern(pattern: Pattern): Pattern {
  const folded = pattern.segments.every(
    (segment) => !('literal' in segment) || fold(segment.literal) === segment.literal,
  )
  if (folded) return pattern
  return {
    segments: pattern.segments.map((segment) =>
      'literal' in segment ? { literal: fold(segment.literal) } : segment,
    ),
    rest: pattern.rest,
  }
}

/** A key that two patterns share exactly when they match the same texts; parameter names do not count. */
export function shapeOf(pattern: Pattern): string {
  const parts = pattern.segments.map((segment) => ('literal' in segment ? `=${segment.literal}` : ':'))
  return parts.join('/') + (pattern.rest ? '/**' : '')
}

/** Whether every text that `inner` matches is matched by `outer`. */
export function contains(outer: Pattern, inner: Pattern): boolean {
  if (outer.rest ? inner.segments.length < outer.segments.length : inner.rest) return false
  if (!outer.rest && inner.segments.length !== outer.segments.length) return false
  return outer.segments.every((segment, index) => {
    if ('parameter' in segment) return true
    const other = inner.segments[index]
    return other !== undefined && 'literal' in other && other.literal === segment.literal
  })
}

/** Whether some text is matched by both. */
export function overlaps(a: Pattern, b: Pattern): boolean {
  const [short, long] = a.segments.length <= b.segments.length ? [a, b] : [b, a]
  if (short.segments.length < long.segments.length && !short.rest) return false
  return short.segments.every((segment, index) => {
    const other = long.segments[index] as Segment
    return !('literal' in segment && 'literal' in other) || segment.literal === other.literal
  })
}

/** Nothing in it is made before it is needed: at most ends of a large table there is one thing only. */
interface Node<T> {
  /** The next literal, where there is only one. */
  literal: string | null
  next: Node<T> | null
  /** All of them, where there are several. */
  literals: Map<string, Node<T>> | null
  /** Characters of the longest of them: a longer segment is not even hashed. */
  longest: number
  parameter: Node<T> | null
  end: T[] | null
  rest: T[] | null
}

const emptyNode = <T>(): Node<T> => ({
  literal: null,
  next: null,
  literals: null,
  longest: 0,
  parameter: null,
  end: null,
  rest: null,
})

function nextOf<T>(node: Node<T>, literal: string): Node<T> | undefined {
  if (node.literals !== null) return literal.length <= node.longest ? node.literals.get(literal) : undefined
  return node.literal === literal ? (node.next ?? undefined) : undefined
}

function addNext<T>(node: Node<T>, literal: string): Node<T> {
  const known = nextOf(node, literal)
  if (known !== undefined) return known
  const next = emptyNode<T>()
  node.longest = Math.max(node.longest, literal.length)
  if (node.next === null) {
    node.literal = literal
    node.next = next
  } else {
    node.literals ??= new Map([[node.literal as string, node.next]])
    node.literals.set(literal, next)
  }
  return next
}

/** Every node behind a literal. */
const allNext = <T>(node: Node<T>): Iterable<Node<T>> =>
  node.literals?.values() ?? (node.next === null ? [] : [node.next])

/** What a trie found: everything stored under the best pattern, and the segments that its parameters took. */
export interface Found<T> {
  readonly stored: readonly T[]
  readonly captures: readonly string[]
}

/**
 * Patterns by segment. A literal is preferred to a parameter and a parameter to a final `**`, so that among nested
 * patterns the innermost is found, in time that depends on the number of segments only.
 */
export class PatternTrie<T> {
  readonly #root: Node<T> = emptyNode()
  /** Literals as they stand in the trie: once each, and not as parts of a policy's text, which would stay with them. */
  readonly #literals = new Map<string, string>()

  add(pattern: Pattern, value: T): void {
    let node = this.#root
    for (const segment of pattern.segments) {
      if ('literal' in segment) node = addNext(node, this.#own(segment.literal))
      else {
        node.parameter ??= emptyNode()
        node = node.parameter
      }
    }
    if (pattern.rest) node.rest = [...(node.rest ?? []), value]
    else node.end = [...(node.end ?? []), value]
  }

  #own(literal: string): string {
    let own = this.#literals.get(literal)
    if (own === undefined) {
      own = Array.from(literal).join('')
      this.#literals.set(own, own)
    }
    return own
  }

  /**
   * The innermost pattern that matches a path, or null. A slash at its end selects nothing else. Segments are cut out
   * as far as patterns reach, so that what a stranger puts behind them costs nothing.
   */
  find(path: string): Found<T> | null {
    const captures: string[] = []
    const end = path.endsWith('/') ? path.length - 1 : path.length
    const stored = walk(this.#root, path, 1, end, captures)
    return stored === null ? null : { stored, captures }
  }

  /** Every pattern that matches, the innermost first as long as all that overlap are nested. */
  findAll(segments: readonly string[]): Found<T>[] {
    const found: Found<T>[] = []
    walkAll(this.#root, segments, 0, [], found)
    return found
  }

  /** Everything stored under patterns that share a text with `pattern`. */
  overlapping(pattern: Pattern): T[] {
    const found: T[] = []
    collect(this.#root, pattern, 0, found)
    return found
  }
}

/** @param at where the segment begins @param end of the path's last segment */
function walk<T>(node: Node<T>, path: string, at: number, end: number, captures: string[]): T[] | null {
  if (at > end) {
    return node.end ?? node.rest
  }
  const { next, parameter } = node
  if (next !== null || parameter !== null) {
    const slash = path.indexOf('/', at)
    const stop = slash < 0 ? path.length : slash
    const segment = path.slice(at, stop)
    const literal = nextOf(node, segment)
    if (literal !== undefined) {
      const found = walk(literal, path, stop + 1, end, captures)
      if (found !== null) return found
    }
    if (parameter !== null && segment !== '') {
      captures.push(segment)
      const found = walk(parameter, path, stop + 1, end, captures)
      if (found !== null) return found
      captures.pop()
    }
  }
  return node.rest
}

function walkAll<T>(
  node: Node<T>,
  segments: readonly string[],
  at: number,
  captures: readonly string[],
  found: Found<T>[],
): void {
  const segment = segments[at]
  if (segment === undefined) {
    if (node.end !== null) found.push({ stored: node.end, captures })
  } else {
    const literal = nextOf(node, segment)
    if (literal !== undefined) walkAll(literal, segments, at + 1, captures, found)
    if (node.parameter !== null && segment !== '') {
      walkAll(node.parameter, segments, at + 1, [...captures, segment], found)
    }
  }
  if (node.rest !== null) found.push({ stored: node.rest, captures })
}

function collect<T>(node: Node<T>, pattern: Pattern, at: number, found: T[]): void {
  if (node.rest !== null) found.push(...node.rest)
  const segment = pattern.segments[at]
  if (segment === undefined) {
    if (node.end !== null) found.push(...node.end)
    if (!pattern.rest) return
  }
  if (segment !== undefined && 'literal' in segment) {
    const next = nextOf(node, segment.literal)
    if (next !== undefined) collect(next, pattern, at + 1, found)
  } else for (const next of allNext(node)) collect(next, pattern, at + 1, found)
  if (node.parameter !== null) collect(node.parameter, pattern, at + 1, found)
}
