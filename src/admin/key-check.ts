import * as z from 'zod'
import { type FormFault, formFault, formOf, type KeyForm, tagFits } from '../credentials/api-key/form.ts'
import type { ApiKeyFacts } from './facts.ts'
import { keyView, recordIn, viewOf } from './key-view.ts'
import type { AdminOutside, Desk } from './ledger.ts'
import { type Reply, refusal } from './reply.ts'

export const presentedKey = z.strictObject({
  key: z.string().min(1).max(256).meta({ description: 'The whole key.' }),
})

const VERDICTS = {
  good: 'it is one of ours and would be taken, from its networks',
  prefix: 'it does not begin with the prefix of the policy',
  shape: 'it has another length, or characters that keys do not have',
  checksum: 'its checksum does not fit: it was mistyped or cut',
  tag: 'its tag was made with none of the peppers: it is not one of ours, or its pepper is gone',
  unknown: 'no record has it: it was deleted, replaced, or never made here',
  replaced: 'it was rotated, and the overlap is over',
  revoked: 'it was revoked',
  expired: 'it has expired',
  not_yet_valid: 'its time is still to come',
} as const

export type KeyVerdict = keyof typeof VERDICTS

export const keyCheck = z
  .strictObject({
    verdict: z.enum(Object.keys(VERDICTS) as [KeyVerdict, ...KeyVerdict[]]),
    meaning: z.string().meta({ description: 'The verdict in words.' }),
    form: z.enum(['own', 'imported']).nullable().meta({
      description: '`own`: as Postern makes keys; `imported`: 32 hexadecimal digits after the prefix.',
    }),
    pepper: z.string().nullable().meta({ description: 'Version that its tag was made with.' }),
    source: z.enum(['store', 'policy']).nullable().meta({ description: 'Where its record is.' }),
    id: z.string().nullable(),
    record: keyView.nullable().meta({ description: 'Null for a key of the policy file.' }),
  })
  .meta({ description: 'What is known of a presented key.' })

export type KeyCheck = z.output<typeof keyCheck>

/** What a key says of itself, without any store. */
export interface Examined {
  readonly form: KeyForm | null
  readonly pepper: string | null
  /** What is wrong with it; null when only its record can tell. */
  readonly fault: FormFault | 'tag' | null
  /** To find its record by; null when there is no point in looking. */
  readonly digest: string | null
}

export function examine(
  key: string,
  { prefix, peppers }: ApiKeyFacts,
  { hmacSha256, sha256Hex }: Pick<AdminOutside, 'hmacSha256' | 'sha256Hex'>,
): Examined {
  const form = formOf(key, prefix)
  if (form === null) return { form, pepper: null, fault: formFault(key, prefix), digest: null }
  if (form === 'imported') return { form, pepper: null, fault: null, digest: `sha256:${sha256Hex(key)}` }
  const signer = peppers.find(([, secret]) => tagFits(key, secret, hmacSha256))
  if (signer === undefined) return { form, pepper: null, fault: 'tag', digest: null }
  const [version, secret] = signer
  return { form, pepper: version, fault: null, digest: `hmac-sha256:${version}:${hmacSha256(secret, key)}` }
}

export const checked = (
  verdict: KeyVerdict,
  { form, pepper }: Pick<Examined, 'form' | 'pepper'>,
  found: Pick<KeyCheck, 'source' | 'id' | 'record'> = { source: null, id: null, record: null },
): KeyCheck => ({ verdict, meaning: VERDICTS[verdict], form, pepper, ...found })

/** Says of one key whether it would be taken, and why not. */
export async function checkKey({ key }: z.output<typeof presentedKey>, desk: Desk): Promise<Reply> {
  const { apiKeys } = desk.facts()
  if (apiKeys === null)
    return refusal('conflict', 'The policy has no `apiKeys`: add the section there first.')
  const examined = examine(key, apiKeys, desk.outside)
  const { digest, fault } = examined
  if (fault !== null || digest === null) return { status: 200, body: checked(fault ?? 'unknown', examined) }
  const policyId = apiKeys.policyKeys.get(digest)
  if (policyId !== undefined)
    return {
      status: 200,
      body: checked('good', examined, { source: 'policy', id: policyId, record: null }),
    }
  const entry = await desk.store.find('key', [digest])
  if (entry === null) return { status: 200, body: checked('unknown', examined) }
  const now = desk.outside.now()
  const record = viewOf(entry, now)
  const until = recordIn(entry).digests.find((one) => one.digest === digest)?.until ?? null
  const replaced = until !== null && until <= now
  const verdict =
    record.status === 'active' ? (replaced ? 'replaced' : 'good') : (record.status satisfies KeyVerdict)
  return { status: 200, body: checked(verdict, examined, { source: 'store', id: entry.id, record }) }
}
