import type { Path } from '../schema/problem.ts'

/** A policy's data without the faulty parts that are taken out, which remembers where the others stood. */
export class Remainder {
  #data: unknown
  /** Whether it is a copy: most policies have no fault, and a large one takes long to copy. */
  #own = false
  /** For lists that lost items: the places that the remaining ones had. */
  readonly #places = new WeakMap<unknown[], readonly number[]>()

  constructor(data: unknown) {
    this.#data = data
  }

  get data(): unknown {
    return this.#data
  }

  /** The path in the file of what stands at `path` here. */
  original(path: Path): Path {
    let value: unknown = this.#data
    return path.map((step) => {
      const place = Array.isArray(value) ? (this.#places.get(value)?.[Number(step)] ?? step) : step
      value = childOf(value, step)
      return place
    })
  }

  has(path: Path): boolean {
    return path.length === 0 || path.reduce(childOf, this.#data) !== undefined
  }

  /** Takes out what is at each path; where nothing is, what should have held it. */
  remove(paths: readonly Path[]): void {
    if (!this.#own) this.#data = structuredClone(this.#data)
    this.#own = true
    // Lists are shortened at the end, since taking an item out moves all behind it.
    const items = new Map<unknown[], Set<number>>()
    for (const path of paths) {
      for (let length = path.length; length > 0; length--) {
        const holder = path.slice(0, length - 1).reduce(childOf, this.#data)
        const step = path[length - 1] as string | number
        if (Array.isArray(holder) && Number(step) < holder.length) {
          items.set(holder, (items.get(holder) ?? new Set()).add(Number(step)))
          break
        }
        if (isMapping(holder) && Object.hasOwn(holder, step)) {
          delete holder[step]
          break
        }
      }
    }
    for (const [list, gone] of items) {
      const places = this.#places.get(list) ?? [...list.keys()]
      this.#places.set(
        list,
        places.filter((_, index) => !gone.has(index)),
      )
      const kept = list.filter((_, index) => !gone.has(index))
      for (const [index, item] of kept.entries()) list[index] = item
      list.length = kept.length
    }
  }
}

const isMapping = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const childOf = (value: unknown, step: string | number): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? (value as Record<string | number, unknown>)[step]
    : undefined
