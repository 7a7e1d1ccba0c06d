import * as z from 'zod'
import { name } from '../schema/fields.ts'
import { checkKey, keyCheck, presentedKey } from './key-check.ts'
import { crowd, importResult, keyImport, MAX_IMPORT } from './key-import.ts'
import { type Caller, keyPatch, newKey, rotation } from './key-requests.ts'
import { troublesIn } from './key-rules.ts'
import { keyPage, keyView, shownOnce } from './key-view.ts'
import { gone, none, type Operation, operation } from './operation.ts'
import { paging } from './page.ts'
import type { Services } from './services.ts'

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

/** What is done with keys. */
export const KEY_OPERATIONS: readonly Operation<Services>[] = [
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
]
