import { Bounded } from '../../core/bounded.ts'
import { partsOf } from '../counting/told.ts'
import { type Heat, NAMES, type Origin } from './wire.ts'

/** Characters of a digest: 132 bits, so that nobody finds two keys that meet. */
const DIGEST = 22
/** Digests that are remembered, of keys no longer than this. */
const REMEMBERED = 4096
const LONG = 512

/** Objects that a hot tenant's buckets are spread over. */
export const TENANT_SHARDS = 8
/** Milliseconds for which a tenant is taken to be hot since it was heard of last. */
const HEATED = 10_000
/** Hot tenants that are remembered; one that is forgotten tells so again. */
const TENANTS = 1024

/** The buckets of one object in a call. */
export interface Part {
  readonly name: string
  readonly places: readonly number[]
  /** Of a shard of a hot tenant. */
  readonly origin: Origin | null
  /** Of a tenant: the name of its own object. */
  readonly tenant: string | null
}

/** Whatever is charged or held. */
interface Housed {
  readonly key: string
  readonly tenant?: string | undefined
}

/** Where buckets live, and under which name. */
export class Homes {
  readonly #shards: number
  readonly #sha256: (text: string) => string
  readonly #hot = new Bounded<string, { readonly shared: ReadonlySet<string>; readonly until: number }>(
    TENANTS,
  )
  #turn = 0
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
  of({ key, tenant }: Housed): string {
    if (tenant !== undefined) return NAMES.tenant(this.digest(`tenant ${tenant}`))
    return NAMES.shared(shardOf(this.digest(key), this.#shards))
  }

  /** The parts of a charge. A tenant that is hot has its buckets in its shards, each in one; those that it shares go along. */
  parts(charges: readonly Housed[], now: number): Part[] {
    return [...partsOf(charges, (charge) => this.of(charge))].flatMap(([name, places]) => {
      if (charges[places[0] as number]?.tenant === undefined)
        return { name, places, origin: null, tenant: null }
      const heated = this.#hot.get(name)
      if (heated === undefined || heated.until <= now) return { name, places, origin: null, tenant: name }
      return this.#spread(name, places, charges, heated.shared)
    })
  }

  /** What a tenant's objects say of its heat. */
  heard(name: string, heat: Heat | null, now: number): void {
    if (heat !== null) this.#hot.set(name, { shared: new Set(heat.shared), until: now + HEATED })
    else if (this.#hot.get(name) !== undefined) this.#hot.delete(name)
  }

  #spread(
    name: string,
    places: readonly number[],
    charges: readonly Housed[],
    shared: ReadonlySet<string>,
  ): Part[] {
    const digests = new Map(places.map((place) => [place, this.digest(charges[place]?.key ?? '')]))
    const all = [...digests].filter(([, digest]) => shared.has(digest)).map(([place]) => place)
    const own = [...digests].filter(([, digest]) => !shared.has(digest))
    const shards = partsOf(own, ([, digest]) => shardOf(digest, TENANT_SHARDS))
    // Without a bucket of its own a call may go anywhere.
    if (shards.size === 0) shards.set(this.#turn++ % TENANT_SHARDS, [])
    return [...shards].map(([shard, indices], index) => {
      const mine = indices.map((at) => (own[at] as (typeof own)[number])[0])
      const along = index === 0 ? all : []
      return {
        name: NAMES.tenantShard(name, shard),
        places: [...mine, ...along],
        origin: { name, shared: along.map((_, at) => mine.length + at) },
        tenant: name,
      }
    })
  }
}

/** FNV-1a (Fowler, Noll and Vo) over a digest's characters. */
export function shardOf(digest: string, shards: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < digest.length; i++) hash = Math.imul(hash ^ digest.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % shards
}
