import type { Path } from '../schema/problem.ts'

/** A copy of a policy's data from which faulty parts are taken out, and which remembers where the others stood. */
export class Remainder {
  readonly data: unknown
  /** For lists that lost items: the places that the remaining ones had. */
  readonly #places = new WeakMap<unknown[], number[]>()

  constructor(data: unknown) {
    this.data = structuredClone(data)
  }

  /** False when nothing is left that could be a policy. */
  get usable(): boolean {
    return typeof this.data === 'object' && this.data !== null && !Array.isArray(this.data)
  }

  /** The path in the file of what stands at `path` here. */
  original(path: Path): Path {
    let value: unknown = this.data
    return path.map((step) => {
      const place = Array.isArray(value) ? (this.#places.get(value)?.[Number(step)] ?? step) : step
      value = childOf(value, step)
      return place
    })
  }

  /** Takes out what is at `path`; where nothing is, what should have held it. A missing section becomes an empty one. */
  remove(path: Path): void {
    for (let length = path.length; length > 0; length--) {
      const holder = path.slice(0, length - 1).reduce(childOf, this.data)
      const step = path[length - 1] as string | number
      if (Array.isArray(holder) && Number(step) < holder.length) {
        const places = this.#places.get(holder) ?? Array.from(holder.keys())
        places.splice(Number(step), 1)
        this.#places.set(holder, places)
        holder.splice(Number(step), 1)
        return
      }
      if (isMapping(holder) && Object.hasOwn(holder, step)) {
        delete holder[step]
        return
      }
      if (isMapping(holder) && length === 1) holder[step] = {}
    }
  }
}

const isMapping = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const childOf = (value: unknown, step: string | number): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? (value as Record<string | number, unknown>)[step]
    : undefined
