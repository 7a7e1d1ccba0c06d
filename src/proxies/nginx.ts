import { plainProxy } from './contract.ts'
import { authRequestStatus, FORWARDED, readFields } from './fields.ts'

/** Method and target stand in fields of their own: nginx passes a client's X-Forwarded-Method and -Uri through. */
const FIELDS = { ...FORWARDED, method: 'x-original-method', target: 'x-original-uri' }

/** nginx auth_request; the recipe maps X-Postern-Status back. A body would cost it the connection. */
export const nginx = plainProxy({
  name: 'nginx',
  read: (headers) => readFields('nginx', FIELDS, headers),
  status: authRequestStatus,
  bodies: false,
})
