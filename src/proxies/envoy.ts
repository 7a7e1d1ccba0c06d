import * as z from 'zod'
import { defineProxy } from './contract.ts'
import { FORWARDED, readFields } from './fields.ts'

const options = {
  unavailable: z
    .literal(403, { error: 'is not 403, the one status that can stand for 503: leave it out or write 403' })
    .optional()
    .meta({
      description:
        'What Envoy is told in the place of 503, which it hides behind `status_on_error` and, with `failure_mode_allow`, lets pass. X-Postern-Status still says 503. Default: 503.',
    }),
}

/**
 * Envoy's ext_authz over HTTP (1.38 and later), with `path_override`: the check comes with the client's method at one
 * fixed path. Only exactly 200 allows. It relays 3xx and 4xx with headers and body, and of 5xx nothing.
 */
export const envoy = defineProxy({
  name: 'envoy',
  options,
  adapter: ({ unavailable }) => ({
    name: 'envoy',
    read: (headers) => readFields('envoy', FORWARDED, headers),
    status: (wanted) => (wanted >= 500 ? (unavailable ?? wanted) : wanted),
    bodies: true,
  }),
})
