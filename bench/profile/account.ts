import { type Frame, IDLE, partOf } from './parts.ts'

/** A profile as V8 gives it; times are microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: Frame
    readonly children?: readonly number[]
  }[]
  /** The node in which each sample was taken. */
  readonly samples?: readonly number[]
  /** The time before each sample. */
  readonly timeDeltas?: readonly number[]
}

/** A part of a check, and how much of the processor time it takes. */
export interface PartTime {
  readonly part: string
  /** Of everything but waiting, from 0 to 1. */
  readonly share: number
  /** Where most of it is spent: functions with their file. */
  readonly most: readonly string[]
}

/** What no file stands for, and no caller that has one. */
const REST = "the rest of Node's own code"
const MOST = 3

/** Adds up where a profile's time was spent, the greatest part first. */
export function accountOf({ nodes, samples = [], timeDeltas = [] }: CpuProfile): PartTime[] {
  const parts = partsOf(nodes)
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, { total: number; readonly functions: Map<string, number> }>()
  let busy = 0
  for (const [index, id] of samples.entries()) {
    const part = parts.get(id) ?? REST
    // A sample says what ran until the next one was taken.
    const time = Math.max(0, timeDeltas[index + 1] ?? 0)
    if (part === IDLE) continue
    busy += time
    const known = times.get(part) ?? { total: 0, functions: new Map<string, number>() }
    times.set(part, known)
    known.total += time
    const name = nameOf(frames.get(id))
    known.functions.set(name, (known.functions.get(name) ?? 0) + time)
  }
  return [...times]
    .map(([part, { total, functions }]) => ({ part, share: total / busy, most: greatest(functions) }))
    .sort((a, b) => b.share - a.share)
}

/** The part of every node: its own, or that of the nearest caller that has one. */
function partsOf(nodes: CpuProfile['nodes']): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parts = new Map<number, string>()
  const inherited: { id: number; from: string }[] = []
  const roots = new Set(nodes.map(({ id }) => id))
  for (const { children = [] } of nodes) for (const child of children) roots.delete(child)
  for (const id of roots) inherited.push({ id, from: REST })
  for (let next = inherited.pop(); next !== undefined; next = inherited.pop()) {
    const node = byId.get(next.id)
    if (node === undefined) continue
    const isRoot = roots.has(node.id)
    const part = isRoot ? null : partOf(node.callFrame)
    parts.set(node.id, part ?? next.from)
    for (const child of node.children ?? []) inherited.push({ id: child, from: part ?? next.from })
  }
  return parts
}

const greatest = (functions: ReadonlyMap<string, number>): string[] =>
  [...functions]
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST)
    .map(([name]) => name)

function nameOf(frame: Frame | undefined): string {
  const { functionName = '', url = '' } = frame ?? {}
  const file = url.replace(/^.*\/(?=src\/|node_modules\/)/, '')
  return file === '' ? functionName : `${functionName || '(anonymous)'} ${file}`
}
