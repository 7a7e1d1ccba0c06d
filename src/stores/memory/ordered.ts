/** Ids that stand together; past twice as many they part. */
const CHUNK = 256

/**
 * Ids by code point, as UTF-8 sorts them and as every store lists them. JavaScript's own order is by UTF-16 unit,
 * which puts what lies beyond the basic plane before U+E000.
 */
export function compareIds(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return weight(left) - weight(right)
  }
  return a.length - b.length
}

/** Surrogates after all other units. */
const weight = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit)

/**
 * A set of ids that is always in order: sorted chunks in a sorted list, so that adding one among a million moves some
 * hundreds, and a page is read from where it starts.
 */
export class OrderedIds {
  readonly #chunks: string[][] = []

  get empty(): boolean {
    return this.#chunks.length === 0
  }

  add(id: string): void {
    const index = Math.max(0, this.#chunkOf(id))
    const chunk = this.#chunks[index]
    if (chunk === undefined) {
      this.#chunks.push([id])
      return
    }
    const at = firstNotBefore(chunk, id)
    if (chunk[at] === id) return
    chunk.splice(at, 0, id)
    if (chunk.length > 2 * CHUNK) this.#chunks.splice(index + 1, 0, chunk.splice(CHUNK))
  }

  delete(id: string): void {
    const index = this.#chunkOf(id)
    const chunk = this.#chunks[index]
    if (chunk === undefined) return
    const at = firstNotBefore(chunk, id)
    if (chunk[at] !== id) return
    chunk.splice(at, 1)
    if (chunk.length === 0) this.#chunks.splice(index, 1)
  }

  /** The ids after `id`, in order; from the start when it is null. */
  *after(id: string | null): Generator<string> {
    let index = id === null ? 0 : Math.max(0, this.#chunkOf(id))
    const first = this.#chunks[index]
    let at = id === null || first === undefined ? 0 : firstNotBefore(first, id)
    if (id !== null && first?.[at] === id) at++
    for (; index < this.#chunks.length; index++, at = 0) {
      const chunk = this.#chunks[index] as string[]
      for (; at < chunk.length; at++) yield chunk[at] as string
    }
  }

  /** The last chunk that begins at or before `id`; -1 when all begin after it. */
  #chunkOf(id: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareIds((this.#chunks[middle] as string[])[0] as string, id) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** Where `id` stands in a chunk, or would. */
function firstNotBefore(chunk: readonly string[], id: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareIds(chunk[middle] as string, id) < 0) low = middle + 1
    else high = middle
  }
  return low
}
