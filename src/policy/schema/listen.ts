import * as z from 'zod'

const address = z.string().regex(/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, {
  error: 'is not a listen address: write HOST:PORT, as in 127.0.0.1:8081',
})

const file = z.strictObject({
  file: z.string().min(1).meta({ description: 'Path, relative to the policy file.' }),
})

export const listen = z.strictObject({
  check: address.default('127.0.0.1:8081').meta({ description: 'Where proxies ask.' }),
  health: address
    .optional()
    .meta({ description: 'Where /livez, /readyz and /metrics are; 127.0.0.1:8082 unless given.' }),
  admin: address
    .optional()
    .meta({ description: 'Where the admin API is; nowhere unless given. It needs `admin.tokens`.' }),
  tls: z
    .strictObject({
      address: address.meta({ description: 'Where proxies ask over https and h2.' }),
      certificate: file.meta({
        description: 'PEM file of the certificate and its chain; read again when it changes.',
      }),
      key: file.meta({ description: 'PEM file of the private key; read again when it changes.' }),
    })
    .optional()
    .meta({ description: 'A listener with TLS and h2 beside the plain one.' }),
})
