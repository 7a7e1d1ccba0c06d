/** Fills a store with keys and live buckets. */
import { createHash } from 'node:crypto'
import type { Charge } from '../../src/core/model.ts'
import type { EntryDraft, Store } from '../../src/stores/contract.ts'

/** A store that holds so many keys and as many buckets. */
export interface Filled {
  readonly store: Store
  readonly size: number
  digestAt(index: number): string
  /** A charge of a bucket that lives for longer than the bench. */
  bucketAt(index: number): Charge
  /** Bytes for each. */
  readonly weight: { readonly perKey: number; readonly perBucket: number }
}

/** Entries in one write, and buckets in one charge. */
const ENTRIES = 1000
const BUCKETS = 500

const digestAt = (index: number): string =>
  `hmac-sha256:v1:${createHash('sha256').update(`key ${index}`).digest('hex')}`

/** An hour a unit, so that each charge keeps a bucket alive for as long. */
const bucketAt = (index: number): Charge => ({
  key: `per-principal|p:10:api-key:key_${index}`,
  interval: 3_600_000_000,
  burst: 1_000_000,
  cost: 1,
})

/** As the admin API makes one for a build server, with a role and a description. */
function entryAt(index: number): EntryDraft {
  const id = `key_${createHash('sha256').update(`id ${index}`).digest('hex').slice(0, 24)}`
  const digest = digestAt(index)
  const body = JSON.stringify({
    v: 1,
    tenant: `tenant-${index % 1000}`,
    email: null,
    roles: ['user'],
    permissions: [],
    scopes: [],
    networks: [],
    limits: [],
    notBefore: null,
    expires: null,
    description: 'made by the benchmark',
    owner: `bot-${index % 100_000}`,
    environment: null,
    status: 'active',
    digests: [{ digest, until: null, start: 'ak_0000000012ab' }],
    created: 1_795_000_000_000,
    updated: 1_795_000_000_000,
  })
  return { kind: 'key', id, body, owner: `bot-${index % 100_000}`, aliases: [digest], expires: null }
}

const batches = function* (size: number, step: number): Generator<number[]> {
  for (let from = 0; from < size; from += step)
    yield Array.from({ length: Math.min(step, size - from) }, (_, at) => from + at)
}

/** @param bytes what the store takes now */
export async function fill(store: Store, size: number, bytes: () => Promise<number>): Promise<Filled> {
  const empty = await bytes()
  for (const batch of batches(size, ENTRIES)) {
    const puts = batch.map((index) => ({ put: entryAt(index), expected: 'any' as const }))
    const applied = await store.apply(puts, null)
    if (!applied.ok) throw new Error(`not written: ${applied.why}`)
  }
  const keys = await bytes()
  for (const batch of batches(size, BUCKETS)) {
    const { cause, charged } = await store.charge(batch.map(bucketAt))
    if (charged.includes(null)) throw new Error(`not charged: ${cause}`)
  }
  const weight = { perKey: (keys - empty) / size, perBucket: ((await bytes()) - keys) / size }
  return { store, size, digestAt, bucketAt, weight }
}
