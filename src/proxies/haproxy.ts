import { plainProxy } from './contract.ts'
import { FORWARDED, readFields } from './fields.ts'

/**
 * HAProxy (2.6 and later) with the Lua action of docs/proxies/postern.lua, which fills the fields itself and relays
 * every status and body. It leaves away what it cannot tell: a request for `*` comes without a target.
 */
export const haproxy = plainProxy({
  name: 'haproxy',
  read: (headers) => readFields('haproxy', FORWARDED, headers),
  status: (wanted) => wanted,
  bodies: true,
})
