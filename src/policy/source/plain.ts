import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml'
import type { Path } from '../../schema/problem.ts'

/** Something in the text that means more, or less, than it shows. */
export interface Oddity {
  readonly path: Path
  readonly message: string
  readonly offset: number
}

/** Levels. A policy has eight. */
const MAX_DEPTH = 32

/** Keys that reach the prototype of an object somewhere in the world: no field, no name. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** YAML nodes as plain data. What is odd is reported and left out, so that it can have no effect. */
export function plainOf(root: unknown): { readonly data: unknown; readonly faults: readonly Oddity[] } {
  const faults: Oddity[] = []

  const plain = (node: unknown, path: Path): unknown => {
    if (node === null || node === undefined) return null
    const { range } = node as Node
    const odd =
      path.length > MAX_DEPTH ? 'is nested deeper than any policy: write fewer levels' : oddityOf(node)
    if (odd !== null) {
      faults.push({ path, message: odd, offset: range?.[0] ?? 0 })
      return undefined
    }
    if (isScalar(node)) return node.value
    // A hole would be another thing than an item that is left out: lists keep the places of their items.
    if (isSeq(node)) return node.items.map((item, index) => plain(item, [...path, index]))
    if (!isMap(node)) return undefined
    const object: Record<string, unknown> = {}
    for (const { key, value } of node.items) {
      const name = keyText(key)
      const at = [...path, name ?? '']
      const oddKey = name === null ? 'is not a name: write a text' : oddityOfKey(name, key, object)
      if (oddKey !== null || name === null) {
        faults.push({ path: at, message: oddKey ?? '', offset: (key as Node).range?.[0] ?? 0 })
        continue
      }
      const item = plain(value, at)
      if (item !== undefined) object[name] = item
    }
    return object
  }

  return { data: plain(root, []), faults }
}

/** A key as it is written; null for one that is not a scalar. */
export const keyText = (key: unknown): string | null =>
  isScalar(key) ? (typeof key.value === 'string' ? key.value : (key.source ?? '')) : null

function oddityOf(node: unknown): string | null {
  if (isAlias(node)) return 'is an alias: write the value out'
  const { anchor, tag } = node as { readonly anchor?: string; readonly tag?: string }
  if (anchor !== undefined) return `has the anchor &${anchor}: write values out, without anchors`
  return tag === undefined ? null : `has the tag ${tag}: write plain values`
}

function oddityOfKey(name: string, key: unknown, object: Readonly<Record<string, unknown>>): string | null {
  const odd = oddityOf(key)
  if (odd !== null) return odd
  if (name === '<<') return 'is a merge key: write the fields out'
  if (RESERVED.has(name)) return 'is not a name: choose another'
  return Object.hasOwn(object, name) ? 'stands here a second time: keep one of the two' : null
}
