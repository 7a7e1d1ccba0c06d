/**
 * A map that never holds more than `capacity` entries, in two generations: new and recently used entries live in
 * the young one; when it is full it becomes the old one, and what was still in the old one is forgotten.
 *
 * Every operation is O(1) and nothing is ever scanned, so that a stranger who fills it with a million keys costs no
 * more than one key each. The price: it may forget when it is only half full of living entries. What it promises is
 * that the last `capacity / 2` (rounded down) different keys that were set or got are still there.
 */
export class Bounded<Key, Value> {
  readonly #half: number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()

  /** @param capacity entries at most, 2 or more */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 2)
      throw new RangeError('a capacity is an integer from 2 up')
    this.#half = Math.floor(capacity / 2)
  }

  /** Entries held now: at most `capacity`. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The value under `key`, which counts as a use; undefined when there is none. */
  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined || this.#old.size === 0) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: Key, value: Value): void {
    this.#old.delete(key)
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  /** True when there was such an entry. */
  delete(key: Key): boolean {
    return this.#young.delete(key) || this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
