import { plainProxy } from './contract.ts'
import { FORWARDED, readFields } from './fields.ts'

/**
 * Caddy's forward_auth (2.11 and later): a reverse_proxy shortcut that relays every status and body. It hands us the
 * client's own Host and, without a `?` in its `rewrite`, the client's query: neither is ever read.
 */
export const caddy = plainProxy({
  name: 'caddy',
  read: (headers) => readFields('caddy', FORWARDED, headers),
  status: (wanted) => wanted,
  bodies: true,
})
