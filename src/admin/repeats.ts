import * as z from 'zod'
import { jsonOf } from '../schema/json.ts'
import { entryOf } from '../state/entry.ts'
import { type Change, StoreFault } from '../stores/contract.ts'
import type { ApiKeyFacts } from './facts.ts'
import type { Desk } from './ledger.ts'
import { derivedBytes, type Minted, mint } from './minting.ts'
import { type Reply, refusal } from './reply.ts'

/** Milliseconds for which a repeated request gets the answer of the first. */
export const REPEAT_WINDOW = 86_400_000

/**
 * What is kept of a request that carried an idempotency key, so that it can be answered again: its answer without the
 * key, and what the key was derived from. Without the pepper and the idempotency key that is nothing.
 */
const repeatable = z.strictObject({
  v: z.literal(1),
  /** SHA-256 over what was asked. */
  request: z.string(),
  nonce: z.string(),
  pepper: z.string(),
  prefix: z.string(),
  tenant: z.string().nullable(),
  /** Digest of the key, by which the derivation is checked. */
  digest: z.string(),
  status: z.int(),
  version: z.int(),
  answer: z.record(z.string(), z.unknown()),
})

/** One request that may come twice: who asks, what, and under which idempotency key. */
export interface Asking {
  readonly actor: string
  readonly key: string
  /** Operation, target and body, as text. */
  readonly request: string
}

/** Answers a repeated request as it was answered the first time, though the key was never kept. */
export class Repeats {
  readonly #desk: Desk

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** The answer to give again; null when nothing like it was asked within the window. */
  async answer({ actor, key, request }: Asking, apiKeys: ApiKeyFacts): Promise<Reply | null> {
    const { store, outside } = this.#desk
    const [entry] = await store.get('idempotency', [this.#id(actor, key)])
    if (entry === null || entry === undefined) return null
    const parsed = repeatable.safeParse(jsonOf(entry.body))
    if (!parsed.success) throw new StoreFault('incompatible', 'an idempotency record is of another version')
    const { data } = parsed
    if (!outside.equalText(data.request, outside.sha256Hex(request)))
      return refusal(
        'idempotency_reused',
        'This Idempotency-Key was sent with another request before: take a new one for each request.',
      )
    const pepper = apiKeys.peppers.find(([version]) => version === data.pepper)
    const minted =
      pepper === undefined ? null : this.derive(pepper, data.prefix, data.tenant, data.nonce, key)
    if (minted?.digest.digest !== data.digest)
      return refusal(
        'conflict',
        `The key was made with pepper ${data.pepper}, which has changed since, so that it cannot be told again: make another one.`,
      )
    return {
      status: data.status,
      body: { ...data.answer, key: minted.key },
      headers: { ETag: `"${data.version}"`, 'Idempotency-Replayed': 'true' },
    }
  }

  /** A key that comes out the same for the same nonce and idempotency key, as long as the pepper stands. */
  derive(
    pepper: readonly [version: string, secret: string],
    prefix: string,
    tenant: string | null,
    nonce: string,
    key: string,
  ): Minted {
    const { hmacSha256 } = this.#desk.outside
    const bytes = derivedBytes((counter) =>
      hmacSha256(pepper[1], `postern repeatable secret\n${nonce}\n${counter}\n${key}`),
    )
    return mint(prefix, tenant, pepper, { hmacSha256 }, bytes)
  }

  nonce(): string {
    return Array.from(this.#desk.outside.randomBytes(32), (byte) => byte.toString(16).padStart(2, '0')).join(
      '',
    )
  }

  /** The write that makes a request repeatable; it belongs into the same step as what was asked for. */
  keep({ actor, key, request }: Asking, made: Omit<z.output<typeof repeatable>, 'v' | 'request'>): Change {
    const { now, sha256Hex } = this.#desk.outside
    const value = { v: 1, request: sha256Hex(request), ...made }
    const put = entryOf('idempotency', this.#id(actor, key), value, now() + REPEAT_WINDOW)
    return { put, expected: 'absent' }
  }

  #id(actor: string, key: string): string {
    return this.#desk.outside.sha256Hex(`${actor.length}:${actor}:${key}`)
  }
}
