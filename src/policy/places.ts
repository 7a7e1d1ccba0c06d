import type { Path } from '../schema/problem.ts'

/** `routes.admin.limits[1]` */
export function textOf(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`
      if (!/^[\w@-]+$/.test(step)) return `[${JSON.stringify(step.slice(0, 64))}]`
      return index === 0 ? step : `.${step}`
    })
    .join('')
}

/** Places in a policy of which something wrong has been said already. */
export class Places {
  readonly #exact = new Set<string>()
  readonly #around = new Set<string>()

  add(path: Path): void {
    this.#exact.add(textOf(path))
    for (let length = 0; length < path.length; length++) this.#around.add(textOf(path.slice(0, length)))
  }

  has(path: Path): boolean {
    return this.#exact.has(textOf(path))
  }

  /** Whether `path` is one of the places, or holds one. */
  within(path: Path): boolean {
    return this.has(path) || this.#around.has(textOf(path))
  }

  /** Whether `path` is one of the places, holds one or lies in one. */
  touch(path: Path): boolean {
    return this.within(path) || path.some((_, length) => this.has(path.slice(0, length)))
  }
}
