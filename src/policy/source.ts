import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  visit,
} from 'yaml'
import type { Path, Problem } from '../schema/problem.ts'

/** Where something stands in a file: both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A policy text as data, with the place of everything in it. */
export interface Source {
  readonly data: unknown
  /** Faults of the text itself, already with their places. */
  readonly faults: readonly (Problem & Position)[]
  /** The place of a value; of the nearest thing around it when it is missing. */
  positionOf(path: Path): Position
  /** The place of the key itself. */
  positionOfKey(path: Path): Position
}

const MAX_CHARACTERS = 4 * 1024 * 1024

const START: Position = { line: 1, column: 1 }

/**
 * Reads YAML 1.2, and with it JSON. What makes a file mean another thing than it seems to is a fault: duplicate keys,
 * anchors and aliases, tags, merge keys, a second document.
 */
export function readSource(text: string): Source {
  if (text.length > MAX_CHARACTERS)
    return faulty({ ...START, path: [], message: 'is larger than 4 MiB: split what it guards' })
  const lines = new LineCounter()
  const [document, second] = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: true,
    stringKeys: true,
    merge: false,
  })
  if (document === undefined || !('contents' in document))
    return faulty({ ...START, path: [], message: 'is empty: run `postern init` for a start' })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults: (Problem & Position)[] = [...document.errors, ...document.warnings].map((error) => ({
    ...at(error.pos[0]),
    path: error.code === 'DUPLICATE_KEY' ? pathOfKey(document.contents, error.pos[0]) : [],
    message: FAULTS[error.code] ?? `cannot be read: ${firstLine(error.message)}`,
  }))
  if (second !== undefined)
    faults.push({ ...at(second.range[0]), path: [], message: 'starts a second document: a policy is one' })
  visit(document, {
    Node: (_, node) => {
      const message = oddityOf(node)
      if (message !== null) faults.push({ ...at(node.range?.[0] ?? 0), path: [], message })
    },
    Pair: (_, { key }) => {
      if (!isScalar(key) || key.value !== '__proto__') return
      const offset = key.range?.[0] ?? 0
      faults.push({
        ...at(offset),
        path: pathOfKey(document.contents, offset),
        message: 'is not a name: choose another',
      })
    },
  })
  if (faults.length > 0 && document.errors.some(({ code }) => code !== 'DUPLICATE_KEY'))
    return faulty(...faults)
  const root = document.contents
  const find = (path: Path): { key: Node | null; value: Node | null } => {
    let key: Node | null = null
    let value = root as Node | null
    for (const step of path) {
      if (isMap(value)) {
        const pair: Pair | undefined = value.items.find(
          (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
        )
        if (pair === undefined) break
        key = pair.key as Node
        value = (pair.value ?? pair.key) as Node
      } else if (isSeq(value)) {
        const item = value.items[Number(step)] as Node | undefined
        if (item === undefined) break
        key = value = item
      } else break
    }
    return { key, value }
  }
  return {
    data: plain(root),
    faults,
    positionOf: (path) => at(find(path).value?.range?.[0] ?? 0),
    positionOfKey: (path) => at(find(path).key?.range?.[0] ?? 0),
  }
}

/** The path of the key that starts at `offset`. */
function pathOfKey(node: unknown, offset: number): Path {
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const rest = pathOfKey(item, offset)
      if (rest.length > 0) return [index, ...rest]
    }
  }
  if (!isMap(node)) return []
  for (const { key, value } of node.items) {
    if (!isScalar(key)) continue
    if (key.range?.[0] === offset) return [String(key.value)]
    const rest = pathOfKey(value, offset)
    if (rest.length > 0) return [String(key.value), ...rest]
  }
  return []
}

const FAULTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'stands here a second time: keep one of the two',
  TAG_RESOLVE_FAILED: 'has a tag: write plain values',
}

/** What makes a node mean more than it shows. */
function oddityOf(node: Node & { readonly anchor?: string; readonly tag?: string }): string | null {
  if (isAlias(node)) return 'is an alias: write the value out'
  if (node.anchor !== undefined) return `has the anchor &${node.anchor}: write values out, without anchors`
  return node.tag === undefined ? null : `has the tag ${node.tag}: write plain values`
}

const firstLine = (text: string): string => text.split('\n')[0]?.replace(/ at line .*$/, '') ?? text

const faulty = (...faults: (Problem & Position)[]): Source => ({
  data: null,
  faults,
  positionOf: () => START,
  positionOfKey: () => START,
})

/** Nodes as plain data. A key named `__proto__` is a fault of its own and is left out. */
function plain(node: unknown): unknown {
  if (isMap(node)) {
    const object: Record<string, unknown> = {}
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key)
      if (name !== '__proto__') object[name] = plain(value)
    }
    return object
  }
  if (isSeq(node)) return node.items.map(plain)
  if (isScalar(node)) return node.value
  return null
}
