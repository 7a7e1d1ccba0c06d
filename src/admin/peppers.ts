import * as z from 'zod'
import { PEPPER } from '../state/peppers.ts'
import type { Entry } from '../stores/contract.ts'
import { signingPepper } from './facts.ts'
import { pepperOf, recordIn } from './key-view.ts'
import { type Desk, Ledger } from './ledger.ts'
import { type Reply, refusal } from './reply.ts'

export const pepperPage = z
  .strictObject({
    items: z.array(
      z.strictObject({
        version: z.string(),
        inPolicy: z.boolean().meta({ description: 'Whether the policy has it, so that its keys are taken.' }),
        signs: z.boolean().meta({ description: 'Whether new keys are made with it.' }),
        inStore: z.boolean().meta({ description: 'Whether keys in the store may have been made with it.' }),
      }),
    ),
  })
  .meta({ description: 'Pepper versions, of the policy and of the store.' })

const PAGE = 1000

/** Versions of peppers: which there are, and the end of one that no key has any more. */
export class PepperDesk {
  readonly #desk: Desk
  readonly #ledger: Ledger

  constructor(desk: Desk) {
    this.#desk = desk
    this.#ledger = new Ledger(desk)
  }

  async list(): Promise<Reply> {
    const { apiKeys } = this.#desk.facts()
    const inPolicy = new Set((apiKeys?.peppers ?? []).map(([version]) => version))
    const inStore = new Set<string>()
    for await (const { id } of this.#walk('meta'))
      if (id.startsWith(PEPPER)) inStore.add(id.slice(PEPPER.length))
    const signs = apiKeys === null ? undefined : signingPepper(apiKeys)?.[0]
    const items = [...new Set([...inPolicy, ...inStore])].sort().map((version) => ({
      version,
      inPolicy: inPolicy.has(version),
      signs: version === signs,
      inStore: inStore.has(version),
    }))
    return { status: 200, body: { items } }
  }

  /** Takes back the mark of a version, once every key has been looked at. */
  async retire(version: string, actor: string): Promise<Reply> {
    const { store, facts } = this.#desk
    const { apiKeys } = facts()
    if (apiKeys !== null && signingPepper(apiKeys)?.[0] === version)
      return refusal('conflict', 'New keys are made with this pepper: add another one behind it first.')
    const id = `${PEPPER}${version}`
    const [mark = null] = await store.get('meta', [id])
    if (mark === null) return refusal('unknown', 'The store holds no keys of this pepper.')
    let users = 0
    let example = ''
    for await (const entry of this.#walk('key')) {
      if (!this.#uses(entry, version)) continue
      users++
      example ||= entry.id
    }
    if (users > 0)
      return refusal(
        'conflict',
        `${users} ${users === 1 ? 'key needs' : 'keys need'} this pepper, as ${example}: rotate them, or wait for their end.`,
      )
    const act = { actor, action: 'pepper.retire', target: version, before: null, after: null }
    const change = { remove: { kind: 'meta' as const, id }, expected: 'any' as const }
    const applied = await this.#ledger.apply([change], act)
    return applied.ok
      ? { status: 204, body: undefined }
      : refusal('unknown', 'The store holds no keys of this pepper.')
  }

  /** Whether one of the secrets that are still good was made with it; whatever is over needs nothing. */
  #uses(entry: Entry, version: string): boolean {
    const { status, digests } = recordIn(entry)
    const now = this.#desk.outside.now()
    return (
      status !== 'revoked' &&
      digests.some(({ digest, until }) => pepperOf(digest) === version && (until === null || until > now))
    )
  }

  async *#walk(kind: 'key' | 'meta'): AsyncGenerator<Entry> {
    let after: string | null = null
    for (;;) {
      const entries: readonly Entry[] = await this.#desk.store.list(kind, { owner: null, after, limit: PAGE })
      yield* entries
      after = entries.at(-1)?.id ?? null
      if (entries.length < PAGE) return
    }
  }
}
