import * as z from 'zod'
import { duration, secret } from '../../schema/fields.ts'

/** Names of bindings that a Worker is deployed with. */
export const binding = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, {
  error: 'is not the name of a binding: letters, digits and _, as in ORIGIN',
})

const origin = z.string().superRefine((text, context) => {
  const fault = faultOf(text)
  if (fault !== null) context.addIssue({ code: 'custom', message: fault })
})

/** Why a text is no origin (RFC 6454 section 4), and what would be right; null when it is one. */
function faultOf(text: string): string | null {
  const form = 'write https://origin.example.com'
  if (!/^https?:\/\/[^/?#@\s]+\/?$/.test(text) || !URL.canParse(text))
    return `is not an origin, which has a scheme, a host and perhaps a port: ${form}`
  const { protocol, hostname } = new URL(text)
  if (protocol === 'http:' && !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname))
    return `would send identities in the clear: ${form} (http:// is for this machine alone)`
  return null
}

const headerValue = z.string().regex(/^[\x20-\x7e]{1,1024}$/, {
  error: 'is not the value of a header: 1 to 1024 visible ASCII characters',
})

/** The Worker that fronts an origin by itself. */
export const gateway = z.strictObject({
  origin: origin.optional().meta({
    description:
      "Where requests go that may pass. Without it they go to the address that the client asked for, which is the zone's own origin.",
  }),
  secret: secret
    .optional()
    .meta({ description: 'What the origin gets in X-Postern-Secret, so that it can refuse everybody else.' }),
  binding: binding.optional().meta({
    description:
      'Binding through which the origin is asked: one with a client certificate (`mtls_certificates`), or a service.',
  }),
  timeout: duration
    .prefault('30s')
    .meta({ description: 'How long the origin may take to begin its answer.' }),
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9-]{1,64}$/, {
        error: 'is not a header name: letters, digits and hyphens, as in Referrer-Policy',
      }),
      headerValue,
    )
    .prefault({
      'Strict-Transport-Security': 'max-age=31536000',
      'X-Content-Type-Options': 'nosniff',
    })
    .meta({ description: 'What clients get in answers that do not say it themselves.' }),
})

export const shield = z.strictObject({
  binding: binding.meta({
    description:
      'The rate limiting binding that counts clients before anything is spent on them; approximate, and per location.',
  }),
})
