import { plainProxy } from './contract.ts'
import { FORWARDED, readFields } from './fields.ts'

/**
 * Traefik's ForwardAuth (3.7 and later). It relays every status and body to the client, and with
 * `trustForwardHeader: true` also fields that a client doubled or left empty, so they are refused here.
 */
export const traefik = plainProxy({
  name: 'traefik',
  read: (headers) => readFields('traefik', FORWARDED, headers),
  status: (wanted) => wanted,
  bodies: true,
})
