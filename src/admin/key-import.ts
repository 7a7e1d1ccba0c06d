import * as z from 'zod'
import { type KeyRecord, keyFields } from '../credentials/key-record.ts'
import { name } from '../schema/fields.ts'
import { suggestion } from '../schema/problem.ts'
import type { Change, Entry } from '../stores/contract.ts'
import { type ApiKeyFacts, environmentOf, type Facts } from './facts.ts'
import { troublesIn, troublesOf } from './key-rules.ts'
import { pepperOf, recordIn } from './key-view.ts'
import { type Desk, Ledger } from './ledger.ts'
import { marking, otherPepper } from './marks.ts'
import { derivedBytes, keyId } from './minting.ts'
import { invalid, type Reply, refusal, type Trouble, trouble } from './reply.ts'

/** Records in one request. */
export const MAX_IMPORT = 1000

const DIGEST = /^(?:hmac-sha256:[A-Za-z0-9_-]{1,32}|sha256):[0-9a-f]{64}$/

export const importedKey = z.strictObject({
  id: name.optional().meta({ description: 'Made from the digest unless given.' }),
  owner: name,
  digest: z
    .string()
    .regex(DIGEST, {
      error:
        'is not a digest: write "hmac-sha256:VERSION:" or "sha256:" and 64 lower-case hexadecimal digits',
    })
    .meta({ description: 'Digest of the key: `hmac-sha256:VERSION:HEX` or `sha256:HEX`.' }),
  ...keyFields.shape,
})

export const keyImport = z
  .strictObject({
    keys: z.array(importedKey).min(1, { error: 'is empty: write at least one record' }).max(MAX_IMPORT),
  })
  .meta({ description: 'Keys from elsewhere, by digest. All of them are taken, or none.' })

/** A crowd is told how many it is, and not what is wrong with each. */
export const crowd = z.looseObject({
  keys: z.array(z.unknown()).max(MAX_IMPORT, {
    error: ({ input }) =>
      `holds ${Array.isArray(input) ? input.length : 'too many'} records: ${MAX_IMPORT} at most in one request, so send them in parts`,
  }),
})

export const importResult = z
  .strictObject({
    created: z.int(),
    skipped: z.int().meta({ description: 'Records that the very same import has brought before.' }),
  })
  .meta({ description: 'What became of an import.' })

type Given = z.output<typeof importedKey>

/** A record on its way in. */
interface Arriving {
  readonly index: number
  readonly id: string
  readonly given: Given
  readonly fingerprint: string
}

/** Takes keys from elsewhere. The very same record again is skipped, so that an import that broke off is run again. */
export class KeyImport {
  readonly #desk: Desk
  readonly #ledger: Ledger

  constructor(desk: Desk) {
    this.#desk = desk
    this.#ledger = new Ledger(desk)
  }

  async run({ keys }: z.output<typeof keyImport>, actor: string): Promise<Reply> {
    const facts = this.#desk.facts()
    if (facts.apiKeys === null)
      return refusal('conflict', 'The policy has no `apiKeys`: add the section there first.')
    const arriving = keys.map((given, index) => this.#arriving(given, index))
    const problems = [
      ...arriving.flatMap(({ given, index }) => this.#troubles(given, index, facts)),
      ...twice(arriving),
    ]
    const known = await this.#desk.store.get('key', unique(arriving.map(({ id }) => id)))
    const there = new Map(known.flatMap((entry) => (entry === null ? [] : [[entry.id, entry] as const])))
    const fresh: Arriving[] = []
    for (const one of arriving) {
      const entry = there.get(one.id)
      if (entry === undefined) fresh.push(one)
      else if (recordIn(entry).imported !== one.fingerprint) problems.push(occupied(one))
    }
    problems.push(...(await this.#taken(fresh)))
    if (problems.length > 0) return invalid(problems)
    return this.#write(fresh, arriving.length - fresh.length, facts.apiKeys, actor)
  }

  /** What is wrong with the fields of records, though some have not the right form. */
  troublesIn(data: unknown): Trouble[] {
    const { keys } = data as z.output<typeof crowd>
    const facts = this.#desk.facts()
    const now = this.#desk.outside.now()
    return keys.flatMap((record, index) => troublesIn(record, facts, now, ['keys', index]))
  }

  async #write(
    fresh: readonly Arriving[],
    skipped: number,
    apiKeys: ApiKeyFacts,
    actor: string,
  ): Promise<Reply> {
    const [first] = fresh
    const reply: Reply = { status: 200, body: { created: fresh.length, skipped } }
    if (first === undefined) return reply
    const now = this.#desk.outside.now()
    const versions = new Set(fresh.map(({ given }) => pepperOf(given.digest)))
    const marks = await marking(versions, apiKeys, this.#desk)
    if (!marks.ok) return refusal('conflict', otherPepper(marks.version))
    const changes = [...fresh.map((one) => putOf(one, environmentOf(apiKeys), now)), ...marks.changes]
    const last = fresh.at(-1)?.id
    const after = { created: fresh.length, first: first.id, last }
    const act = { actor, action: 'key.import', target: `${fresh.length} keys`, before: null, after }
    const applied = await this.#ledger.apply(changes, act)
    if (applied.ok) return reply
    const culprit = fresh[applied.index] ?? first
    return refusal('conflict', 'Somebody else was faster with one of these keys: nothing was imported.', [
      applied.why === 'alias_taken' ? digestTaken(culprit.index) : occupied(culprit),
    ])
  }

  #arriving(given: Given, index: number): Arriving {
    const { sha256Hex } = this.#desk.outside
    const id =
      given.id ?? keyId(derivedBytes((counter) => sha256Hex(`postern key id\n${counter}\n${given.digest}`)))
    return { index, id, given, fingerprint: sha256Hex(JSON.stringify(given)).slice(0, 32) }
  }

  #troubles(given: Given, index: number, facts: Facts): Trouble[] {
    const place = ['keys', index]
    const { id: _, owner: __, digest, ...fields } = given
    const found = troublesOf(fields, fields, facts, this.#desk.outside.now(), place)
    const { peppers = [], policyKeys = new Map<string, string>() } = facts.apiKeys ?? {}
    const version = pepperOf(digest)
    const versions = peppers.map(([known]) => known)
    if (version !== null && !versions.includes(version))
      found.push(
        trouble(
          [...place, 'digest'],
          `was made with pepper \`${version}\`, which the policy does not have: ${suggestion(version, versions)}`,
        ),
      )
    const twin = policyKeys.get(digest)
    if (twin !== undefined)
      found.push(trouble([...place, 'digest'], `is that of \`${twin}\` in the policy file: leave one out`))
    if (given.id !== undefined && [...policyKeys.values()].includes(given.id))
      found.push(trouble([...place, 'id'], 'stands in the policy file already: take another one'))
    return found
  }

  /** Digests that other keys have. One question tells that there is none, which is nearly always so. */
  async #taken(fresh: readonly Arriving[]): Promise<Trouble[]> {
    const left = new Map(fresh.map(({ given, index }) => [given.digest, index]))
    const found: Trouble[] = []
    while (left.size > 0) {
      const entry: Entry | null = await this.#desk.store.find('key', [...left.keys()])
      const taken = (entry?.aliases ?? []).filter((alias) => left.has(alias))
      if (taken.length === 0) break
      for (const alias of taken) {
        found.push(digestTaken(left.get(alias) ?? 0))
        left.delete(alias)
      }
    }
    return found
  }
}

function twice(arriving: readonly Arriving[]): Trouble[] {
  const found: Trouble[] = []
  const ids = new Map<string, number>()
  const digests = new Map<string, number>()
  for (const { index, id, given } of arriving) {
    const sameDigest = digests.get(given.digest)
    const sameId = ids.get(id)
    if (sameDigest !== undefined)
      found.push(trouble(['keys', index, 'digest'], `is also that of keys[${sameDigest}]: leave one out`))
    else if (sameId !== undefined)
      found.push(trouble(['keys', index, 'id'], `is also that of keys[${sameId}]: take another one`))
    digests.set(given.digest, sameDigest ?? index)
    ids.set(id, sameId ?? index)
  }
  return found
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

const occupied = ({ index, given }: Arriving): Trouble =>
  given.id === undefined
    ? trouble(['keys', index, 'digest'], 'was imported already, with other fields: change that key instead')
    : trouble(['keys', index, 'id'], 'is the id of another key, or this one was imported with other fields')

const digestTaken = (index: number): Trouble =>
  trouble(['keys', index, 'digest'], 'is that of another key already: leave it out')

function putOf({ id, given, fingerprint }: Arriving, environment: string | null, now: number): Change {
  const { id: _, digest, ...fields } = given
  const record: KeyRecord = {
    v: 1,
    ...fields,
    environment,
    status: 'active',
    digests: [{ digest, until: null, start: null }],
    imported: fingerprint,
    created: now,
    updated: now,
  }
  const body = JSON.stringify(record)
  return {
    put: { kind: 'key', id, body, owner: given.owner, aliases: [digest], expires: null },
    expected: 'absent',
  }
}
