import * as z from 'zod'
import { name } from '../../schema/fields.ts'
import { rate } from './limit.ts'

const token = z.strictObject({
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, {
      error:
        'is not the digest of a token: write "sha256:" and 64 lower-case hexadecimal digits, as `postern token` prints it',
    })
    .meta({ description: 'SHA-256 of the token, as `postern token` prints it.' }),
  role: z
    .enum(['reader', 'writer'], { error: 'is not known: write reader or writer' })
    .meta({ description: '`reader` may look, `writer` may change.' }),
})

export const admin = z.strictObject({
  tokens: z
    .record(name, token)
    .meta({ description: 'Who may use the API, by the name that audit lines give.' }),
  limit: rate.prefault('600/minute').meta({ description: 'Requests that each token may send.' }),
})
