import type { HeaderLines } from '../core/model.ts'

const NONE: readonly string[] = []

/**
 * The header of a request as a Worker sees it: repeated lines have been joined by a comma before any code of ours runs,
 * so that what may not be repeated is refused by the comma.
 */
export class WorkerHeaderLines implements HeaderLines {
  readonly #headers: Headers
  #names: readonly string[] | null = null

  constructor(headers: Headers) {
    this.#headers = headers
  }

  lines(name: string): readonly string[] {
    const value = this.#headers.get(name)
    return value === null ? NONE : [value]
  }

  names(): readonly string[] {
    this.#names ??= [...this.#headers.keys()]
    return this.#names
  }
}
