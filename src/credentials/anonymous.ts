import type { Principal } from '../core/model.ts'
import { defineCredential } from './contract.ts'

const NOBODY: Principal = Object.freeze({
  id: '',
  issuer: 'anonymous',
  type: 'anonymous',
  method: 'anonymous',
  tenant: null,
  email: null,
  roles: [],
  permissions: [],
  scopes: [],
  strength: { methods: [], context: null, at: null },
  limits: [],
  credential: { id: null, session: null, issued: null },
})

/** Lets everybody in who presents nothing, where a route says so. A bad credential of another type stays bad. */
export const anonymous = defineCredential({
  type: 'anonymous',
  section: null,
  variants: () => null,
  places: () => [],
  inspect: () => {},
  create: () => ({
    type: 'anonymous',
    fallback: true,
    authenticate: () => ({ is: 'accepted', principal: NOBODY }),
  }),
})
