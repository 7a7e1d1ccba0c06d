import { z } from 'zod'
import { cidr, name } from '../schema/fields.ts'
import { BanDesk, banView, newBan } from './bans.ts'
import { history, historyPage } from './history.ts'
import { checkKey, keyCheck, presentedKey } from './key-check.ts'
import { crowd, KeyImport, keyImport, MAX_IMPORT } from './key-import.ts'
import { troublesIn } from './key-rules.ts'
import { keyView } from './key-view.ts'
import { type Caller, Keys, keyPatch, newKey, rotation } from './keys.ts'
import type { Desk } from './ledger.ts'
import { none, type Operation, operation } from './operation.ts'
import { PepperDesk, pepperPage } from './peppers.ts'
import { newRevocation, RevocationDesk, revocationView } from './revocations.ts'

/** What the operations are done with. */
export class Services {
  readonly desk: Desk
  readonly keys: Keys
  readonly keyImport: KeyImport
  readonly revocations: RevocationDesk
  readonly bans: BanDesk
  readonly peppers: PepperDesk

  constructor(desk: Desk) {
    this.desk = desk
    this.keys = new Keys(desk)
    this.keyImport = new KeyImport(desk)
    this.revocations = new RevocationDesk(desk)
    this.bans = new BanDesk(desk)
    this.peppers = new PepperDesk(desk)
  }
}

export const shownOnce = keyView
  .extend({ key: z.string().meta({ description: 'The key itself. It is shown this once.' }) })
  .meta({ description: 'A key with its secret.' })

const pageOf = (item: z.ZodType) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'What to send as `after` for more; null at the end.' }),
  })

export const keyPage = pageOf(keyView).meta({ description: 'Keys in the order of their ids.' })
export const revocationPage = pageOf(revocationView).meta({ description: 'Revocations.' })
export const banPage = pageOf(banView).meta({ description: 'Bans.' })
export const importResult = z
  .strictObject({
    created: z.int(),
    skipped: z.int().meta({ description: 'Records that the very same import has brought before.' }),
  })
  .meta({ description: 'What became of an import.' })

const count = (most: number, fallback: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int({ error: 'is not a whole number' })
    .min(1, { error: 'is less than 1' })
    .max(most, { error: `is more than ${most}` })
    .default(fallback)
    .meta({ description: `How many at most, up to ${most}.` })

const after = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'is no id' })
  .optional()
  .meta({ description: '`next` of the page before.' })

const paging = z.strictObject({ limit: count(500, 50), after })
const byId = z.strictObject({ id: name.meta({ description: 'Id of the key.' }) })

const ifMatch = z
  .string()
  .regex(/^(?:\*|"?[1-9]\d{0,14}"?)$/, { error: 'is not a version: write the ETag as it came, as in "3"' })
  .transform((text) => (text === '*' ? null : Number(text.replaceAll('"', ''))))
  .optional()
  .meta({ description: 'ETag of the version that is meant; `*`: whichever it is.' })

const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, { error: 'is not 1 to 255 visible ASCII characters' })
  .optional()
  .meta({
    description:
      'A new one for each request. The same request again within 24 hours gets the same answer, the same key included.',
  })

const matching = z.strictObject({ 'if-match': ifMatch })
const repeatable = z.strictObject({ 'idempotency-key': idempotencyKey })

/** The same fields under the names that the services use. */
const callerOf = (
  actor: string,
  headers: { 'if-match'?: number | null | undefined; 'idempotency-key'?: string | undefined },
): Caller => ({
  actor,
  ifMatch: headers['if-match'] ?? null,
  idempotencyKey: headers['idempotency-key'] ?? null,
})

const fieldTroubles = (data: unknown, { desk }: Services) =>
  troublesIn(data, desk.facts(), desk.outside.now())

const one = { description: 'The key.', schema: keyView }
const gone = { 204: { description: 'It is gone.', schema: null } }

/** Every operation. One line here is a route and a part of the OpenAPI document. */
export const OPERATIONS: readonly Operation<Services>[] = [
  operation({
    id: 'createKey',
    method: 'POST',
    path: '/v1/keys',
    role: 'writer',
    summary: 'Make a key',
    description: 'The key is in this answer and nowhere else.',
    params: none,
    query: none,
    headers: repeatable,
    body: newKey,
    troublesIn: fieldTroubles,
    answers: { 201: { description: 'The key, shown this once.', schema: shownOnce } },
    refusals: ['conflict', 'idempotency_reused'],
    run: ({ body, headers, actor }, { keys }: Services) => keys.create(body, callerOf(actor, headers)),
  }),
  operation({
    id: 'listKeys',
    method: 'GET',
    path: '/v1/keys',
    role: 'reader',
    summary: 'List keys, all or those of one owner',
    params: none,
    query: paging.extend({ owner: name.optional().meta({ description: 'Only keys of this principal.' }) }),
    headers: none,
    body: null,
    answers: { 200: { description: 'A page of keys.', schema: keyPage } },
    refusals: [],
    run: ({ query }, { keys }: Services) => keys.list(query),
  }),
  operation({
    id: 'importKeys',
    method: 'POST',
    path: '/v1/keys/import',
    role: 'writer',
    summary: 'Take keys from elsewhere, by digest',
    description: `At most ${MAX_IMPORT} records: all of them are taken, or none. The very same record again is skipped.`,
    params: none,
    query: none,
    headers: none,
    body: keyImport,
    bodyFirst: crowd,
    troublesIn: (data: unknown, { keyImport }: Services) => keyImport.troublesIn(data),
    answers: { 200: { description: 'What became of the records.', schema: importResult } },
    refusals: ['conflict'],
    run: ({ body, actor }, { keyImport }: Services) => keyImport.run(body, actor),
  }),
  operation({
    id: 'verifyKey',
    method: 'POST',
    path: '/v1/keys/verify',
    role: 'reader',
    summary: 'Say whether a key would be taken, and why not',
    params: none,
    query: none,
    headers: none,
    body: presentedKey,
    answers: { 200: { description: 'What is known of the key.', schema: keyCheck } },
    refusals: ['conflict'],
    run: ({ body }, { desk }: Services) => checkKey(body, desk),
  }),
  operation({
    id: 'showKey',
    method: 'GET',
    path: '/v1/keys/{id}',
    role: 'reader',
    summary: 'Show a key',
    params: byId,
    query: none,
    headers: none,
    body: null,
    answers: { 200: one },
    refusals: ['unknown', 'conflict'],
    run: ({ params }, { keys }: Services) => keys.show(params.id),
  }),
  operation({
    id: 'updateKey',
    method: 'PATCH',
    path: '/v1/keys/{id}',
    role: 'writer',
    summary: 'Change a key',
    description: 'Fields that are not named stay as they are. If-Match is required.',
    params: byId,
    query: none,
    headers: z.strictObject({ 'if-match': ifMatch.unwrap() }),
    body: keyPatch,
    troublesIn: fieldTroubles,
    answers: { 200: one },
    refusals: ['unknown', 'conflict', 'changed', 'precondition_required'],
    run: ({ params, body, headers, actor }, { keys }: Services) =>
      keys.update(params.id, body, callerOf(actor, headers)),
  }),
  operation({
    id: 'deleteKey',
    method: 'DELETE',
    path: '/v1/keys/{id}',
    role: 'writer',
    summary: 'Delete a key and its record',
    params: byId,
    query: none,
    headers: matching,
    body: null,
    answers: gone,
    refusals: ['unknown', 'conflict', 'changed'],
    run: ({ params, headers, actor }, { keys }: Services) => keys.remove(params.id, callerOf(actor, headers)),
  }),
  operation({
    id: 'rotateKey',
    method: 'POST',
    path: '/v1/keys/{id}/rotate',
    role: 'writer',
    summary: 'Give a key a new secret',
    description:
      'Id and owner stay. The old secret ends after `overlap`, and never later than it would have.',
    params: byId,
    query: none,
    headers: matching.extend(repeatable.shape),
    body: rotation,
    bodyOptional: true,
    answers: { 200: { description: 'The key with its new secret, shown this once.', schema: shownOnce } },
    refusals: ['unknown', 'conflict', 'changed', 'idempotency_reused'],
    run: ({ params, body, headers, actor }, { keys }: Services) =>
      keys.rotate(params.id, body, callerOf(actor, headers)),
  }),
  operation({
    id: 'revokeKey',
    method: 'POST',
    path: '/v1/keys/{id}/revoke',
    role: 'writer',
    summary: 'Revoke a key for good, and keep its record',
    params: byId,
    query: none,
    headers: matching,
    body: none,
    bodyOptional: true,
    answers: { 200: one },
    refusals: ['unknown', 'conflict', 'changed'],
    run: ({ params, headers, actor }, { keys }: Services) => keys.revoke(params.id, callerOf(actor, headers)),
  }),
  operation({
    id: 'createRevocation',
    method: 'POST',
    path: '/v1/revocations',
    role: 'writer',
    summary: 'Withdraw a token, or everything issued so far to a subject, in a session or by an issuer',
    params: none,
    query: none,
    headers: none,
    body: newRevocation,
    answers: {
      200: { description: 'It was revoked before, and reaches at least as far now.', schema: revocationView },
      201: { description: 'It is revoked.', schema: revocationView },
    },
    refusals: ['conflict'],
    run: ({ body, actor }, { revocations }: Services) => revocations.create(body, actor),
  }),
  operation({
    id: 'listRevocations',
    method: 'GET',
    path: '/v1/revocations',
    role: 'reader',
    summary: 'List revocations',
    params: none,
    query: paging,
    headers: none,
    body: null,
    answers: { 200: { description: 'A page of revocations.', schema: revocationPage } },
    refusals: [],
    run: ({ query }, { revocations }: Services) => revocations.list(query),
  }),
  operation({
    id: 'liftRevocation',
    method: 'DELETE',
    path: '/v1/revocations/{id}',
    role: 'writer',
    summary: 'Lift a revocation',
    params: z.strictObject({
      id: z.string().regex(/^rev_[0-9a-f]{24}$/, { error: 'is not the id of a revocation' }),
    }),
    query: none,
    headers: none,
    body: null,
    answers: gone,
    refusals: ['unknown'],
    run: ({ params, actor }, { revocations }: Services) => revocations.lift(params.id, actor),
  }),
  operation({
    id: 'addBan',
    method: 'POST',
    path: '/v1/bans',
    role: 'writer',
    summary: 'Ban an address or a network',
    params: none,
    query: none,
    headers: none,
    body: newBan,
    answers: {
      200: { description: 'It was banned before; this ban takes its place.', schema: banView },
      201: { description: 'It is banned.', schema: banView },
    },
    refusals: ['conflict'],
    run: ({ body, actor }, { bans }: Services) => bans.add(body, actor),
  }),
  operation({
    id: 'listBans',
    method: 'GET',
    path: '/v1/bans',
    role: 'reader',
    summary: 'List bans, those of the penalty box included',
    params: none,
    query: paging,
    headers: none,
    body: null,
    answers: { 200: { description: 'A page of bans.', schema: banPage } },
    refusals: [],
    run: ({ query }, { bans }: Services) => bans.list(query),
  }),
  operation({
    id: 'liftBan',
    method: 'DELETE',
    path: '/v1/bans',
    role: 'writer',
    summary: 'Lift a ban',
    params: none,
    query: z.strictObject({ network: cidr.meta({ description: 'As the list writes it, or an address.' }) }),
    headers: none,
    body: null,
    answers: gone,
    refusals: ['unknown'],
    run: ({ query, actor }, { bans }: Services) => bans.lift(query.network, actor),
  }),
  operation({
    id: 'listPeppers',
    method: 'GET',
    path: '/v1/peppers',
    role: 'reader',
    summary: 'List pepper versions',
    params: none,
    query: none,
    headers: none,
    body: null,
    answers: {
      200: { description: 'Every version that the policy or the store knows.', schema: pepperPage },
    },
    refusals: [],
    run: (_, { peppers }: Services) => peppers.list(),
  }),
  operation({
    id: 'retirePepper',
    method: 'DELETE',
    path: '/v1/peppers/{version}',
    role: 'writer',
    summary: 'Forget a pepper that no key needs any more',
    description: 'Every key is looked at first. Then the version can be taken out of the policy.',
    params: z.strictObject({
      version: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, { error: 'is not a version' }),
    }),
    query: none,
    headers: none,
    body: null,
    answers: gone,
    refusals: ['unknown', 'conflict'],
    run: ({ params, actor }, { peppers }: Services) => peppers.retire(params.version, actor),
  }),
  operation({
    id: 'showHistory',
    method: 'GET',
    path: '/v1/audit',
    role: 'reader',
    summary: 'Say who changed what, newest first',
    params: none,
    query: z.strictObject({ limit: count(1000, 100) }),
    headers: none,
    body: null,
    answers: { 200: { description: 'The latest changes.', schema: historyPage } },
    refusals: [],
    run: ({ query }, { desk }: Services) => history(query.limit, desk),
  }),
]
