import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
  type YAMLMap,
} from 'yaml'
import type { Path, Problem } from '../schema/problem.ts'
import { keyText, plainOf } from './source/plain.ts'

/** Where something stands in a file: both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A fault of the text itself, already with its place. */
export type Fault = Problem & Position

/** A policy text as data, with the place of everything in it. */
export interface Source {
  /** Undefined when there is nothing to look at. */
  readonly data: unknown
  readonly faults: readonly Fault[]
  /** Where the text stops being YAML: what the parser made of the rest is a guess. Null when all of it is. */
  readonly broken: Position | null
  /** The place of a value; of the nearest thing around it when it is missing. */
  positionOf(path: Path): Position
  /** The place of the key itself. */
  positionOfKey(path: Path): Position
}

const MAX_CHARACTERS = 4 * 1024 * 1024

const TOO_DEEP = 'is nested deeper than any policy: write fewer levels'

const START: Position = { line: 1, column: 1 }

/**
 * Reads YAML 1.2, and with it JSON. What makes a file mean another thing than it seems to is a fault: duplicate keys,
 * anchors and aliases, tags, merge keys, a second document, the rules of YAML 1.1.
 */
export function readSource(text: string): Source {
  if (text.length > MAX_CHARACTERS) return unreadable('is larger than 4 MiB: split what it guards')
  const lines = new LineCounter()
  const documents = documentsIn(text, lines)
  if (documents === null) return unreadable(TOO_DEEP)
  const [document, second] = documents
  if (document === undefined || !('contents' in document))
    return unreadable('is empty: run `postern init` for a start')
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults = faultsOf(document, at)
  const broken = faults[0] ?? null
  if (second !== undefined)
    faults.push({ ...at(second.range[0]), path: [], message: 'starts a second document: a policy is one' })
  if (document.directives.yaml.version !== '1.2') {
    const message = `has a %YAML ${document.directives.yaml.version} directive: leave it out, a policy is YAML 1.2`
    faults.push({ ...START, path: [], message })
  }
  const finder = new Finder(document.contents)
  const { data, faults: odd } = plainOf(document.contents)
  for (const { offset, path, message } of odd) faults.push({ ...at(offset), path, message })
  if (data === null && faults.length === 0) return unreadable('is empty: run `postern init` for a start')
  return {
    data,
    faults,
    broken,
    positionOf: (path) => at(offsetOf(finder.find(path))),
    positionOfKey: (path) => at(finder.find(path).key?.range?.[0] ?? 0),
  }
}

/** Null where they nest so deep that the parser, which is recursive, runs out of stack before it can say so. */
function documentsIn(
  text: string,
  lineCounter: LineCounter,
): ReturnType<typeof parseAllDocuments<ParsedNode>> | null {
  try {
    // Keys are compared in plainOf: the parser's own comparison takes time in the square of their number.
    return parseAllDocuments<ParsedNode>(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: false,
      merge: false,
    })
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
}

/** What the parser could not read, each place once. Warnings are about tags, which plainOf refuses with their path. */
function faultsOf(document: Document.Parsed, at: (offset: number) => Position): Fault[] {
  const faults: Fault[] = []
  for (const { code, message, pos } of document.errors) {
    if (code === 'TAG_RESOLVE_FAILED' || code === 'MULTIPLE_DOCS') continue
    // The parser is recursive: this is how it says that it ran out of stack, again at every level.
    if (code === 'RESOURCE_EXHAUSTION') {
      return [{ ...at(pos[0]), path: [], message: TOO_DEEP }]
    }
    faults.push({ ...at(pos[0]), path: [], message: `is not YAML: ${message}` })
  }
  return faults.sort((a, b) => a.line - b.line || a.column - b.column)
}

interface Found {
  readonly key: Node | null
  readonly value: Node | null
}

/** Finds what stands at a path. Pairs are indexed, since a file with many problems is looked at as often. */
class Finder {
  readonly #root: Node | null
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string | null, Pair>>()

  constructor(root: unknown) {
    this.#root = root as Node | null
  }

  /** What stands at `path`, or at as much of it as there is. */
  find(path: Path): Found {
    let found: Found = { key: null, value: this.#root }
    for (const step of path) {
      const { value } = found
      if (isMap(value)) {
        const pair = this.#pairsOf(value).get(String(step))
        if (pair === undefined) break
        found = { key: pair.key as Node, value: pair.value as Node | null }
      } else if (isSeq(value)) {
        const item = value.items[Number(step)] as Node | undefined
        if (item === undefined) break
        found = { key: null, value: item }
      } else break
    }
    return found
  }

  /** The first pair of each key: those that repeat it are faults, and their place is known. */
  #pairsOf(map: YAMLMap): ReadonlyMap<string | null, Pair> {
    const known = this.#pairs.get(map)
    if (known !== undefined) return known
    const pairs = new Map(map.items.toReversed().map((pair) => [keyText(pair.key), pair]))
    this.#pairs.set(map, pairs)
    return pairs
  }
}

/** A block starts at its key, which is what a person looks for; everything else where it is written. */
function offsetOf({ key, value }: Found): number {
  const isBlock = (isMap(value) || isSeq(value)) && value.flow !== true
  const isNothing = value === null || (isScalar(value) && value.source === '')
  return (key !== null && (isBlock || isNothing) ? key : value)?.range?.[0] ?? 0
}

const unreadable = (message: string): Source => ({
  data: undefined,
  faults: [{ ...START, path: [], message }],
  broken: START,
  positionOf: () => START,
  positionOfKey: () => START,
})
