import type { Change } from '../stores/contract.ts'
import { type ApiKeyFacts, signingPepper } from './facts.ts'
import type { KeyView } from './key-view.ts'
import type { Desk } from './ledger.ts'
import { marking, otherPepper } from './marks.ts'
import { freshBytes, type Minted, mint } from './minting.ts'
import type { Asking, Repeats } from './repeats.ts'
import { type Reply, refusal } from './reply.ts'

/** What keys are made with. */
export interface Means {
  readonly apiKeys: ApiKeyFacts
  readonly pepper: readonly [version: string, secret: string]
  /** What has to be written beside a digest of this pepper. */
  readonly marks: readonly Change[]
}

/** A new secret for a key. */
export interface Secret {
  readonly minted: Minted
  /** The write that lets the same request be answered again; none when it cannot be told from others. */
  repeatable(status: number, view: KeyView): Change[]
}

/** Finds out what keys are made with now, and makes their secrets. */
export class KeyMaker {
  readonly #desk: Desk
  readonly #repeats: Repeats

  constructor(desk: Desk, repeats: Repeats) {
    this.#desk = desk
    this.#repeats = repeats
  }

  /** What keys are made with, where the policy has it. */
  async means(): Promise<({ ok: true } & Means) | { ok: false; reply: Reply }> {
    const { apiKeys } = this.#desk.facts()
    const refuse = (detail: string) => ({ ok: false as const, reply: refusal('conflict', detail) })
    if (apiKeys === null) return refuse('The policy has no `apiKeys`: add the section there first.')
    const pepper = signingPepper(apiKeys)
    if (pepper === undefined)
      return refuse('The policy has no pepper under `apiKeys.peppers`: add one there first.')
    const marks = await marking(new Set([pepper[0]]), apiKeys, this.#desk)
    return marks.ok ? { ok: true, apiKeys, pepper, marks: marks.changes } : refuse(otherPepper(marks.version))
  }

  /** A new secret: a fresh one, or for a request that may come twice one that can be made again. */
  secret(maker: Means, tenant: string | null, asking: Asking | null): Secret {
    const { pepper, apiKeys } = maker
    const { prefix } = apiKeys
    if (asking === null) {
      const { outside } = this.#desk
      return { minted: mint(prefix, tenant, pepper, outside, freshBytes(outside)), repeatable: () => [] }
    }
    const nonce = this.#repeats.nonce()
    const minted = this.#repeats.derive(pepper, prefix, tenant, nonce, asking.key)
    const made = { nonce, pepper: pepper[0], prefix, tenant, digest: minted.digest.digest }
    return {
      minted,
      repeatable: (status, view) => [
        this.#repeats.keep(asking, { ...made, status, version: view.version, answer: view }),
      ],
    }
  }
}
