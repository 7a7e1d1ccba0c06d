import * as z from 'zod'
import { instant } from '../credentials/key-record.ts'
import { jsonOf } from '../schema/json.ts'
import { suggestion } from '../schema/problem.ts'
import { MAX_REVOCATIONS, type Revocation, revocation, revocationId } from '../state/revocation.ts'
import { type Entry, StoreFault } from '../stores/contract.ts'
import { Census } from './census.ts'
import type { Facts } from './facts.ts'
import { textOfTime } from './key-view.ts'
import { type Desk, difference, Ledger } from './ledger.ts'
import { page, pageOf } from './page.ts'
import { invalid, type Reply, refusal, type Trouble, trouble } from './reply.ts'

/** The store takes no longer ids, and no control characters in them. */
const PRINTABLE = /^[^\u0000-\u001f\u007f]*$/
const MAX_ID = 512

const text = (max: number) =>
  z.string().min(1).max(max).regex(PRINTABLE, { error: 'holds a control character' })

export const newRevocation = z
  .strictObject({
    kind: z.enum(['token', 'subject', 'session', 'issuer']).meta({
      description:
        '`token`: one token by its `jti`. `subject`, `session`, `issuer`: everything that was issued up to `before`.',
    }),
    issuer: text(512).meta({
      description: 'Name of an issuer in the policy, the exact `iss` of its tokens, or `api-key`.',
    }),
    value: text(512)
      .nullable()
      .default(null)
      .meta({ description: '`jti`, principal id or `sid`; not for an issuer.' }),
    before: instant
      .nullable()
      .default(null)
      .meta({ description: 'What was issued up to then is refused; now unless given. Not for a token.' }),
    until: instant.nullable().default(null).meta({
      description: 'When it may be forgotten, because whatever it refuses has expired; never unless given.',
    }),
    reason: z.string().max(512).nullable().default(null),
  })
  .meta({ description: 'What is to be withdrawn before its time.' })

export const revocationView = z
  .strictObject({
    id: z.string(),
    kind: z.enum(['token', 'subject', 'session', 'issuer']),
    issuer: z.string().meta({ description: 'The exact `iss`, or `api-key`.' }),
    value: z.string().nullable(),
    before: z.iso.datetime().nullable(),
    until: z.iso.datetime().nullable(),
    reason: z.string().nullable(),
    by: z.string(),
    created: z.iso.datetime(),
  })
  .meta({ description: 'Something withdrawn before its time.' })

export const revocationPage = pageOf(revocationView).meta({ description: 'Revocations.' })

type View = z.output<typeof revocationView>

const MAX_TRIES = 5

/** What is withdrawn before its time, and how it is taken back. */
export class RevocationDesk {
  readonly #desk: Desk
  readonly #ledger: Ledger
  readonly #census: Census

  constructor(desk: Desk) {
    this.#desk = desk
    this.#ledger = new Ledger(desk)
    this.#census = new Census(desk, 'revocation', () => true)
  }

  async create(given: z.output<typeof newRevocation>, actor: string): Promise<Reply> {
    const { store, outside } = this.#desk
    const now = outside.now()
    const facts = this.#desk.facts()
    const issuer = issuerOf(given.issuer, facts)
    const problems = troublesOf(given, facts, now)
    if (problems.length > 0 || issuer === null) return invalid(problems)
    const asked: Revocation = {
      v: 1,
      what: given.kind,
      issuer,
      value: given.value,
      before: given.kind === 'token' ? null : Math.floor(Date.parse(given.before ?? iso(now)) / 1000),
      reason: given.reason,
      by: actor,
      created: now,
    }
    const key = revocationId(asked)
    if (key.length > MAX_ID)
      return invalid([
        trouble(['value'], `is too long: issuer and value together are ${MAX_ID} characters at most`),
      ])
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const [entry = null] = await store.get('revocation', [key])
      if (entry === null && (await this.#census.count()) >= MAX_REVOCATIONS)
        return refusal(
          'conflict',
          `There are ${MAX_REVOCATIONS} revocations: lift some, or give them an end (until).`,
        )
      const next = merged(entry, asked, given.until === null ? null : Date.parse(given.until))
      const draft = {
        kind: 'revocation' as const,
        id: key,
        body: JSON.stringify(next.body),
        owner: null,
        aliases: [this.#handle(key)],
        expires: next.expires,
      }
      const before = entry === null ? null : this.#view(entry)
      const after = this.#view(draft)
      const what = before === null ? { before, after } : difference(before, after)
      const act = { actor, action: 'revocation.create', target: key, ...what }
      const expected = entry === null ? ('absent' as const) : entry.version
      const applied = await this.#ledger.apply([{ put: draft, expected }], act)
      if (applied.ok) {
        if (entry === null) this.#census.added()
        return { status: entry === null ? 201 : 200, body: after }
      }
    }
    return refusal('conflict', 'It is being changed by others all the time: try again.')
  }

  async list({ after = null, limit }: { after?: string | null | undefined; limit: number }): Promise<Reply> {
    const entries = await this.#desk.store.list('revocation', { owner: null, after, limit: limit + 1 })
    return page(entries, limit, (entry) => this.#view(entry))
  }

  async lift(handle: string, actor: string): Promise<Reply> {
    const { store } = this.#desk
    const entry = await store.find('revocation', [handle])
    if (entry === null) return refusal('unknown', 'There is no revocation with this id.')
    const change = { remove: { kind: 'revocation' as const, id: entry.id }, expected: 'any' as const }
    const act = {
      actor,
      action: 'revocation.lift',
      target: entry.id,
      before: this.#view(entry),
      after: null,
    }
    const applied = await this.#ledger.apply([change], act)
    return applied.ok
      ? { status: 204, body: undefined }
      : refusal('unknown', 'There is no revocation with this id.')
  }

  /** What people and URLs call it: the id itself holds whatever an issuer may write into a token. */
  #handle(id: string): string {
    return `rev_${this.#desk.outside.sha256Hex(id).slice(0, 24)}`
  }

  #view(entry: Pick<Entry, 'id' | 'body' | 'expires'>): View {
    const { what, before, created, v: _, ...rest } = revocationIn(entry)
    return {
      id: this.#handle(entry.id),
      kind: what,
      ...rest,
      before: textOfTime(before === null ? null : before * 1000),
      until: textOfTime(entry.expires),
      created: iso(created),
    }
  }
}

const iso = (time: number): string => new Date(time).toISOString()

function revocationIn(entry: Pick<Entry, 'body'>): Revocation {
  const parsed = revocation.safeParse(jsonOf(entry.body))
  if (parsed.success) return parsed.data
  throw new StoreFault('incompatible', 'the record of a revocation is of another version')
}

/** Said twice, it reaches as far and lasts as long as the stronger of the two. */
function merged(
  entry: Entry | null,
  asked: Revocation,
  until: number | null,
): { readonly body: Revocation; readonly expires: number | null } {
  if (entry === null) return { body: asked, expires: until }
  const known = revocationIn(entry)
  const before = asked.before === null ? null : Math.max(asked.before, known.before ?? 0)
  const expires = until === null || entry.expires === null ? null : Math.max(until, entry.expires)
  return { body: { ...asked, before, created: known.created }, expires }
}

function issuerOf(given: string, { issuers }: Facts): string | null {
  if (given === 'api-key') return given
  const named = issuers.find(({ name, issuer }) => name === given || issuer === given)
  return named?.issuer ?? null
}

function troublesOf(given: z.output<typeof newRevocation>, facts: Facts, now: number): Trouble[] {
  const found: Trouble[] = []
  if (issuerOf(given.issuer, facts) === null) {
    const names = ['api-key', ...facts.issuers.map(({ name }) => name)]
    found.push(trouble(['issuer'], `is not an issuer of the policy: ${suggestion(given.issuer, names)}`))
  }
  if (given.kind === 'issuer' && given.value !== null)
    found.push(trouble(['value'], 'says nothing of an issuer: leave it out'))
  if (given.kind !== 'issuer' && given.value === null)
    found.push(trouble(['value'], `is missing: write the ${VALUES[given.kind]}`))
  if (given.kind === 'token' && given.before !== null)
    found.push(trouble(['before'], 'says nothing of a token, which is refused as such: leave it out'))
  if (given.before !== null && Date.parse(given.before) > now)
    found.push(trouble(['before'], 'is in the future: what is not issued yet cannot be withdrawn'))
  if (given.until !== null && Date.parse(given.until) <= now)
    found.push(trouble(['until'], 'is in the past: write a point in time that is still to come'))
  return found
}

const VALUES = { token: '`jti`', subject: 'principal id', session: '`sid`' } as const
