/**
 * HalfSipHash-1-3 with 64 bits of output (Aumasson and Bernstein, 2012; fewer rounds, as hash tables use it): keyed, so
 * that nobody who does not know the key can choose two texts that meet in one bucket. No output ever leaves.
 */
export class KeyedHash {
  readonly #k0: number
  readonly #k1: number
  /** The upper 32 bits of the last hash; fields instead of a result object, for there is one hash a charge. */
  high = 0
  low = 0

  /** @param key two random 32-bit numbers */
  constructor(key: readonly [number, number]) {
    this.#k0 = key[0] | 0
    this.#k1 = key[1] | 0
  }

  /** Hashes the UTF-16 units of `text`, two to a word. */
  update(text: string): void {
    let v0 = this.#k0
    let v1 = this.#k1 ^ 0xee
    let v2 = this.#k0 ^ 0x6c796765
    let v3 = this.#k1 ^ 0x74656462
    const words = (text.length >>> 1) + 1
    for (let i = 0; i < words; i++) {
      const at = i * 2
      const first = at < text.length ? text.charCodeAt(at) : text.length & 0xffff
      const second = at + 1 < text.length ? text.charCodeAt(at + 1) : 0x8000 | (text.length & 0x7fff)
      const word = first | (second << 16)
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    v2 ^= 0xee
    for (let half = 0; half < 2; half++) {
      for (let round = 0; round < 3; round++) {
        v0 = (v0 + v1) | 0
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
        v0 = (v0 << 16) | (v0 >>> 16)
        v2 = (v2 + v3) | 0
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
        v0 = (v0 + v3) | 0
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
        v2 = (v2 + v1) | 0
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
        v2 = (v2 << 16) | (v2 >>> 16)
      }
      if (half === 0) {
        this.low = (v1 ^ v3) >>> 0
        v1 ^= 0xdd
      } else this.high = (v1 ^ v3) >>> 0
    }
  }
}
