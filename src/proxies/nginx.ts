import { plainProxy } from './contract.ts'
import { FORWARDED, readFields } from './fields.ts'

/** Method and target stand in fields of their own: nginx passes a client's X-Forwarded-Method and -Uri through. */
const FIELDS = { ...FORWARDED, method: 'x-original-method', target: 'x-original-uri' }

/**
 * nginx auth_request. It relays 2xx, 401 and 403 and turns every other status into its own 500, so other denials
 * travel as 403 and the recipe maps X-Postern-Status back. A body would cost it the connection.
 */
export const nginx = plainProxy({
  name: 'nginx',
  read: (headers) => readFields('nginx', FIELDS, headers),
  status: (wanted) => (wanted < 300 || wanted === 401 ? wanted : 403),
  bodies: false,
})
