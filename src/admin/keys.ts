import type * as z from 'zod'
import { type KeyDigest, type KeyFields, type KeyRecord, MAX_DIGESTS } from '../credentials/key-record.ts'
import type { Applied, Change, Entry } from '../stores/contract.ts'
import { type ApiKeyFacts, environmentOf } from './facts.ts'
import { KeyMaker, type Secret } from './key-maker.ts'
import type { Caller, keyPatch, newKey, rotation } from './key-requests.ts'
import { troublesOf } from './key-rules.ts'
import { auditOf, type KeyView, recordIn, viewOf, viewOfRecord } from './key-view.ts'
import { type Desk, difference, Ledger } from './ledger.ts'
import { freshBytes, keyId } from './minting.ts'
import { page } from './page.ts'
import { type Asking, Repeats } from './repeats.ts'
import { invalid, type Reply, refusal, trouble } from './reply.ts'

/** Tries again when somebody else was faster and the caller did not say which version was meant. */
const MAX_TRIES = 5

/** The life of a key: every operation on one. */
export class Keys {
  readonly #desk: Desk
  readonly #ledger: Ledger
  readonly #repeats: Repeats
  readonly #maker: KeyMaker

  constructor(desk: Desk) {
    this.#desk = desk
    this.#ledger = new Ledger(desk)
    this.#repeats = new Repeats(desk)
    this.#maker = new KeyMaker(desk, this.#repeats)
  }

  async create(given: z.output<typeof newKey>, caller: Caller): Promise<Reply> {
    const facts = this.#desk.facts()
    const maker = await this.#maker.means()
    if (!maker.ok) return maker.reply
    const asking = askingOf(caller, 'create', given)
    const again = asking === null ? null : await this.#repeats.answer(asking, maker.apiKeys)
    if (again !== null) return again

    const { outside } = this.#desk
    const now = outside.now()
    const { id: wanted, ...fields } = given
    const problems = troublesOf(fields, fields, facts, now)
    if (wanted !== undefined && idsOf(maker.apiKeys).has(wanted))
      problems.push(trouble(['id'], 'stands in the policy file already: take another one'))
    if (problems.length > 0) return invalid(problems)

    const id = wanted ?? keyId(freshBytes(outside))
    const secret = this.#maker.secret(maker, fields.tenant, asking)
    const record: KeyRecord = {
      v: 1,
      ...fields,
      environment: environmentOf(maker.apiKeys),
      status: 'active',
      digests: [secret.minted.digest],
      imported: null,
      created: now,
      updated: now,
    }
    const view = viewOfRecord(id, record, { version: 1, used: null }, now)
    const put = putOf(id, record, 'absent')
    const changes = [...secret.repeatable(201, view), put, ...maker.marks]
    const act = { actor: caller.actor, action: 'key.create', target: id, before: null, after: auditOf(view) }
    const applied = await this.#ledger.apply(changes, act)
    if (applied.ok) return shown(201, view, secret.minted.key)
    // Somebody asked the very same at the same time, and was first.
    const twin = asking === null ? null : await this.#repeats.answer(asking, maker.apiKeys)
    if (twin !== null) return twin
    return refusal('conflict', 'There is such a key already.', [
      trouble(['id'], 'is the id of another key: take another one'),
    ])
  }

  async list(query: {
    owner?: string | undefined
    after?: string | undefined
    limit: number
  }): Promise<Reply> {
    const { store, outside } = this.#desk
    const { owner = null, after = null, limit } = query
    const entries = await store.list('key', { owner, after, limit: limit + 1 })
    const now = outside.now()
    return page(entries, limit, (entry) => viewOf(entry, now))
  }

  async show(id: string): Promise<Reply> {
    const entry = await this.#entry(id)
    return entry === null ? this.#missing(id) : shown(200, viewOf(entry, this.#desk.outside.now()))
  }

  update(id: string, patch: z.output<typeof keyPatch>, caller: Caller): Promise<Reply> {
    return this.#edit(id, caller, 'key.update', (record, now) => {
      if (record.status === 'revoked')
        return refusal('conflict', 'The key is revoked, and that is for good: make another one.')
      const next = { ...record, ...given(patch) }
      const problems = troublesOf(given(patch), next, this.#desk.facts(), now)
      return problems.length > 0 ? invalid(problems) : { record: next }
    })
  }

  async rotate(id: string, { overlap }: z.output<typeof rotation>, caller: Caller): Promise<Reply> {
    const maker = await this.#maker.means()
    if (!maker.ok) return maker.reply
    const asking = askingOf(caller, 'rotate', { id, overlap })
    const again = asking === null ? null : await this.#repeats.answer(asking, maker.apiKeys)
    if (again !== null) return again
    const reply = await this.#edit(id, caller, 'key.rotate', (record, now) => {
      if (record.status === 'revoked')
        return refusal('conflict', 'The key is revoked, and that is for good: make another one.')
      const secret = this.#maker.secret(maker, record.tenant, asking)
      const digests = [...ending(record, now, overlap), secret.minted.digest]
      if (digests.length > MAX_DIGESTS)
        return refusal(
          'conflict',
          `${MAX_DIGESTS - 1} earlier secrets of this key are still good: wait for one to end, or rotate with overlap 0s.`,
        )
      return { record: { ...record, digests }, secret, marks: maker.marks }
    })
    // As above: of two that ask the same at once, both get the answer of the first.
    const twin =
      asking === null || reply.status !== 409 ? null : await this.#repeats.answer(asking, maker.apiKeys)
    return twin ?? reply
  }

  revoke(id: string, caller: Caller): Promise<Reply> {
    return this.#edit(id, caller, 'key.revoke', (record) => ({ record: { ...record, status: 'revoked' } }))
  }

  async remove(id: string, { actor, ifMatch }: Caller): Promise<Reply> {
    const entry = await this.#entry(id)
    if (entry === null) return this.#missing(id)
    if (ifMatch !== null && entry.version !== ifMatch) return changedMeanwhile(entry.version)
    const before = auditOf(viewOf(entry, this.#desk.outside.now()))
    const change: Change = { remove: { kind: 'key', id }, expected: ifMatch ?? 'any' }
    const act = { actor, action: 'key.delete', target: id, before, after: null }
    const applied = await this.#ledger.apply([change], act)
    if (applied.ok) return { status: 204, body: undefined }
    return applied.why === 'changed' ? changedMeanwhile(null) : this.#missing(id)
  }

  /** Reads, changes and writes back; whoever named a version gets that version changed, or nothing. */
  async #edit(
    id: string,
    { actor, ifMatch }: Caller,
    action: string,
    change: (record: KeyRecord, now: number) => Edited | Reply,
  ): Promise<Reply> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const entry = await this.#entry(id)
      if (entry === null) return this.#missing(id)
      if (ifMatch !== null && entry.version !== ifMatch) return changedMeanwhile(entry.version)
      const now = this.#desk.outside.now()
      const before = recordIn(entry)
      const edited = change(before, now)
      if (!('record' in edited)) return edited
      if (JSON.stringify(edited.record) === JSON.stringify(before)) return shown(200, viewOf(entry, now))
      const record = { ...edited.record, updated: now }
      const view = viewOfRecord(id, record, { version: entry.version + 1, used: entry.used }, now)
      const changes = [
        ...(edited.secret?.repeatable(200, view) ?? []),
        putOf(id, record, entry.version),
        ...(edited.marks ?? []),
      ]
      const what = difference(auditFields(viewOf(entry, now)), auditFields(view))
      const applied = await this.#ledger.apply(changes, { actor, action, target: id, ...what })
      if (applied.ok) return shown(200, view, edited.secret?.minted.key)
      const refused = refusedWrite(applied)
      if (refused !== null) return refused
      if (ifMatch !== null) return changedMeanwhile(null)
    }
    return refusal('conflict', 'The key is being changed by others all the time: try again.')
  }

  async #entry(id: string): Promise<Entry | null> {
    const [entry] = await this.#desk.store.get('key', [id])
    return entry ?? null
  }

  #missing(id: string): Reply {
    const { apiKeys } = this.#desk.facts()
    return apiKeys !== null && idsOf(apiKeys).has(id)
      ? refusal('conflict', 'This key stands in the policy file: change it there.')
      : refusal('unknown', 'There is no key with this id.')
  }
}

interface Edited {
  readonly record: KeyRecord
  readonly secret?: Secret
  readonly marks?: readonly Change[]
}

const idsOf = ({ policyKeys }: ApiKeyFacts): ReadonlySet<string> => new Set(policyKeys.values())

const askingOf = ({ actor, idempotencyKey }: Caller, operation: string, what: unknown): Asking | null =>
  idempotencyKey === null
    ? null
    : { actor, key: idempotencyKey, request: `${operation}\n${JSON.stringify(what)}` }

/** The secrets that a key has had, with the ends that a rotation gives them: never later than they had. */
const ending = ({ digests, expires }: KeyRecord, now: number, overlap: number): KeyDigest[] =>
  digests
    .map((digest) => {
      const end = Math.min(digest.until ?? Infinity, expires === null ? Infinity : Date.parse(expires))
      return { ...digest, until: Math.min(end, now + overlap) }
    })
    .filter(({ until }) => until > now)

const putOf = (id: string, record: KeyRecord, expected: number | 'absent'): Change => ({
  put: {
    kind: 'key',
    id,
    body: JSON.stringify(record),
    owner: record.owner,
    aliases: record.digests.map(({ digest }) => digest),
    expires: null,
  },
  expected,
})

/** Only what was named: a field that is undefined would wipe out what is there. */
const given = (patch: z.output<typeof keyPatch>): Partial<KeyFields> =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))

const auditFields = (view: KeyView): Record<string, unknown> => {
  const { updated: _, ...fields } = auditOf(view)
  return { ...fields, revoked: view.status === 'revoked' }
}

function refusedWrite(applied: Exclude<Applied, { ok: true }>): Reply | null {
  // Of two with one idempotency key the other was first; the caller looks for its answer.
  return applied.why === 'exists'
    ? refusal('conflict', 'The same request is being answered: try again.')
    : null
}

const changedMeanwhile = (version: number | null): Reply =>
  refusal(
    'changed',
    version === null
      ? 'Somebody else changed it at the same time: read it again.'
      : `It is at version ${version} by now: read it again.`,
  )

const shown = (status: number, view: KeyView, key?: string): Reply => ({
  status,
  body: key === undefined ? view : { ...view, key },
  headers: { ETag: `"${view.version}"` },
})
