import { Bounded } from '../../core/bounded.ts'
import { NAMES } from './wire.ts'

/** Characters of a digest: 132 bits, so that nobody finds two keys that meet. */
const DIGEST = 22
/** Digests that are remembered, of keys no longer than this. */
const REMEMBERED = 4096
const LONG = 512

/** Where buckets live, and under which name. */
export class Homes {
  readonly #shards: number
  readonly #sha256: (text: string) => string
  readonly #digests = new Bounded<string, string>(REMEMBERED)

  constructor(shards: number, sha256: (text: string) => string) {
    this.#shards = shards
    this.#sha256 = sha256
  }

  /** What stands for a key in the objects: they see no key, and no key is too long for them. */
  digest(key: string): string {
    if (key.length > LONG) return this.#sha256(key).slice(0, DIGEST)
    let digest = this.#digests.get(key)
    if (digest === undefined) {
      digest = this.#sha256(key).slice(0, DIGEST)
      this.#digests.set(key, digest)
    }
    return digest
  }

  /**
   * The object of a bucket: the tenant's where it has one, else one of a fixed number. Tenants are of principals that
   * proved who they are; whatever else a stranger presents only selects among objects that there are anyway.
   */
  of({ key, tenant }: { readonly key: string; readonly tenant?: string | undefined }): string {
    if (tenant !== undefined) return NAMES.tenant(this.digest(`tenant ${tenant}`))
    return NAMES.shared(shardOf(this.digest(key), this.#shards))
  }
}

/** FNV-1a (Fowler, Noll and Vo) over a digest's characters. */
export function shardOf(digest: string, shards: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < digest.length; i++) hash = Math.imul(hash ^ digest.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % shards
}
