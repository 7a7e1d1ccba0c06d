import * as z from 'zod'
import { PROXIES } from '../../proxies/index.ts'
import { cidr, secret } from '../../schema/fields.ts'

/** The proxies in front, and how each proves that a check is its own. */

const fieldName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, {
  error: 'is not the name of a header: letters, digits and hyphens, as in CF-IPCountry',
})

/** What holds for every proxy. */
const common = {
  peers: z
    .array(cidr)
    .min(1, { error: "is empty, so no check would be taken: name the proxy's address" })
    .optional()
    .meta({
      description: 'Addresses from which its checks come. Workers see none, and go by the others alone.',
    }),
  secret: secret
    .optional()
    .meta({ description: 'What it sends in X-Postern-Secret; at least 16 bytes, by reference.' }),
  certificates: z
    .array(
      z.string().regex(/^sha256:[0-9a-f]{64}$/, {
        error:
          'is not the digest of a certificate: write "sha256:" and 64 lower-case hexadecimal digits, as of openssl x509 -outform der | sha256sum',
      }),
    )
    .min(1, { error: 'is empty, so no check would be taken: name the certificate of the proxy' })
    .optional()
    .meta({
      description:
        'Client certificates one of which it presents over TLS, each as `sha256:` and the digest of its DER form.',
    }),
  place: z
    .strictObject({
      country: fieldName.optional().meta({
        description: 'Header with the two letters of a country (ISO 3166-1), such as CF-IPCountry.',
      }),
      asn: fieldName.optional().meta({ description: 'Header with the number of an autonomous system.' }),
    })
    .optional()
    .meta({
      description:
        "Headers in which it says where the client is. It must overwrite a client's own, or they are lies.",
    }),
}

export const proxies = z
  .strictObject(
    Object.fromEntries(
      Object.entries(PROXIES).map(([name, { options }]) => [
        name,
        z
          .strictObject({ ...common, ...options })
          .optional()
          .meta({ description: `${name} in front, which asks /check/${name}.` }),
      ]),
    ),
  )
  .meta({
    description:
      'The proxies whose checks are answered. All that stands in an entry must hold, and something must.',
  })

const entry = z.strictObject(common)
/** An entry as far as it is the same for every proxy. */
export type ProxyPolicy = z.output<typeof entry>
